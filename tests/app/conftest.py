"""A tiny release, written by hand: three départements on a row, five communes, a caisse, a bank overseas."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import shapely
from streamlit.testing.v1 import AppTest

from app.data import Indicator, Release, Selection, joined, open_release
from climart import paths

VERSION = "2026.11.0"
SYNTHETIC = "démonstration : valeurs simulées, calées par département sur DRIAS TRACC-2023"
APP = paths.PROJECT / "app" / "streamlit_app.py"

TABLES = """
create table dim_territory (
    territory_id varchar, kind varchar, code varchar, name varchar, zone varchar, departement_id varchar,
    caisse_id varchar, caisse_shared_with varchar, area_km2 float, geometry_method varchar, reason varchar,
    outline geometry, epci_id varchar, region_id varchar, population double, cog_year smallint,
    longitude double, latitude double
);
create table fct_indicator (
    territory_id varchar, indicator_id varchar, dataset_id varchar, context_id varchar, weighting varchar,
    ref_q50 float, q05 float, q50 float, q95 float, delta_q05 float, delta_q50 float, delta_q95 float,
    n_runs smallint, agreement float, n_cells integer, resolution_km float, method varchar, reason varchar,
    robustness varchar
);
create table fct_indicator_run (
    territory_id varchar, indicator_id varchar, dataset_id varchar, context_id varchar, weighting varchar,
    run_values float[], run_changes float[]
);
create table dim_indicator (
    indicator_id varchar, label_fr varchar, label_en varchar, theme varchar, hazard varchar, unit varchar,
    bound_lo float, ramp varchar, decimals smallint, breaks varchar, change_breaks varchar,
    definition_fr varchar, definition_en varchar, param_status varchar
);
create table dim_context (
    context_id varchar, axis varchar, position smallint, scenario varchar, label_fr varchar, label_en varchar
);
create table dim_dataset (
    dataset_id varchar, title_fr varchar, title_en varchar, licence varchar, citation varchar,
    validation_status varchar, resolution_km float, notice_fr varchar, notice_en varchar
);
"""
INTO_TERRITORY = """
insert into dim_territory (
    territory_id, kind, code, name, zone, departement_id, caisse_id, caisse_shared_with, area_km2, geometry_method,
    reason, outline, population, cog_year, longitude, latitude
) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::blob::geometry, 1000, 2026, 3.0, 46.5)
"""
INTO_FACT = "insert into fct_indicator values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null)"
# Seventeen runs, evenly from two below the median to three above it.
INTO_RUNS = """
insert into fct_indicator_run
select territory_id, indicator_id, dataset_id, context_id, weighting,
    list_transform(range(17), lambda run: q50 - 2 + run * 5 / 16), null
