"""Agreste, annual agricultural statistics (SAA): a workbook of series by département and crop → yields.

A sheet per group of crops. Below a few lines of title, one names the columns: ``LIB_REG2``, ``LIB_DEP``, ``LIB_SAA``,
then ``SURF_2010``, ``REND_2010``, ``PROD_2010`` and so on (vines: ``SURF_TOT_``, ``SURF_PROD_``). Places are names,
with or without their code (``73 - Savoie``, ``073 - Savoie``, ``Savoie``); a line without a département is its
région's total.
"""

from __future__ import annotations

import io
import re
import statistics
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import openpyxl

from climart.errors import UserError
from ingest import archives, lake
from ingest.registry import AgresteSaa, CropSheet

REGION, PLACE, CROP = "LIB_REG2", "LIB_DEP", "LIB_SAA"
MAX_PREAMBLE = 30
SECRET = {"s", "secret"}
UNKNOWN = {"", "nd", "n.d.", "na", "-", "…", "..."}
CODED = re.compile(r"0?(\d{2}|2[AB]|97\d)\s*-\s*(.+)", re.IGNORECASE)
TOTAL = re.compile(r"(?:sous-)?(?:total|ensemble)\b[\s:]*", re.IGNORECASE)
# A production against area × yield, in the middle of a sheet: further apart than this, the units are others.
RATIO_TOLERANCE = 0.2
Cell = tuple[float | None, str | None]  # a value, or why there is none


def read(
    paths: Sequence[Path], ids: Sequence[str], options: AgresteSaa
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """``crop_yield`` rows; what was left out (other sheets, places that are no territory).

    Raises UserError naming the file, the sheet, the row: a column that is missing, renamed or unknown, a place that is
    no territory, two lines for one place and crop, a text or a negative number in the place of a value, another unit.
    """
    gazetteer = Gazetteer.read(options)
    rows: list[dict[str, Any]] = []
    known: dict[tuple[str, str, str], tuple[str, list[dict[str, Any]]]] = {}
    left: Counter[str] = Counter()
    books = [(book, file_id) for path, file_id in zip(paths, ids, strict=True) for book in _books(path)]
    for book, file_id in _chosen(books, options, left):
        name = book.name
        for sheet, lines in _sheets(name, book.read(), options):
            if sheet not in options.sheets:
                left[f"sheet {sheet}: not read"] += 1
                continue
            found = _sheet(f"{name}, sheet {sheet}", lines, options, options.sheets[sheet], gazetteer, left)
            for where, territory, crop, series in found:
                before, same = known.setdefault((sheet, territory, crop), (where, series))
                if same != series:
                    raise UserError(f"{where}: {crop!r} in {territory} is in {before} too, with other values.")
                if before != where:  # a workbook of régions repeats totals of the one of départements
                    left[f"line that repeats another of sheet {sheet}"] += 1
                    continue
                shared = {
                    "source_file_id": file_id,
                    "crop_group": sheet,
                    "is_total": options.total.search(plain(crop)) is not None,
                }
                rows += [{**shared, **values} for values in series]
    if not rows:
        raise UserError(f"{', '.join(path.name for path in paths)}: no sheet of {', '.join(options.sheets)}.")
    return {"crop_yield": rows}, [why if n == 1 else f"{n} × {why}" for why, n in sorted(left.items())]


@dataclass(frozen=True)
class Gazetteer:
    """Territories by the names that the producer gives them."""

    departements: dict[str, str]
    regions: dict[str, str]
    places: dict[str, str]
    left_out: frozenset[str]

    @classmethod
    def read(cls, options: AgresteSaa) -> Gazetteer:
        """From the lake's territories. Raises UserError if it has none."""
        table = lake.read("territory").select(["kind", "territory_id", "name"]).to_pydict()
        by_kind: dict[str, dict[str, str]] = {"departement": {}, "region": {}}
        for kind, territory_id, name in zip(table["kind"], table["territory_id"], table["name"], strict=True):
            if kind in by_kind:
                by_kind[kind][plain(name)] = territory_id
        if not by_kind["departement"]:
            raise UserError(
                "The lake has no départements: run `climart ingest territories DIR` first (CLIMART_DATA/lake)."
            )
        for other, official in options.names.items():
            for found in by_kind.values():
                if plain(official) in found:
                    found[plain(other)] = found[plain(official)]
        return cls(
            by_kind["departement"],
            by_kind["region"],
            {plain(name): territory_id for name, territory_id in options.places.items()},
            frozenset(map(plain, options.left_out)),
        )

    def territory(self, region: str, place: str, where: str) -> str | None:
        """The territory of a line; None for one that is none of ours. Raises UserError if nothing has this name, or if
        it has another code: régions and départements share codes, so that a name is never known by its code alone.
        """
        if not place:
            return self._named(_parted(region)[1], (self.places, self.regions), where)
        code, name = _parted(place)
        if TOTAL.match(name):
            total_of = TOTAL.sub("", name) or _parted(region)[1]
            return self._named(total_of, (self.places, self.regions), where, code)
        return self._named(name, (self.departements, self.places, self.regions), where, code)

    def _named(self, name: str, known: tuple[dict[str, str], ...], where: str, code: str | None = None) -> str | None:
        bare = plain(name)
        if bare in self.left_out:
            return None
        found = [by_name[bare] for by_name in known if bare in by_name]
        if not found:
            raise UserError(f"{where}: no département or région is called {bare!r}. {_HINT}")
        codes = {one.partition(":")[2]: one for one in found}
        if code is None or found[0].startswith("country:"):
            return found[0]
        if code not in codes:
            raise UserError(f"{where}: {code} is given as the code of {name}, which is {' or '.join(codes)}.")
        return codes[code]


_HINT = "If it is another place, say so in `left_out` of the source's YAML; if it is another spelling, in `names`."


def plain(name: str) -> str:
    """A name without accents, capitals, hyphens: ``Côtes-d'Armor`` → ``cotes d armor``."""
    spelled = name.replace("œ", "oe").replace("Œ", "oe").replace("’", " ")
    bare = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", " ", bare.lower()).strip()


def _parted(text: str) -> tuple[str | None, str]:
    """Code and name of ``073 - Savoie``; no code where there is none."""
    found = CODED.fullmatch(text.strip())
    return (found[1].upper(), found[2].strip()) if found else (None, text.strip())


@dataclass(frozen=True)
class Book:
    """A workbook: a file, or a member of an archive, that was not read yet."""

    name: str
    path: Path
    member: zipfile.ZipInfo | None = None

    def read(self) -> bytes:
        """Its content. Raises UserError where it is larger than a workbook may be, or broken."""
        if self.member is None:
            archives.check_size(self.path.name, "the workbook", self.path.stat().st_size, archives.MAX_WORKBOOK)
            return self.path.read_bytes()
        with zipfile.ZipFile(self.path) as archive:
            return archives.read(archive, self.member, archives.MAX_WORKBOOK)


def _books(path: Path) -> list[Book]:
    """The workbooks of an archive, or the one that the file is."""
    if path.suffix.lower() != ".zip":
        return [Book(path.name, path)]
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.lower().endswith(".xlsx")]
    except zipfile.BadZipFile as error:
        raise UserError(f"{path.name}: not a ZIP archive ({error}). Fetch it again.") from error
    if not members:
        raise UserError(f"{path.name}: no workbook (.xlsx) in it.")
    return [Book(PurePosixPath(member.filename).name, path, member) for member in members]


