"""Geolocated DVF (Etalab): sales of real estate line by line → prices of flats and houses per commune.

CSV, comma, UTF-8, gzipped or not, one per year and département. A sale (``id_mutation``) has a line per premises,
parcel and use of the land, and each of them repeats the price of the whole: only sales of one single dwelling have a
price per m², and count once. The lines of a dwelling differ by the use of its parcel's land; two that do not are two
dwellings that nothing else tells apart, as flats of one parcel without lots.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from climart.errors import UserError
from ingest import communes
from ingest.readers.commune_table import commune_code
from ingest.registry import GeoDvf

SALE = "id_mutation"
NUMBERS = ("valeur_fonciere", "surface_reelle_bati")
LOTS = tuple(f"lot{n}_numero" for n in range(1, 6))
# What tells a dwelling from the next one of the same sale, and what the lines of one dwelling differ by.
DWELLING = (SALE, "type_local", "id_parcelle", *LOTS, "surface_reelle_bati", "nombre_pieces_principales")
LAND = ("code_nature_culture", "code_nature_culture_speciale", "surface_terrain")
ASKED = (
    *dict.fromkeys((*DWELLING, *LAND, *NUMBERS)),
    "date_mutation", "numero_disposition", "nature_mutation", "code_commune", "code_departement",
)  # fmt: skip
QUARTILES = {"p25": 25, "p50": 50, "p75": 75}


def read(
    paths: Sequence[Path], ids: Sequence[str], options: GeoDvf
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """``commune_fact`` rows: sales and quartiles of prices, of every commune of the départements of the files.

    Codes are those of today's communes: quartiles of a commune that grew are of all its sales. Raises UserError naming
    the file and the line.
    """
    left: Counter[str] = Counter()
    owner: dict[tuple[str, int], Path] = {}
    sales, departements = [], set()
    for path in paths:
        frame = _lines(path)
        departements |= set(frame["code_departement"])
        for departement, year in set(zip(frame["code_departement"], frame["day"].dt.year, strict=True)):
            if owner.setdefault((departement, year), path) != path:
                raise UserError(
                    f"{path.name}: sales of {departement} in {year} are in {owner[departement, year].name} too. Give "
                    "each year of a département once."
                )
        sales.append(_sales(frame, options, left))
    table = pd.concat(sales, ignore_index=True)
    # a sale in two départements is in the files of both, with the price of the whole
    shared_out = table.duplicated([SALE, "day", "total"], keep=False)
    if n_shared := table.loc[shared_out, SALE].nunique():
        left["of several dwellings"] += n_shared
        table = table[~shared_out]
    table["commune"] = table["commune"].map(communes.today(table["commune"].unique()))
    every = sorted(communes.of_departements(departements) | set(table["commune"]))
    days = table["day"]
    shared = {
        "source_file_id": ids[0] if len(ids) == 1 else None,
        "date_start": days.min().date() if len(days) else None,
        "date_end": days.max().date() if len(days) else None,
    }
    rows: list[dict[str, Any]] = []
    for kind in options.kinds:
        prices = dict(list(table[table["kind"] == kind].groupby("commune")["price"]))
        for code in every:
            found = prices.get(code, pd.Series(dtype=float)).to_numpy()
            rows.append({**shared, "commune_code": code, "measure_id": f"{kind}_sales", "value": float(len(found))})
            reason = "no_sale" if not len(found) else "too_few_sales" if len(found) < options.sales_min else None
            for name, percent in QUARTILES.items():
                value = None if reason else float(np.percentile(found, percent))
                rows.append(
                    {
                        **shared, "commune_code": code, "measure_id": f"{kind}_price_{name}",
                        "value": value, "reason": reason,
                    }
                )  # fmt: skip
    return {"commune_fact": rows}, [f"{n} sale(s) {why} were left out." for why, n in sorted(left.items())]


def _lines(path: Path) -> pd.DataFrame:
    """The lines of a file, texts, but for the numbers and the day."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as handle:
            frame = pd.read_csv(handle, dtype=str, keep_default_na=False)
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}: not utf-8 (byte {error.start}).") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path.name}: a broken or cut file ({error}). Fetch it again.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UserError(f"{path.name}: not a table with commas ({error}).") from error
    if missing := [name for name in ASKED if name not in frame]:
        raise UserError(f"{path.name}: no column {', '.join(missing)}. Found: {', '.join(frame.columns)}.")
    frame = frame[list(ASKED)]
    for name in NUMBERS:
        texts = frame[name]
        numbers = pd.to_numeric(texts.where(texts != "", "nan"), errors="coerce")
        _refuse(path, name, texts, (numbers.isna() & ~texts.isin(["", "nan"])) | (numbers < 0), "a number, 0 or more")
        frame = frame.assign(**{name: numbers})
    days = pd.to_datetime(frame["date_mutation"], format="%Y-%m-%d", errors="coerce")
    _refuse(path, "date_mutation", frame["date_mutation"], days.isna(), "a day such as 2024-03-31")
    _refuse(path, SALE, frame[SALE], frame[SALE] == "", "the sale's id")
    codes = {code: commune_code(code, f"{path.name}, code_commune") for code in frame["code_commune"].unique()}
    return frame.assign(day=days, commune=frame["code_commune"].map(codes))


def _refuse(path: Path, column: str, texts: pd.Series, wrong: pd.Series, expected: str) -> None:
    if wrong.any():
        first = int(np.flatnonzero(wrong.to_numpy())[0])
        raise UserError(f"{path.name}, line {first + 2}: {column} is {texts.iloc[first]!r}, expected {expected}.")


def _sales(frame: pd.DataFrame, options: GeoDvf, left: Counter[str]) -> pd.DataFrame:
    """The sales that have a price per m²: their id, total, commune, day, kind, price. Others are counted, by cause."""
    frame = frame[frame["nature_mutation"].isin(options.natures)]
    kinds = {text: kind for kind, text in options.kinds.items()}
    of_dwellings = frame[frame["type_local"].isin(list(kinds))]
    repeated = of_dwellings.duplicated([*DWELLING, *LAND]).groupby(of_dwellings[SALE]).any()
    dwellings = of_dwellings.drop_duplicates(list(DWELLING))
    whole = frame[frame[SALE].isin(dwellings[SALE])]
    whole = whole.assign(other=~whole["type_local"].isin([*kinds, *options.annexes, ""]))
    by_sale = whole.groupby(SALE)
    causes = pd.DataFrame(
        {
            "of several dwellings": (dwellings.groupby(SALE).size() > 1) | repeated,
            "with premises that are no dwelling": by_sale["other"].any(),
            # each disposition of a deed has its own price
            "of several dispositions or prices": (by_sale["numero_disposition"].nunique() > 1)
            | (by_sale["valeur_fonciere"].nunique() > 1),
            "without a price": by_sale["valeur_fonciere"].max().fillna(0) <= 0,
        }
    )
    found = dwellings.drop_duplicates(SALE).set_index(SALE)
    price = found["valeur_fonciere"] / found["surface_reelle_bati"]
    causes["of an area beyond the bounds"] = ~found["surface_reelle_bati"].between(*options.area)
    causes["of a price per m² beyond the bounds"] = ~price.between(*options.price)
    first = causes.idxmax(axis=1)[causes.any(axis=1)]  # one cause each, the first that holds
    left.update(map(str, first))
    kept = found.drop(index=first.index)
    return pd.DataFrame(
        {
            SALE: kept.index,
            "total": kept["valeur_fonciere"],
            "commune": kept["commune"],
            "day": kept["day"],
            "kind": kept["type_local"].map(kinds),
            "price": price.reindex(kept.index),
        }
    )
