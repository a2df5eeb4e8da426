"""The annual features, read and checked from ``features.yml``.

A wrong entry is refused with its file, its id and the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from climart.errors import UserError
from ingest import calendars, series
from ingest.reducers import OPERATORS, REDUCERS, RUN_PARTS
from ingest.variables import VARIABLES

PATH = Path(__file__).with_name("features.yml")
UNITS = ("°C", "°C d", "d", "h", "doy", "dosy", "mm", "m", "1", "%", "CP", "kg ha-1", "kg kg-1", "W m-2", "m s-1")
SEASON = "season"  # no reducer: the column of a seasonal state
DATE_UNITS = ("doy", "dosy")

# Parameters that each reducer needs, and those that it may have.
_NEEDED: dict[str, set[str]] = {
    "count": {"when"},
    "sum_above": {"base"},
    "sum_below": {"base"},
    "clipped_sum": {"clip"},
    "first_day_sum_reaches": {"clip", "target"},
    "first_day_when": {"when"},
    "last_day_when": {"when"},
    "longest_run": {"when"},
    "days_in_runs": {"when", "run"},
    "max_rolling_sum": {"days"},
    "percentile": {"probability"},
}
_OPTIONAL: dict[str, set[str]] = {"first_day_when": {"run"}, "longest_run": {"part"}}
_PARAMETERS = ("when", "base", "clip", "target", "run", "part", "days", "probability")
_ALWAYS_DATES = {"first_day_sum_reaches", "first_day_when", "last_day_when", "day_of_max"}


def _month_day(value: object) -> tuple[int, int]:
    match = re.fullmatch(r"(\d\d)-(\d\d)", str(value))
    if not match:
        raise ValueError(f"{value!r} is not a month and a day, such as 04-15")
    month, day = int(match[1]), int(match[2])
    if not (1 <= month <= 12 and 1 <= day <= calendars.month_lengths("all_leap", 2000)[month - 1]):
        raise ValueError(f"{value!r} is no day of the year")
    return month, day


def _condition(value: object) -> tuple[str, float]:
    match = re.fullmatch(r"(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)", str(value).strip())
    if not match:
        raise ValueError(f'{value!r} is no condition: write an operator (> >= < <=) and a number, such as ">= 30"')
    return match[1], float(match[2])


MonthDay = Annotated[tuple[int, int], BeforeValidator(_month_day)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=_Strict)


class WindowEntry(_Strict):
    """A window as written: ends included."""

    start: MonthDay
    stop: MonthDay
    start_year: Literal[-1, 0] = 0
    stop_year: Literal[0, 1] = 0

    @model_validator(mode="before")
    @classmethod
    def _names(cls, entry: Any) -> Any:
        names = {"from": "start", "to": "stop", "from_year": "start_year", "to_year": "stop_year"}
        if not isinstance(entry, dict):
            raise ValueError("a window is written {from: MM-DD, to: MM-DD}")
        unknown = set(entry) - set(names)
        if unknown:
            raise ValueError(f"unknown key {sorted(unknown)[0]!r}")
        return {names[key]: value for key, value in entry.items()}

    @model_validator(mode="after")
    def _order(self) -> WindowEntry:
        if (self.start_year, *self.start) > (self.stop_year, *self.stop):
            raise ValueError("the window ends before it begins")
        return self

    def window(self) -> calendars.Window:
        return calendars.Window(self.start, self.stop, self.start_year, self.stop_year)


class Feature(_Strict):
    """One annual feature."""

    id: str
    reducer: str
    of: str
    unit: str
    window: str = ""
    when: Annotated[tuple[str, float] | None, BeforeValidator(_condition)] = None
    base: float | None = None
    clip: tuple[float | None, float | None] | None = None
    target: float | None = None
    run: int | None = None
    part: str | None = None
    days: int | None = None
    probability: float | None = None

    @model_validator(mode="after")
    def _check(self) -> Feature:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.id) or self.id.endswith("_event"):
            raise ValueError("the id must be lower-case letters, digits and _, and not end in _event")
        if self.reducer not in REDUCERS and self.reducer != SEASON:
            raise ValueError(f"no reducer {self.reducer!r}; there are {', '.join([*REDUCERS, SEASON])}")
        if self.is_seasonal:
            if self.of not in series.SEASONS:
                raise ValueError(f"no seasonal state {self.of!r}; there are {', '.join(sorted(series.SEASONS))}")
            if self.window:
                raise ValueError("a seasonal state knows its own window")
        elif self.of not in VARIABLES and self.of not in series.DERIVED:
            names = [*VARIABLES, *sorted(series.DERIVED)]
            raise ValueError(f"no daily series {self.of!r}; there are {', '.join(names)}")
        if not self.is_seasonal and not self.window:
            raise ValueError("window: Field required")
        given = {name for name in _PARAMETERS if getattr(self, name) is not None}
        needed = _NEEDED.get(self.reducer, set())
        if needed - given:
            raise ValueError(f"reducer {self.reducer} needs {', '.join(sorted(needed - given))}")
        if given - needed - _OPTIONAL.get(self.reducer, set()):
            extra = ", ".join(sorted(given - needed - _OPTIONAL.get(self.reducer, set())))
            raise ValueError(f"reducer {self.reducer} takes no {extra}")
        if self.unit not in UNITS:
            raise ValueError(f"no unit {self.unit!r}; there are {', '.join(UNITS)}")
        if self.is_date != (self.unit in DATE_UNITS):
            raise ValueError(f"{self.reducer} gives {'a day: doy or dosy' if self.is_date else 'no day'}")
        if self.part is not None and self.part not in RUN_PARTS:
            raise ValueError(f"no part {self.part!r}; there are {', '.join(RUN_PARTS)}")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError("probability must lie in 0 … 1")
        if any(value is not None and value < 1 for value in (self.run, self.days)):
            raise ValueError("run and days are at least 1")
        return self

    @property
    def sentence(self) -> str:
        """How it is computed, in one line: ``count of tasmax >= 35, window year``."""
        if self.is_seasonal:
            return f"seasonal state {self.of}"
        words = [f"{self.reducer} of {self.of}"]
        if self.when:
            words.append(f"{self.when[0]} {self.when[1]:g}")
        for name in ("base", "clip", "target", "run", "part", "days", "probability"):
            if (value := getattr(self, name)) is not None:
                words.append(f"{name} {value}")
        return " ".join(words) + f", window {self.window}"

    @property
    def is_seasonal(self) -> bool:
        """Whether it is the column of a seasonal state, not a reduction of days."""
        return self.reducer == SEASON

    @property
    def is_date(self) -> bool:
        """Whether the value is a day, which may not occur."""
        if self.is_seasonal:
            return self.of.endswith("_doy")
        return self.reducer in _ALWAYS_DATES or self.part in ("start", "end")

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature's columns in ``lake/cell_year``."""
        return (self.id, f"{self.id}_event") if self.is_date else (self.id,)

    @property
    def operator(self) -> int:
        return OPERATORS[self.when[0]] if self.when else -1

    @property
    def parameters(self) -> tuple[float, float, float]:
        """Threshold, base or target; then the two numbers that the reducer takes (see ``reducers.reduce_cells``)."""
        low, high = self.clip or (None, None)
        infinity = float("inf")
        bounds = (-infinity if low is None else low, infinity if high is None else high)
        match self.reducer:
            case "sum_above" | "sum_below":
                return self.base or 0.0, 0.0, 0.0
            case "clipped_sum":
                return 0.0, *bounds
            case "first_day_sum_reaches":
                return self.target or 0.0, *bounds
            case "max_rolling_sum":
                return 0.0, float(self.days or 0), 0.0
            case "percentile":
                return 0.0, self.probability or 0.0, 0.0
            case "longest_run":
                return self.when[1] if self.when else 0.0, float(RUN_PARTS[self.part or "length"]), 0.0
            case _:
                return self.when[1] if self.when else 0.0, float(self.run or 1), 0.0


