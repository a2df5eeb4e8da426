"""Invented clay, fires and drought orders, in the producers' formats: BRGM's maps, the exports of BDIFF and VigiEau."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from climart.files import atomic
from ingest.sample import flood

SEED = 20_261_122
# The basin of Chambéry, then the Tarentaise, where no houses are counted: west, east, south, north, m (Lambert 93).
# Weak to strong, side by side; the map of 2026 widens the strong zone.
BLOCKS = ((915_000, 935_000, 6_490_000, 6_510_000), (965_000, 1_000_000, 6_460_000, 6_520_000))
BORDERS = {"2020": ((921_000, 927_000), (975_000, 987_000)), "2026": ((919_000, 923_000), (971_000, 980_000))}
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
ORDERS = (
    "unique_key_arrete_zone_alerte,id_arrete,id_zone,numero_arrete,numero_arrete_cadre,date_signature,"
    "debut_validite_arrete,fin_validite_arrete,numero_niveau,nom_niveau,statut_arrete,chemin_fichier"
)
LEVELS = {"Vigilance": 1, "Alerte": 3, "Alerte renforcée": 4, "Crise": 5}
# Savoie, 2022. Vigilance or more from 1 July to 10 August, 41 days; alert or more from 20 July, 22; crisis, 6 days.
# (order, zones, number, framework, first and last day, level)
ORDERS_BY_HAND = [
    (1, (7301, 7302), "73-2022-07-01-00001", "AC_73_2021-0456", "2022-07-01", "2022-07-31", "Vigilance"),
    (2, (7301,), "2022-0178", "615", "2022-07-20", "2022-08-10", "Alerte"),  # of 73: it shares a zone
    (3, (7302,), "73-2022-08-05-00002", "AC_73_2021-0456", "2022-08-05", "2022-08-10", "Crise"),
    (4, (9901,), "12-2022", "82-2021", "2022-07-01", "2022-07-31", "Alerte"),  # of nowhere that is said
    (5, (9902,), "26-2022-07-01-00003 et 38-2022-07-01-00004", "615", "2022-07-01", "2022-07-31", "Alerte"),  # of two
    (
        6,
        (7301,),
        "73-2022-09-01-00003",
        "AC_73_2021-0456",
        "2022-09-02",
        "2022-09-01",
        "Crise",
    ),  # ends before it starts
]
HOT = ("06", "13", "2A", "2B", "30", "34", "66", "83", "84")  # départements where most are drawn


def write_clay(folder: Path) -> tuple[Path, ...]:
    """A map of Savoie per date of force, and houses per pixel of 250 m."""
    files: list[Path] = []
    for year, (source, name) in FILES.items():
        zones = [
            shapely.box(left, south, right, north)
            for (west, east, south, north), borders in zip(BLOCKS, BORDERS[year], strict=True)
            for left, right in itertools.pairwise((west, *borders, east))
        ]
        levels = {"NIVEAU": [1, 2, 3] * len(BLOCKS), "ALEA": ["Faible", "Moyen", "Fort"] * len(BLOCKS)}
        files.append(flood.geopackage(folder / source / name, zones, levels))
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


def write_drought_orders(path: Path, communes: pd.DataFrame) -> Path:
    """The table of VigiEau: the orders by hand, then up to four a summer and département, 2021 to 2023."""
    rng = np.random.default_rng(SEED)
    orders = list(ORDERS_BY_HAND)
    metropolitan = sorted(set(communes.loc[communes["zone"].eq("metro"), "departement"]) - {"73"})
    names = list(LEVELS)
    for place, departement in enumerate(metropolitan):
        for year in (2021, 2022, 2023):
            n_orders = int(rng.integers(0, 4)) + (departement in HOT)
            for number in range(n_orders):
                first = date(year, 5, 15) + timedelta(days=int(rng.integers(0, 100)))
                last = first + timedelta(days=int(rng.integers(5, 45)))
                level = names[min(3, int(rng.integers(0, 3)) + (number > 2))]
                zones = (1000 * (place + 1), 1000 * (place + 1) + 1)
                signed = f"{departement}-{first.isoformat()}-{number:05d}"
                orders.append(
                    (
                        len(orders) + 1,
                        zones,
                        signed,
                        f"ACD{departement}_2020",
                        first.isoformat(),
                        last.isoformat(),
                        level,
                    )
                )
    lines = [
        f"{order:05d}{zone:07d},{order},{zone},{number},{framework},{first},{first},{last},{LEVELS[level]},{level},"
        f"Terminé,ArretesRestriction/{order}.pdf\n"
        for order, zones, number, framework, first, last, level in orders
        for zone in zones
    ]
    with atomic(path) as handle:
        handle.write((ORDERS + "\n" + "".join(lines)).encode())
    return path
