"""Agreste's workbook as public client code reads it: five lines of title, the names of the columns, series by place."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import openpyxl

YEARS = tuple(range(2010, 2025))
# Line of a sheet: région, place, crop, then yearly values by the beginning of their columns' names.
Line = tuple[object, object, str, Mapping[str, Sequence[object]]]


def saa(path: Path, sheets: Mapping[str, Sequence[Line]], years: Sequence[int] = YEARS) -> Path:
    """The workbook, or with a name in .zip the archive that holds it, as the producer gives it."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for text in ("Agreste", "Statistique agricole annuelle", "Séries longues", None, None):
            sheet.append([text])
        prefixes = list(lines[0][3]) if lines else ["SURF_", "REND_", "PROD_"]
        columns = [f"{prefix}{year}" for prefix in prefixes for year in years]
        sheet.append(["LIB_REG2", "LIB_DEP", "LIB_SAA", *columns])
        for region, place, crop, values in lines:
            sheet.append([region, place, crop, *(value for prefix in prefixes for value in values[prefix])])
        sheet.append(["Source : Agreste"])
    workbook = path.with_suffix(".xlsx")
    book.save(workbook)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(workbook, workbook.name)
        workbook.unlink()
    return path


def wheat(area: float, yields: Sequence[object]) -> dict[str, list[object]]:
    """Columns of a crop of one constant area: the production is area × yield, or as empty as the yield."""
    production = [area * value if isinstance(value, int | float) else value for value in yields]
    return {"SURF_": [area] * len(yields), "REND_": list(yields), "PROD_": production}