def _chosen(books: list[tuple[Book, str]], options: AgresteSaa, left: Counter[str]) -> list[tuple[Book, str]]:
    """Of several workbooks, those of the series by département."""
    if len(books) == 1:
        return books
    chosen = [book for book in books if fnmatch(plain(book[0].name), options.workbook)]
    if not chosen:
        raise UserError(f"{', '.join(book.name for book, _ in books)}: none is called {options.workbook!r}.")
    left.update(f"workbook {book[0].name}: not read" for book in books if book not in chosen)
    return chosen


def _sheets(name: str, content: bytes, options: AgresteSaa) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """Name and lines of the sheets of a workbook; no line of those that are not read."""
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{name}: not an XLSX file ({error}). Fetch it again.") from error
    if unknown := sorted(set(book.sheetnames) - set(options.sheets) - set(options.sheets_not_read)):
        raise UserError(
            f"{name}: sheet {', '.join(unknown)} is not in the source's YAML (known: {', '.join(options.sheets)}). "
            "Say there what it holds, or that it is not read."
        )
    return [
        (sheet.title, list(sheet.iter_rows(values_only=True)) if sheet.title in options.sheets else [])
        for sheet in book.worksheets
    ]


def _sheet(
    where: str,
    lines: list[tuple[Any, ...]],
    options: AgresteSaa,
    sheet: CropSheet,
    gazetteer: Gazetteer,
    left: Counter[str],
) -> list[tuple[str, str, str, list[dict[str, Any]]]]:
    """Of each line: where it is, its territory, its crop, its years."""
    n_title = next((n for n, line in enumerate(lines[:MAX_PREAMBLE]) if PLACE in line and CROP in line), None)
    if n_title is None:
        raise UserError(f"{where}: none of the first {MAX_PREAMBLE} lines names the columns {PLACE} and {CROP}.")
    names = ["" if name is None else str(name).strip() for name in lines[n_title]]
    years = _years(where, names, sheet, options)
    at = {name: names.index(name) for name in (REGION, PLACE, CROP)}
    found = []
    for number, line in enumerate(lines[n_title + 1 :], start=n_title + 2):
        texts = {name: str(line[place] or "").strip() for name, place in at.items()}
        if not any(texts.values()) or not texts[CROP]:
            if any(isinstance(cell, int | float) for cell in line):
                raise UserError(f"{where}, row {number}: values without {CROP}.")
            continue  # an empty line, or a note below the table
        here = f"{where}, row {number}"
        territory = gazetteer.territory(texts[REGION], texts[PLACE], here)
        if territory is None:
            left[f"line of {texts[PLACE] or texts[REGION]}: no territory of ours"] += 1
            continue
        series = [
            {"territory_id": territory, "crop": texts[CROP], "year": year, **_values(here, line, columns, sheet)}
            for year, columns in years.items()
        ]
        found.append((here, territory, texts[CROP], series))
    _check_units(where, [row for _, _, _, series in found for row in series], sheet)
    return found