from fct_indicator where n_runs = 17
"""
INTO_INDICATOR = "insert into dim_indicator values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INTO_CONTEXT = "insert into dim_context values (?, ?, ?, ?, ?, ?)"
INTO_DATASET = "insert into dim_dataset values (?, ?, ?, ?, ?, ?, ?, ?, ?)"

INDICATORS = [
    ("tx35", "Jours très chauds", "Very hot days", "heat", "heat", "d/yr", 0, "heat", 0, "1;2;5;10;20;30",
     "1;2;5;10;15;25", "Jours par an à 35 °C ou plus", "Days a year at 35 °C or more", "verified"),
    ("rr_jja", "Pluie d'été", "Summer rain", "rain", "rain", "mm", 0, "rain", 0, "60;100;140;180",
     "10;20;30;50", "Cumul de juin à août", "Total from June to August", "verified"),
    ("last_frost_doy", "Dernière gelée", "Last frost", "agriculture", "frost", "DOY", -30, "vine", 0, "30;60;90",
     "3;6;10", "Jour de la dernière gelée", "Day of the last frost", "unverified"),
]  # fmt: skip
CONTEXTS = [
    ("ref", "reference", 0, "historical", "Référence 1976-2005", "Reference 1976-2005"),
    ("rwl20", "warming_level", 1, "rcp85", "Niveau de réchauffement +2 °C (2030)", "Warming level +2 °C (2030)"),
    ("rwl40", "warming_level", 3, "rcp85", "Niveau de réchauffement +4 °C (2100)", "Warming level +4 °C (2100)"),
    ("rcp45_h1", "emission", 21, "rcp45", "RCP4.5 · 2021-2050", "RCP4.5 · 2021-2050"),
    ("rcp85_h1", "emission", 31, "rcp85", "RCP8.5 · 2021-2050", "RCP8.5 · 2021-2050"),
]
# Of the first dataset: (indicator, département, ref, q50 at rwl40, share of runs that agree). 17 runs.
FIGURES = [
    ("tx35", "01", 1.0, 22.0, 1.0),
    ("tx35", "02", 0.2, 6.0, 0.9411765),
    ("tx35", "03", 0.0, 0.4, 0.7058824),
    ("rr_jja", "01", 200.0, 150.0, 0.9411765),
    ("rr_jja", "02", 120.0, 125.0, 0.5294118),
    ("rr_jja", "03", 90.0, 90.0, None),
    ("last_frost_doy", "01", 100.0, 90.0, 1.0),
    ("last_frost_doy", "02", 80.0, 60.0, 1.0),
    ("last_frost_doy", "03", 40.0, 20.0, 1.0),
]
DEPARTEMENTS = {"01": "Ain", "02": "Aisne", "03": "Allier"}
COMMUNES = {
    "01001": ("Bourg", 80.0, "official", None),
    "01002": ("Petit-Bourg", 9.0, "approximate", None),
    "02001": ("<script>alert(1)</script>", 70.0, "official", None),
    "03001": ("=1+1", 65.0, "official", None),
    "03002": ("Sans-Contour", None, None, "no_geometry"),
}


def _square(west: float, south: float, side: float) -> bytes:
    return bytes(shapely.to_wkb(shapely.box(west, south, west + side, south + side)))


def _territories() -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [
        ("country:FR", "country", "FR", "France métropolitaine", "metro", None, None, None, 30000.0, "official", None,
         bytes(shapely.to_wkb(shapely.box(2, 46, 5, 47)))),
        ("caisse:est", "caisse", "est", "Est", "metro", None, None, None, 20000.0, "official", None,
         bytes(shapely.to_wkb(shapely.box(2, 46, 4, 47)))),
        ("caisse:ouest", "caisse", "ouest", "Ouest", "metro", None, None, None, 10000.0, "official", None,
         _square(4, 46, 1)),
        ("caisse:iles", "caisse", "iles", "Îles", "drom", None, None, None, None, None, "outside_grid", None),
        ("departement:971", "departement", "971", "Guadeloupe", "drom", None, "caisse:iles", None, 1600.0, "official",
         "outside_grid", None),
    ]  # fmt: skip
    for place, (code, name) in enumerate(DEPARTEMENTS.items()):
        bank = "caisse:ouest" if code == "03" else "caisse:est"
        shared = "ouest|est" if code == "03" else None
        rows.append(
            (f"departement:{code}", "departement", code, name, "metro", None, bank, shared, 10000.0, "official", None,
             _square(2 + place, 46, 1))
        )  # fmt: skip
    for place, (code, (name, area, method, reason)) in enumerate(COMMUNES.items()):
        bank = "caisse:ouest" if code.startswith("03") else "caisse:est"
        outline = None if reason else _square(2 + 0.5 * place, 46.2, 0.4)
        rows.append(
            (f"commune:{code}", "commune", code, name, "metro", f"departement:{code[:2]}", bank, None, area, method,
             reason, outline)
        )  # fmt: skip
    return rows


def _facts(territories: list[tuple[object, ...]], dataset: str) -> list[tuple[object, ...]]:
    """Values of a département serve for all that carries its code; the rest has the first one's."""
    rows: list[tuple[object, ...]] = []
    figures = {(indicator, code): rest for indicator, code, *rest in FIGURES}
    for territory in territories:
        name, code, reason = str(territory[0]), str(territory[2]), territory[10]
        for indicator in ("tx35", "rr_jja", "last_frost_doy"):
            for context, share in (("ref", 0.0), ("rwl20", 0.5), ("rwl40", 1.0)):
                if reason:
                    rows.append(
                        (name, indicator, dataset, context, "area", *[None] * 7, None, None, 0, 8.0, None, reason)
                    )
                    continue
                ref, last, agreement = figures[indicator, code[:2] if code[:2] in DEPARTEMENTS else "01"]
                value = ref + (last - ref) * share
                change = [None] * 3 if context == "ref" else [value - ref - 2, value - ref, value - ref + 3]
                rows.append(
                    (name, indicator, dataset, context, "area", ref, max(value - 2, 0), value, value + 3, *change, 17,
                     None if context == "ref" else agreement, 1 if "commune" in name else 120, 8.0, "area_share", None)
                )  # fmt: skip
    return rows


