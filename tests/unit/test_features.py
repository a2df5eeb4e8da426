"""The feature file: what is in it, and how a wrong entry is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from climart.errors import UserError
from ingest import features
from ingest.reducers import REDUCERS

WINDOWS = "windows:\n  year: {from: 01-01, to: 12-31}\n"
GOOD = "{id: tx30, reducer: count, of: tasmax, when: '>= 30', window: year, unit: d}"


def load(tmp_path: Path, *entries: str, windows: str = WINDOWS) -> features.Catalogue:
    path = tmp_path / "features.yml"
    path.write_text(windows + "features:\n" + "".join(f"  - {entry}\n" for entry in entries), encoding="utf-8")
    return features.load(path)


def test_the_catalogue_loads_and_every_reducer_of_the_closed_set_is_used() -> None:
    catalogue = features.catalogue()
    assert len(catalogue.features) >= 100
    # clipped sums with an upper limit come with the vine and grass states
    assert {feature.reducer for feature in catalogue.features} == {*REDUCERS, features.SEASON}
    assert len(set(catalogue.columns)) == len(catalogue.columns)


def test_dates_have_an_event_column() -> None:
    catalogue = features.catalogue()
    assert catalogue["last_frost_doy"].columns == ("last_frost_doy", "last_frost_doy_event")
    assert catalogue["snow_len"].columns == ("snow_len",)


def test_operators_are_those_of_the_specification() -> None:
    """indicators.md §0.5: ≥ for the TRACC thresholds, > for summer days and the DRIAS-2020 variants."""
    found = {name: features.catalogue()[name].when for name in ("su25", "tx30", "tx35", "tx35_gt", "tr20", "tr20_gt")}
    assert found == {
        "su25": (">", 25),
        "tx30": (">=", 30),
        "tx35": (">=", 35),
        "tx35_gt": (">", 35),
        "tr20": (">=", 20),
        "tr20_gt": (">", 20),
    }


def test_a_right_entry_is_taken(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD)["tx30"].parameters == (30.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{id: a, reducer: average, of: tas, window: year, unit: d}", "no reducer 'average'"),
        ("{id: a, reducer: mean, of: tass, window: year, unit: °C}", "no daily series 'tass'"),
        ("{id: a, reducer: mean, of: tas, window: winter, unit: °C}", "no window 'winter'"),
        ("{id: a, reducer: count, of: tas, window: year, unit: d}", "needs when"),
        ("{id: a, reducer: count, of: tas, when: 30, window: year, unit: d}", "is no condition"),
        ("{id: a, reducer: count, of: tas, when: '=> 30', window: year, unit: d}", "is no condition"),
        ("{id: a, reducer: mean, of: tas, when: '> 3', window: year, unit: °C}", "takes no when"),
        ("{id: a, reducer: mean, of: tas, window: year, unit: K}", "no unit 'K'"),
        ("{id: a, reducer: mean, of: tas, window: year, unit: doy}", "gives no day"),
        ("{id: a, reducer: last_day_when, of: tas, when: '> 3', window: year, unit: d}", "doy or dosy"),
        ("{id: a, reducer: longest_run, of: tas, when: '> 3', part: middle, window: year, unit: d}", "no part"),
        ("{id: a, reducer: percentile, of: tas, probability: 99, window: year, unit: °C}", "probability"),
        ("{id: a, reducer: days_in_runs, of: tas, when: '> 3', run: 0, window: year, unit: d}", "at least 1"),
        ("{id: 3a, reducer: mean, of: tas, window: year, unit: °C}", "the id must be"),
        ("{id: a_event, reducer: mean, of: tas, window: year, unit: °C}", "not end in _event"),
        ("{id: a, reducer: mean, of: tas, window: year, unit: °C, colour: red}", "colour"),
        ("{id: a, reducer: mean, of: tas, window: year}", "unit"),
        (GOOD, "taken already"),
        ("just words", "feature 2"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_reason(tmp_path: Path, entry: str, reason: str) -> None:
    with pytest.raises(UserError) as refusal:
        load(tmp_path, GOOD, entry)
    assert reason in str(refusal.value)
    assert "features.yml, feature" in str(refusal.value)


@pytest.mark.parametrize(
    ("window", "reason"),
    [
        ("{from: 13-01, to: 12-31}", "no day of the year"),
        ("{from: 04-31, to: 12-31}", "no day of the year"),
        ("{from: April, to: 12-31}", "is not a month and a day"),
        ("{from: 10-01, to: 03-31}", "ends before it begins"),
        ("{from: 10-01, to: 03-31, from_year: -2}", "start_year"),
        ("{from: 10-01, until: 12-31}", "unknown key 'until'"),
    ],
)
def test_a_wrong_window_is_refused(tmp_path: Path, window: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        load(tmp_path, GOOD, windows=WINDOWS + f"  bad: {window}\n")


def test_a_file_that_is_no_feature_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "features.yml"
    for text in ("a: [", "[]", "windows: {}\n"):
        path.write_text(text)
        with pytest.raises(UserError, match=r"features\.yml"):
            features.load(path)
