"""Small inputs in the producers' own formats, for tests that count by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from ingest import grid

TRACC_LABELS = {
    "NORTMm_yr": "Température moyenne annuelle (°C)",
    "ATMm_yr": "Ecart de température moyenne annuelle (°C)",
    "NORRR_yr": "Cumul de précipitations annuelles (mm)",
    "ARRR_yr": "Ecart relatif de cumul de précipitations annuelles",
    "NORIFM40_yr": "Indicateur feux météo nombre de jours supérieurs à 40 (jour(s))",
    "AIFM40_yr": "Ecart de indicateur feux météo nombre de jours supérieurs à 40 (jour(s))",
}
AGRI_LABELS = {
    "NORRRA": "cumul de précipitations d'avril à octobre (mm)",
    "NORDATEDG": "Date de dernière gelée avec 1er juillet comme référence (date)",
    "ADATEDG": "Ecart de date de dernière gelée avec 1er juillet comme référence (date)",
}


def tracc_export(path: Path, model: str, level: str, rows: dict[int, dict[str, object]]) -> Path:
    """A TRACC-2023 export: ``rows`` is point → index code → printed value."""
    codes = list(next(iter(rows.values())))
    lines = [
        "#" + "-" * 20,
        "# Date d'extraction : 03/05/2026 - 22h28 loc.",
        "# Producteur : MF_DCSC",
        "# Experience : TRACC2023",
        f"# Modele     : {model}",
        "# Niveaux de réchauffement :",
        f"#     {level} : un niveau",
        "# Indices : ",
        *(f"#     {code} : {TRACC_LABELS[code]}" for code in codes),
        "# Format des enregistrements ",
        f"# Point;Latitude;Longitude;Niveau;{';'.join(codes)};",
    ]
    longitude, latitude = grid.longitudes_latitudes(np.array(list(rows)))
    for point, lon, lat in zip(rows, longitude, latitude, strict=True):
        lines.append(f"{point};{lat:.4f};{lon:.4f};{level};" + "".join(f"{rows[point][code]};" for code in codes))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def agri_export(path: Path, context: str, period: str, rows: dict[int, dict[str, object]]) -> Path:
    """A DRIAS-2020 agricultural export of one context and period, encoded twice as the real ones are."""
    codes = list(next(iter(rows.values())))
    lines = [
        "# Producteur : MF-DCSC",
        "# Experience : EUROCORDEX2020",
        "# Modele     : ALADIN63_CNRM-CM5",
        "# Indices : ",
        *(f"#     {code} : {AGRI_LABELS[code]}" for code in codes),
        f"# Point;Latitude;Longitude;Contexte;Période;{';'.join(codes)};",
    ]
    longitude, latitude = grid.longitudes_latitudes(np.array(list(rows)))
    for point, lon, lat in zip(rows, longitude, latitude, strict=True):
        values = "".join(f"{rows[point][code]};" for code in codes)
        lines.append(f"{point};{lat:.4f};{lon:.4f};{context};{period};{values}")
    path.write_bytes(("\n".join(lines) + "\n").encode().decode("latin-1").encode())
    return path


def admin_folder(folder: Path, boxes: dict[str, tuple[float, float, float, float]]) -> Path:
    """The official files of a France of a few communes: ``boxes`` is commune code → extent in EPSG:27572, metres.

    All in département 01, région 84, EPCI 200000001, one caisse; one more commune, 01999, has no contour, and 97101 is
    overseas. 01888 joined the first of ``boxes`` in 2016 and is a commune déléguée of it.
    """
    folder.mkdir(parents=True)
    communes = [
        {"code": code, "nom": f"Commune {code}", "departement": "01", "region": "84", "zone": "metro",
         "type": "commune-actuelle", "population": 100}
        for code in [*boxes, "01999"]
    ]  # fmt: skip
    communes.append({**communes[0], "code": "97101", "departement": "971", "region": "01", "zone": "drom"})
    first = next(iter(boxes))
    communes[0]["anciensCodes"] = ["01888"]
    communes.append({"code": "01888", "nom": "Ancienne", "type": "commune-deleguee", "chefLieu": first})
    members = [{"code": commune["code"]} for commune in communes if commune.get("departement") == "01"]
    files = {
        "communes": communes,
        "epci": [{"code": "200000001", "nom": "CC", "populationMunicipale": 300, "membres": members}],
        "departements": [
            {"code": "01", "region": "84", "nom": "Ain", "zone": "metro"},
            {"code": "971", "region": "01", "nom": "Guadeloupe", "zone": "drom"},
        ],
        "regions": [
            {"code": "84", "nom": "Auvergne-Rhône-Alpes", "zone": "metro"},
            {"code": "01", "nom": "Guadeloupe", "zone": "drom"},
        ],
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    pd.DataFrame(
        {
            "departement_code": ["01", "971"],
            "departement_nom": ["Ain", "Guadeloupe"],
            "caisse_regionale_id": ["ca-centrest", "ca-guadeloupe"],
            "caisse_regionale_nom": ["Centre-est", "Guadeloupe"],
            "shared_with": ["", ""],
        }
    ).to_csv(folder / "caisses_regionales.csv", index=False)
    movements = [
        "MOD,DATE_EFF,TYPECOM_AV,COM_AV,LIBELLE_AV,TYPECOM_AP,COM_AP,LIBELLE_AP",
        f"32,2016-01-01,COM,01888,Ancienne,COM,{first},Nouvelle",
        "32,2016-01-01,COM,01888,Ancienne,COMD,01888,Ancienne",
        f"32,2016-01-01,COM,{first},Première,COM,{first},Nouvelle",
    ]
    (folder / "cog2026_mouvements-communes.csv").write_text("\n".join(movements) + "\n", encoding="utf-8")
    shapes = gpd.GeoSeries([shapely.box(*box) for box in boxes.values()], crs=grid.CRS).to_crs("EPSG:4326")
    gpd.GeoDataFrame({"code": list(boxes)}, geometry=shapes).to_parquet(folder / "communes_contours.parquet")
    return folder


def farm_zones(path: Path, *lines: str) -> Path:
    """A CSV of farm zones as it is received: ``lines`` such as ``1002;L'ABERGEMENT;M;;``."""
    header = "CodeCommune;NomCommune;Montagne;ZoneDefavoriseeSimple;ZoneHandicapSpecifique"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="cp1252")
    return path