def _single_run(territories: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """A second dataset: one run, two scenarios, very hot days only."""
    rows: list[tuple[object, ...]] = []
    for territory in territories:
        for context, value in (("ref", 1.0), ("rcp45_h1", 3.0), ("rcp85_h1", 4.0)):
            change = None if context == "ref" else value - 1
            rows.append(
                (territory[0], "tx35", "drias_2020", context, "area", 1.0, *[value] * 3, *[change] * 3, 1,
                 None if change is None else 1.0, 120, 8.0, "area_share", None)
            )  # fmt: skip
    return [row for row in rows if row[0] not in {"caisse:iles", "departement:971", "commune:03002"}]


def write_release(root: Path, synthetic: bool = False) -> Path:
    """Write a release under ``root/releases`` and point ``stable`` to it; returns ``root``."""
    folder = root / "releases" / VERSION
    folder.mkdir(parents=True)
    status = "synthetic" if synthetic else "validated"
    notice = (SYNTHETIC, "demonstration: simulated values") if synthetic else ("Aléa.", "Hazard.")
    territories = _territories()
    with duckdb.connect(str(folder / "climart.duckdb")) as connection:
        connection.execute(TABLES)
        datasets: list[tuple[object, ...]] = [
            (name, title, title, "Licence Ouverte 2.0", f"Météo-France, {title}", status, 8.0, *notice)
            for name, title in (("tracc", "TRACC-2023"), ("drias_2020", "DRIAS-2020"))
        ]
        connection.executemany(INTO_TERRITORY, territories)
        connection.executemany(INTO_INDICATOR, INDICATORS)
        connection.executemany(INTO_CONTEXT, CONTEXTS)
        connection.executemany(INTO_DATASET, datasets)
        connection.executemany(INTO_FACT, _facts(territories, "tracc") + _single_run(territories))
        connection.execute(INTO_RUNS)
    about = {"version": VERSION, "published_at": "2026-11-21T08:08:32+00:00"}
    (folder / "release.json").write_text(json.dumps(about), encoding="utf-8")
    (root / "releases" / "stable").symlink_to(VERSION)
    return root


def table(
    release: Release, kind: str, indicator: str, context: str = "rwl40", caisse: str | None = None
) -> pd.DataFrame:
    """What a view shows of the first dataset."""
    return joined(release.places(kind), release.figures(kind, Selection(indicator, "tracc", context)), caisse)


@dataclass(frozen=True)
class Page:
    """A way to open the app on a data root."""

    root: Path

    def open(self, **params: str) -> AppTest:
        """The app run once, with these parameters in its address."""
        test = AppTest.from_file(str(APP), default_timeout=30)
        for name, value in params.items():
            test.query_params[name] = value
        return test.run()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data root of the tiny release. Not to be changed."""
    return write_release(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def page(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """The app on the tiny release."""
    monkeypatch.setenv("CLIMART_DATA", str(tiny))
    return Page(tiny)


@pytest.fixture
def own_page(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """The app on a copy of the tiny release, for what breaks it."""
    shutil.copytree(tiny / "releases", tmp_path / "releases", symlinks=True)
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    return Page(tmp_path)


@pytest.fixture(scope="session")
def release(tiny: Path) -> Iterator[Release]:
    """The tiny release, opened."""
    root = tiny
    opened = open_release(root / "releases" / VERSION)
    yield opened
    opened.connection.close()


@pytest.fixture
def tx35(release: Release) -> Indicator:
    return release.catalogue.indicators["tx35"]


@pytest.fixture
def rr_jja(release: Release) -> Indicator:
    return release.catalogue.indicators["rr_jja"]


@pytest.fixture
def last_frost(release: Release) -> Indicator:
    return release.catalogue.indicators["last_frost_doy"]
