"""Observed data of the sample: invented events and plans on real communes, in the producers' formats.

``observed/<source id>/`` holds the files of each source. Nothing in them happened: some rows are written by hand so
that tests can count them, the others are drawn from a fixed seed.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

from climart.files import atomic
from ingest.sample import flood, geography, ground

SEED = 20_261_121
PERILS = {
    "ICB": ("Inondations et/ou Coulées de Boue", 0.55),
    "SEC": ("Sécheresse", 0.25),
    "MVT": ("Mouvement de Terrain", 0.15),
    "VAG": ("Chocs Mécaniques liés à l'action des Vagues", 0.05),
}
BLANKET = "Inondations, Coulées de Boue et Mouvements de Terrain"
GASPAR = ["cod_nat_catnat", "cod_commune", "lib_commune", "num_risque_jo", "lib_risque_jo"]
GASPAR += ["dat_deb", "dat_fin", "dat_pub_arrete", "dat_pub_jo", "dat_maj"]
# Peril, its label, commune, first day, days, order: Chambéry, counted by hand.
BY_HAND = [
    ("ICB", "Inondations et/ou Coulées de Boue", "73065", date(1990, 2, 10), 5, date(1990, 3, 16)),
    (
        "ICB",
        "Inondations et/ou Coulées de Boue",
        "73065",
        date(1990, 2, 10),
        5,
        date(1990, 7, 1),
    ),  # the same event again
    ("IRN", "Inondations Remontée Nappe", "73065", date(2015, 5, 1), 3, date(2015, 7, 29)),
    ("SEC", "Sécheresse", "73065", date(2022, 7, 1), 91, date(2023, 4, 3)),
    ("ICB", BLANKET, "73065", date(1999, 12, 25), 4, date(1999, 12, 29)),  # the storms of 1999: told apart
    ("TMP", "Tempête", "73065", date(1982, 11, 6), 4, date(1982, 11, 18)),  # those of 1982 too
]
PPRN_REGIONS = ("84", "93")  # where the sample's table of plans speaks; elsewhere nothing is known


def write_all(folder: Path) -> tuple[Path, ...]:
    """Write every source under ``folder``; the same bytes at every call. Returns the paths."""
    communes = geography.communes()
    return (
        write_catnat(folder / "sample_catnat" / "catnat_gaspar.csv", communes),
        write_pprn(folder / "sample_pprn" / "pprn_communes.xlsx", communes),
        *ground.write_clay(folder),
        ground.write_fires(folder / "sample_bdiff" / "Incendies.csv", communes),
        ground.write_drought_orders(folder / "sample_drought_orders" / "arretes.csv", communes),
        *flood.write_zones(folder / "sample_flood_zones"),
        *flood.write_depths(folder / "sample_flood_depth"),
        *flood.write_flows(folder / "sample_river_flow"),
    )


def write_catnat(path: Path, communes: pd.DataFrame) -> Path:
    """``catnat_gaspar.csv``: about one event a commune, drawn département by département, after the rows by hand."""
    rng = np.random.default_rng(SEED)
    rows = [_gaspar(f"HAND{i:04d}", *event) for i, event in enumerate(BY_HAND)]
    members = communes[communes["zone"].eq("metro") & communes["code"].ne("73065")]
    codes, shares = list(PERILS), np.array([share for _, share in PERILS.values()])
    for departement, group in members.groupby("departement", sort=True):
        for number in range(8):
            peril = codes[rng.choice(len(codes), p=shares)]
            start = date(1983, 1, 1) + timedelta(days=int(rng.integers(0, 15_500)))
            hit = group.loc[rng.random(len(group)) < rng.uniform(0.02, 0.25), "code"]
            national = f"{departement}{number:06d}"
            for code in hit:
                rows.append(_gaspar(national, peril, PERILS[peril][0], code, start, 2, start + timedelta(days=60)))
    frame = pd.DataFrame(rows, columns=GASPAR)
    with atomic(path) as handle:
        handle.write(frame.to_csv(index=False, sep=";", lineterminator="\n").encode())
    return path


def _gaspar(national: str, peril: str, label: str, code: str, start: date, days: int, order: date) -> tuple[str, ...]:
    def stamp(day: date) -> str:
        return f"{day.isoformat()} 00:00:00"

    end = start + timedelta(days=days)
    printed = order + timedelta(days=5)
    return (
        national, code, "COMMUNE SIMULEE", peril, label, stamp(start), stamp(end), stamp(order), stamp(printed),
        stamp(printed),
    )  # fmt: skip


def write_pprn(path: Path, communes: pd.DataFrame) -> Path:
    """The table of plans as ANCT publishes it: a title, blank lines, then codgeo, libgeo, an, nb_com_pprn."""
    rng = np.random.default_rng(SEED)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Data")
    sheet.append(["Démonstration : plans simulés", None, None, None])
    sheet.append(
        [None, None, None, "Nombre de communes couvertes par un Plan de Prévention des Risques Naturels (PPRN)"]
    )
    sheet.append(["codgeo", "libgeo", "an", "nb_com_pprn"])
    for row in communes[communes["region"].isin(PPRN_REGIONS)].itertuples():
        sheet.append([row.code, row.nom, 2024, int(rng.random() < 0.4)])
    with atomic(path) as handle:
        handle.write(_undated(book))
    return path


def _undated(book: openpyxl.Workbook) -> bytes:
    """The workbook's file, without the time of day that a workbook and its archive carry."""
    saved, undated = io.BytesIO(), io.BytesIO()
    book.save(saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(undated, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = re.sub(rb"20\d\d-\d\d-\d\dT[\d:]+Z", b"2026-01-01T00:00:00Z", source.read(name))
            target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return undated.getvalue()