@dataclass(frozen=True)
class Catalogue:
    """The features in the order of the file, and the windows that they use."""

    features: tuple[Feature, ...]
    windows: dict[str, calendars.Window]

    @property
    def columns(self) -> list[str]:
        """Feature columns of ``lake/cell_year``, in order."""
        return [column for feature in self.features for column in feature.columns]

    def __getitem__(self, feature_id: str) -> Feature:
        return next(feature for feature in self.features if feature.id == feature_id)

    def unavailable(self, resolution: series.Resolution) -> dict[str, str]:
        """Features whose series cannot be had, with the reason: ``missing_variable:rsds``, ``no_reference_period``…"""
        return {f.id: resolution.missing[f.of] for f in self.features if f.of in resolution.missing}

    def subset(self, feature_ids: list[str]) -> Catalogue:
        """Only these features, in the order of the file. An unknown id raises UserError."""
        unknown = set(feature_ids) - {feature.id for feature in self.features}
        if unknown:
            raise UserError(f"no feature {sorted(unknown)[0]!r} in {PATH.name}; `climart features` lists them")
        return Catalogue(tuple(f for f in self.features if f.id in set(feature_ids)), self.windows)


@cache
def catalogue() -> Catalogue:
    """The project's features."""
    return load(PATH)


def load(path: Path) -> Catalogue:
    """Read and check a feature file. Raises UserError with the file, the entry and the reason."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_TextLoader)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict) or set(content) != {"windows", "features"}:
        raise UserError(f"{path}: expected two keys, windows and features")
    windows = {
        name: _checked(path, f"window {name}", WindowEntry, entry).window()
        for name, entry in content["windows"].items()
    }
    features: list[Feature] = []
    for number, entry in enumerate(content["features"], start=1):
        label = f"feature {entry.get('id', number) if isinstance(entry, dict) else number}"
        feature = _checked(path, label, Feature, entry)
        if feature.window not in windows and not feature.is_seasonal:
            raise UserError(f"{path}, {label}: no window {feature.window!r}; there are {', '.join(windows)}")
        if any(feature.id == other.id for other in features):
            raise UserError(f"{path}, {label}: the id is taken already")
        features.append(feature)
    return Catalogue(tuple(features), windows)


class _TextLoader(yaml.SafeLoader):
    """Safe YAML whose dates stay text: 04-15 must not become anything else."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _checked(path: Path, label: str, model: type[M], entry: object) -> M:
    try:
        return model.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{path}, {label}{f', {where}' if where else ''}: {reason}") from error
