"""Published ensembles in their producers' exact layouts, for tests: TRACC-2023 tables and Climadiag Commune."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ingest import grid

RULE = "#" + "-" * 77
SAYS = {"ENSmin": "MIN", "ENSq50": "MAX", "ENSmax": "MEAN"}  # as the real headers do, wrongly for two of them
CLIMADIAG_HEADER = "identifiant_insee,nom,type_entite,indicateur_id,type_ind,horizon,label,ref,low,median,high"
OFF_GRID = {0: "nan", 19161: "nan"}  # two corners of the lattice, far from France


def tar(path: Path, files: Mapping[str, bytes | str]) -> Path:
    """An archive of these files, in this order, with the folder that they lie in."""
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def duration(days: float) -> str:
    """Days as pandas writes a Timedelta: 11.95 is ``11 days 22:48:00``."""
    whole = int(days // 1)
    seconds = (days - whole) * 86400
    text = f"{whole} days {int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}:{seconds % 60:012.9f}"
    return text.removesuffix(".000000000")


def tracc_name(code: str, level: str, statistic: str, season: str = "yr") -> str:
    return f"{code}_{season}_{level}_TIMEavg_GEOxy_FR-Metro_EXPLORE2-2022_MF-ADAMONT_rcp85_{statistic}.csv"


def tracc_csv(code: str, level: str, statistic: str, values: Mapping[int, str]) -> str:
    """A table: point → value as printed; the corners of the lattice, without a value, are added."""
    historical = level == "historical"
    lines = [
        RULE,
        "# Date d'extraction : 09/05/2025",
        RULE,
        "# Producteur : MF-DCSC",
        "# Experience : TRACC-2023",
        f"# Modele     : {SAYS[statistic]} de l’ensemble EXPLORE2  / ADAMONT / RCP8.5",
        "# Historique : 1976-2005"
        if historical
        else f"# Niveau de réchauffement régional (RWL) :{level[-2]}.{level[-1]}°C",
        RULE,
        "# Indices : ",
        f"#    {code} : Nombre de jours avec une température maximale ≥ 30 °C ",
        "#     Moyenne temporelle" + ("" if historical else " sur la période autour du niveau de réchauffement "),
        "#     Valeur absolue",
        RULE,
        "# Format des enregistrements ",
        f"# Point;Latitude;Longitude;RWL;{code};",
        RULE + " " * 21,
        "Point;Latitude;Longitude;RWL;Value",
    ]
    rows = dict(sorted({**values, **OFF_GRID}.items()))
    longitude, latitude = grid.longitudes_latitudes(np.array(list(rows)))
    for (point, value), lon, lat in zip(rows.items(), longitude, latitude, strict=True):
        lines.append(f"{point};{lat:.4f};{lon:.4f};{'REF' if historical else level};{value}")
    return "\n".join(lines) + "\n"


def tracc_archive(path: Path, level: str, tables: Mapping[str, Mapping[int, Sequence[str]]]) -> Path:
    """An archive of a level (``historical``, ``RWL-20``…): index → point → (min, median, max) as printed.

    An index may carry its season: ``TMm_seas_JJA``.
    """
    files = {}
    for index, values in tables.items():
        code, _, season = index.partition("_")
        for number, statistic in enumerate(("ENSmin", "ENSq50", "ENSmax")):
            name = tracc_name(code, level, statistic, season or "yr")
            of_statistic = {point: three[number] for point, three in values.items()}
            files[f"Indicateurs_{level}_csv/{name}"] = tracc_csv(code, level, statistic, of_statistic)
    return tar(path, files)


def climadiag_csv(code: str, *rows: str, name: str = "Commune") -> str:
    """The file of a commune: ``rows`` such as ``S1,annuel,2030,,1,1,2,4``."""
    return "\n".join([CLIMADIAG_HEADER, *(f"{code},{name},commune,{row}" for row in rows)]) + "\n"


def climadiag_archive(path: Path, communes: Mapping[str, Sequence[str]], **others: str) -> Path:
    """An archive of Climadiag: commune → its rows; the files of an EPCI and the metadata beside them."""
    files = {
        f"donnees/indicateurs_par_commune/{code}.csv": climadiag_csv(code, *rows) for code, rows in communes.items()
    }
    epci = climadiag_csv("200000001", "S1,annuel,2030,,1,1,2,4")
    extra = {"donnees/indicateurs_par_epci/200000001.csv": epci, "donnees/metadonnees.csv": "01001,A\n", **others}
    return tar(path, files | extra)