def appellation(path: Path, name: str, codes: list[str]) -> Path:
    """The JSON of an appellation and its communes."""
    communes = [{"insee": code, "name": f"Commune {code}", "department": "AIN"} for code in codes]
    content = {"aire_geographique": name, "commune_count": len(codes), "communes": communes}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def parcels(path: Path, rows: list[tuple[str, tuple[float, float, float, float]]], **columns: object) -> Path:
    """Parcels of the RPG: (CODE_GROUP, extent in EPSG:27572, metres), written in EPSG:2154 by the suffix of ``path``.

    columns: other values for SURF_PARC and the like.
    """
    shapes = gpd.GeoSeries([shapely.box(*box) for _, box in rows], crs=grid.CRS).to_crs("EPSG:2154")
    frame = gpd.GeoDataFrame(
        {
            "ID_PARCEL": [str(i) for i in range(len(rows))],
            "SURF_PARC": [(x1 - x0) * (y1 - y0) / 1e4 for _, (x0, y0, x1, y1) in rows],
            "CODE_CULTU": "XXX",
            "CODE_GROUP": [group for group, _ in rows],
            **columns,
        },
        geometry=shapes,
    )
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    return path


def squares(path: Path, people: dict[tuple[float, float], float], listed: str = "01001") -> Path:
    """INSEE's 200 m squares: (x, y) in EPSG:27572, metres, of a point in each → people; written by the suffix."""
    project = pyproj.Transformer.from_crs(grid.CRS, "EPSG:3035", always_xy=True)
    rows = []
    for (x, y), n in people.items():
        east, north = (int(v // 200 * 200) for v in project.transform(x, y))
        rows.append({"idcar_200m": f"CRS3035RES200mN{north}E{east}", "ind": float(n), "lcog_geo": listed})
    frame = pd.DataFrame(rows)
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".parquet":
            frame.to_parquet(path)
        case _:
            corners = frame["idcar_200m"].str.extract(r"N(\d+)E(\d+)").astype(float)
            outlines = shapely.box(corners[1], corners[0], corners[1] + 200, corners[0] + 200)
            gpd.GeoDataFrame(frame, geometry=outlines, crs="EPSG:3035").to_file(path)
    return path


def wfs(path: Path, rows: list[dict[str, object]], boxes: list[tuple[float, float, float, float]]) -> Path:
    """Features of a WFS as ``climart fetch`` keeps them, a flat row per line: ``boxes`` are extents in EPSG:27572."""
    shapes = gpd.GeoSeries([shapely.box(*box) for box in boxes], crs=grid.CRS).to_crs("EPSG:4326")
    lines = [
        json.dumps({**row, "geometry": json.loads(shapely.to_geojson(shape))}, ensure_ascii=False, sort_keys=True)
        for row, shape in zip(rows, shapes, strict=True)
    ]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n", encoding="utf-8")
    return path


def wfs_parcels(path: Path, rows: list[tuple[str, tuple[float, float, float, float]]]) -> Path:
    """Parcels of the RPG as the WFS names them: small letters, longitude and latitude."""
    properties: list[dict[str, object]] = [
        {"id_parcel": str(i), "surf_parc": (x1 - x0) * (y1 - y0) / 1e4, "code_cultu": "XXX", "code_group": group}
        for i, (group, (x0, y0, x1, y1)) in enumerate(rows)
    ]
    return wfs(path, properties, [box for _, box in rows])


BDIFF_COLUMNS = (
    'Année;Numéro;Département;"Code INSEE";"Nom de la commune";"Date de première alerte";"Surface parcourue (m2)";'
    '"Surface forêt (m2)";"Surface maquis garrigues (m2)";"Autres surfaces naturelles hors forêt (m2)";'
    '"Surfaces agricoles (m2)";"Autres surfaces (m2)";"Surface autres terres boisées (m2)";'
    '"Surfaces non boisées naturelles (m2)";"Surfaces non boisées artificialisées (m2)";"Surfaces non boisées (m2)";'
    '"Précision des surfaces";"Type de peuplement";Nature;"Décès ou bâtiments touchés";"Nombre de décès";'
    '"Nombre de bâtiments totalement détruits";"Nombre de bâtiments partiellement détruits";"Précision de la donnée"'
)


def bdiff_export(path: Path, fires: Sequence[tuple[object, ...]], preamble: int = 3) -> Path:
    """An export of BDIFF: ``fires`` is (year, number, commune's code, area in m²), after ``preamble`` lines."""
    lines = [f'"Ligne {number} avant les colonnes";"x"' for number in range(preamble)]
    lines.append(BDIFF_COLUMNS)
    for year, number, code, area in fires:
        lines.append(f'{year};{number};"{str(code)[:2]}";"{code}";"A";"{year}-07-20 14:00:00";{area}' + ";" * 17)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
