"""Invented clay and fires, in the producers' formats: BRGM's maps of 2020 and 2026, and the export of BDIFF."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from climart.files import atomic
from ingest.sample import flood

SEED = 20_261_122
# The basin of Chambéry, m (Lambert 93). Weak to strong, side by side; the map of 2026 widens the strong zone.
WEST, EAST, SOUTH, NORTH = 915_000, 935_000, 6_490_000, 6_510_000
BORDERS = {"2020": (921_000, 927_000), "2026": (919_000, 923_000)}  # weak | medium | strong
FILES = {
    "2020": ("sample_rga_2020", "AleaRG_73_L93.gpkg"),
    "2026": ("sample_rga_2026", "AleaRG_2025_73_L93.gpkg"),
}
BDIFF = (
    '"Certaines données sont associées à l\'ancienne version du formulaire incendie."\n'
    '"Nombre d\'incendies suivant les critères de sélection : {n}"\n'
    '"Critères de sélection =>";"Démonstration : feux simulés"\n'
    'Année;Numéro;Département;"Code INSEE";"Nom de la commune";"Date de première alerte";"Surface parcourue (m2)"\n'
)
BY_HAND = [
    ("73065", "2019-07-20 14:00:00", 12_000),
    ("73065", "2022-08-03 16:30:00", 500),
]  # Chambéry: 2 fires, 1.25 ha
HOT = ("06", "13", "2A", "2B", "30", "34", "66", "83", "84")  # départements where most are drawn


def write_clay(folder: Path) -> tuple[Path, ...]:
    """A map of Savoie per date of force, and houses per pixel of 250 m."""
    files: list[Path] = []
    for year, (source, name) in FILES.items():
        edges = (WEST, *BORDERS[year], EAST)
        zones = [shapely.box(left, SOUTH, right, NORTH) for left, right in itertools.pairwise(edges)]
        files.append(
            flood.geopackage(folder / source / name, zones, {"NIVEAU": [1, 2, 3], "ALEA": ["Faible", "Moyen", "Fort"]})
        )
        files.append(flood.raster_file(folder / source / "sample_maisons.tif", np.round(4 * flood.towns())))
    return tuple(files)


def write_fires(path: Path, communes: pd.DataFrame) -> Path:
    """The export of BDIFF: three lines, the names of the columns, a row per fire; more of them in the south."""
    rng = np.random.default_rng(SEED)
    rows = list(BY_HAND)
    land = communes[communes["zone"].eq("metro") & communes["code"].ne("73065")].sort_values("code")
    rate = np.where(land["departement"].isin(HOT), 0.8, 0.02)
    for code, n in zip(land["code"], rng.poisson(rate), strict=True):
        for _ in range(n):
            day = f"{rng.integers(2014, 2025)}-{rng.integers(6, 10):02d}-{rng.integers(1, 29):02d} 15:00:00"
            rows.append((code, day, int(rng.lognormal(7, 2))))
    lines = [
        f'{day[:4]};{number};"{code[:2]}";"{code}";"";"{day}";{area}\n'
        for number, (code, day, area) in enumerate(rows, start=1)
    ]
    with atomic(path) as handle:
        handle.write((BDIFF.format(n=len(rows)) + "".join(lines)).encode())
    return path