def _years(where: str, names: list[str], sheet: CropSheet, options: AgresteSaa) -> dict[int, dict[str, int]]:
    """Year → measure → position of its column. Every measure must have every year, and nothing else may be there."""
    if missing := [name for name in (REGION, PLACE, CROP) if name not in names]:
        raise UserError(f"{where}: no column {', '.join(missing)}. Found: {', '.join(filter(None, names))}.")
    prefixes = {"area": sheet.area, "yield": sheet.yields, "production": sheet.production}
    if sheet.area_in_production:
        prefixes["area_in_production"] = sheet.area_in_production
    years: dict[int, dict[str, int]] = {}
    known = {REGION, PLACE, CROP, "", *options.also}
    for measure, prefix in prefixes.items():
        for place, name in enumerate(names):
            if column := re.fullmatch(rf"{prefix}(\d{{4}})", name):
                if measure in years.setdefault(int(column[1]), {}):
                    raise UserError(f"{where}: two columns {name}.")
                years[int(column[1])][measure] = place
                known.add(name)
    if not years:
        raise UserError(f"{where}: no column such as {sheet.area}2020. Found: {', '.join(filter(None, names))}.")
    lacking = [
        f"{prefix}{year}"
        for year, columns in sorted(years.items())
        for measure, prefix in prefixes.items()
        if measure not in columns
    ]
    if lacking:
        raise UserError(f"{where}: no column {', '.join(lacking[:5])}. Expected every measure in every year.")
    if unknown := [name for name in names if name not in known]:
        raise UserError(
            f"{where}: column {', '.join(unknown[:5])} is not known. If it may be left out, add it to `also` in the "
            "source's YAML."
        )
    return dict(sorted(years.items()))


def _values(where: str, line: tuple[Any, ...], columns: dict[str, int], sheet: CropSheet) -> dict[str, Any]:
    cells = {measure: _cell(line[place], f"{where}, column {place + 1}") for measure, place in columns.items()}
    area, in_production = cells["area"], cells.get("area_in_production", (None, None))
    grown = in_production if sheet.area_in_production else area
    value, reason = cells["yield"]
    if grown[0] == 0:  # the producer prints 0 for the yield of nothing
        value, reason = None, "not_grown"
    if value is not None and value > sheet.yield_max:
        raise UserError(f"{where}: a yield of {value:g}. Expected {sheet.yield_unit}, {sheet.yield_max:g} at most.")
    return {
        "area_ha": area[0],
        "area_in_production_ha": in_production[0],
        "yield": value,
        "production": cells["production"][0],
        "yield_unit": sheet.yield_unit,
        "production_unit": sheet.production_unit,
        "area_reason": area[1],
        "yield_reason": reason,
        "production_reason": cells["production"][1],
    }


def _cell(cell: Any, where: str) -> Cell:
    text = "" if cell is None else str(cell).strip()
    if text.lower() in UNKNOWN:
        return None, "not_published"
    if text.lower() in SECRET:
        return None, "secret"
    try:
        value = float(text.replace("\u202f", "").replace("\xa0", "").replace(",", "."))
    except ValueError as error:
        raise UserError(f"{where}: {text!r} is not a number.") from error
    if not value >= 0 or value == float("inf"):
        raise UserError(f"{where}: {text}. Expected 0 or more.")
    return value, None


def _check_units(where: str, rows: list[dict[str, Any]], sheet: CropSheet) -> None:
    """Refuse a sheet whose productions are not area × yield in the units of the YAML."""
    grown = "area_in_production_ha" if sheet.area_in_production else "area_ha"
    ratios = [
        row["production"] / (row[grown] * row["yield"])
        for row in rows
        if row["production"] and row[grown] and row["yield"]
    ]
    if not ratios:
        return
    middle = statistics.median(ratios)
    if abs(middle / sheet.ratio - 1) > RATIO_TOLERANCE:
        raise UserError(
            f"{where}: production is {middle:.3g} × area × yield in the middle of {len(ratios)} values. Expected "
            f"{sheet.ratio:g}, with a yield in {sheet.yield_unit} and a production in {sheet.production_unit}: the "
            "file has other units. Correct those of the source's YAML."
        )
