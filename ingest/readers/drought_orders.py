"""Drought-restriction orders (VigiEau): one row per order and alert zone, with the département that the order is of.

Which département it is, the file does not say (``ingest.drought_clues``). A layer of the zones, given beside the file,
cuts them by commune; without one, only départements can be counted.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from climart.errors import UserError
from ingest import communes, drought_clues
from ingest.readers import zone_polygons
from ingest.registry import DroughtOrders

COLUMNS = (
    "unique_key_arrete_zone_alerte",
    "id_arrete",
    "id_zone",
    "numero_arrete",
    "numero_arrete_cadre",
    "date_signature",
    "debut_validite_arrete",
    "fin_validite_arrete",
    "numero_niveau",
    "nom_niveau",
    "statut_arrete",
    "chemin_fichier",
)
DEPARTEMENT_COLUMNS = ("code_departement", "departement")  # a later layout may have one of them; UNVERIFIED
# (numero_niveau, nom_niveau in capitals without accents) → level; there is no 2
LEVELS = {
    ("1", "VIGILANCE"): "vigilance",
    ("3", "ALERTE"): "alerte",
    ("4", "ALERTE RENFORCEE"): "alerte_renforcee",
    ("5", "CRISE"): "crise",
}
STATUSES = ("Publié", "Terminé")  # in force or to come, and over; a draft or a withdrawn order would count no day
NO_ZONE_TYPE = ""
MIN_SHARE = 1e-6  # of a commune: below it, a border that moved when it was projected
Row = dict[str, Any]


def read(paths: Sequence[Path], ids: Sequence[str], options: DroughtOrders) -> tuple[dict[str, list[Row]], list[str]]:
    """``drought_order`` rows, ``drought_zone`` rows where a layer of zones is given, and what cannot be counted.

    A row that ends before it starts, or whose order has no département, stays in the lake with its ``reason`` and is
    remarked by line or order. Raises UserError naming the file and the line that is not as VigiEau writes it.
    """
    layers = [(path, file_id) for path, file_id in zip(paths, ids, strict=True) if _is_layer(path)]
    tables = [(path, file_id) for path, file_id in zip(paths, ids, strict=True) if not _is_layer(path)]
    if len(tables) != 1:
        names = ", ".join(path.name for path in paths)
        raise UserError(f"{names}: {len(tables)} CSV of orders, expected one: it is the whole list at its date.")
    remarks: list[str] = []
    rows, orders = _rows(*tables[0], options, remarks)
    owners = drought_clues.owners(orders)
    for row in rows:
        owner = owners[row["order_id"]]
        row |= {"departement": owner.departement, "evidence": owner.evidence}
        row["reason"] = row["reason"] or owner.reason
    remarks += _unassigned(owners, orders, rows)
    zones: list[Row] = []
    for path, file_id in layers:
        zones += _zones(path, file_id, options, remarks)
    if layers and (lost := sorted({row["zone_id"] for row in rows} - {zone["zone_id"] for zone in zones})):
        remarks.append(f"{len(lost)} zone(s) of the orders are not in the layer of zones: {', '.join(lost)}.")
    return {"drought_order": rows, "drought_zone": zones}, remarks


def _is_layer(path: Path) -> bool:
    return path.suffix.lower() in (".geojson", ".json", ".gpkg")


def _rows(
    path: Path, file_id: str, options: DroughtOrders, remarks: list[str]
) -> tuple[list[Row], dict[str, drought_clues.Order]]:
    """Rows without département, and by order what it writes of itself."""
    lines, department_column = _lines(path, options)
    rows: list[Row] = []
    keys: dict[str, int] = {}
    backwards: list[str] = []
    zones: dict[str, set[str]] = {}
    about: dict[str, dict[str, str | None]] = {}
    for number, line in enumerate(lines, start=2):
        where = f"{path.name}, line {number}"
        if None in line or None in line.values():
            raise UserError(f"{where}: another number of fields than the header has. Is the file whole?")
        for name in ("unique_key_arrete_zone_alerte", "id_arrete", "id_zone"):
            if not line[name].strip():
                raise UserError(f"{where}, {name}: empty, expected the id that VigiEau gives.")
        key = line["unique_key_arrete_zone_alerte"].strip()
        if keys.setdefault(key, number) != number:
            raise UserError(f"{where}: the key {key} is that of line {keys[key]} too. Expected each once.")
        if line["statut_arrete"].strip() not in STATUSES:
            raise UserError(f"{where}: status {line['statut_arrete']!r} is not known. Expected {', '.join(STATUSES)}.")
        signed = _day(line["date_signature"], f"{where}, date_signature")
        start = _day(line["debut_validite_arrete"], f"{where}, debut_validite_arrete")
        end = _day(line["fin_validite_arrete"], f"{where}, fin_validite_arrete")
        if start is None or signed is None:
            empty = "date_signature" if signed is None else "debut_validite_arrete"
            raise UserError(f"{where}, {empty}: empty, expected a day: without it no day can be counted.")
        is_backwards = end is not None and end < start
        if is_backwards:
            backwards.append(str(number))
        order_id = line["id_arrete"].strip()
        written = {
            "number": line["numero_arrete"],
            "framework": line["numero_arrete_cadre"],
            "file": PurePosixPath(line["chemin_fichier"]).name.removesuffix(".pdf"),
            "told": _departement(line[department_column], where) if department_column else None,
        }
        if about.setdefault(order_id, written) != written:
            raise UserError(f"{where}: order {order_id} has another number, framework, file or département above.")
        zones.setdefault(order_id, set()).add(line["id_zone"].strip())
        rows.append(
            {
                "source_file_id": file_id,
                "order_id": order_id,
                "order_number": line["numero_arrete"].strip(),
                "framework": line["numero_arrete_cadre"].strip() or None,
                "zone_id": line["id_zone"].strip(),
                "level": _level(line["numero_niveau"], line["nom_niveau"], where),
                "date_signed": signed,
                "date_start": start,
                "date_end": end,
                "reason": "ends_before_start" if is_backwards else None,
            }
        )
    if not rows:
        raise UserError(f"{path.name}: no row after the line that names the columns.")
    if backwards:
        remarks.append(
            f"{path.name}: {len(backwards)} row(s) end before they start and count no day: "
            f"line(s) {', '.join(backwards)}."
        )
    orders = {
        order_id: drought_clues.Order(
            str(texts["number"]), str(texts["framework"]), str(texts["file"]), frozenset(zones[order_id]), texts["told"]
        )
        for order_id, texts in about.items()
    }
    return rows, orders


def _lines(path: Path, options: DroughtOrders) -> tuple[list[dict[str, str]], str | None]:
    """The lines by column, and which column tells the département, where one does."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, delimiter=",")
            names = list(reader.fieldnames or [])
            _expect_columns(path, names, options)
            lines = list(reader)
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}: not utf-8 (byte {error.start}). Download it again.") from error
    return lines, next((name for name in DEPARTEMENT_COLUMNS if name in names), None)


def _expect_columns(path: Path, names: list[str], options: DroughtOrders) -> None:
    if missing := [name for name in COLUMNS if name not in names]:
        raise UserError(f"{path.name}: no column {', '.join(missing)}. Found: {', '.join(names)}.")
    if extra := [name for name in names if name not in (*COLUMNS, *DEPARTEMENT_COLUMNS, *options.columns_ignored)]:
        raise UserError(
            f"{path.name}: column {', '.join(extra)} is not known. If it says nothing of days, levels or places, "
            "name it in columns_ignored of the source's YAML."
        )


def _level(number: str, name: str, where: str) -> str:
    level = LEVELS.get((number.strip(), drought_clues.plain(name)))
    if level is None:
        known = ", ".join(f"{code} {label.capitalize()}" for code, label in LEVELS)
        raise UserError(f"{where}: level {number} {name!r} is not known. Expected {known}.")
    return level


def _departement(text: str, where: str) -> str | None:
    """A code, or the code of a name; None where the cell is empty."""
    if not text.strip():
        return None
    code = drought_clues.departement_of(text)
    if code is None:
        raise UserError(f"{where}: {text!r} is not a département's code or name.")
    return code


def _day(text: str, where: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()[:10]) if text.strip() else None
    except ValueError as error:
        raise UserError(f"{where}: {text!r} is not a date such as 2023-06-15.") from error


def _unassigned(
    owners: dict[str, drought_clues.Owner], orders: dict[str, drought_clues.Order], rows: list[Row]
) -> list[str]:
    """How many orders and rows have a département; the orders that have none, by reason."""
    alone = {name for name, owner in owners.items() if owner.departement is None}
    if not alone:
        return []
    n_rows = sum(row["order_id"] in alone for row in rows)
    remarks = [
        f"{len(alone)} of {len(owners)} orders ({n_rows} of {len(rows)} rows) have no département and are not counted."
    ]
    for reason in ("no_clue", "clues_disagree"):
        names = [f"{name} ({orders[name].number.strip()})" for name in owners if owners[name].reason == reason]
        if names:
            remarks.append(f"{reason}, {len(names)} order(s): {', '.join(names)}.")
    return remarks


def _zones(path: Path, file_id: str, options: DroughtOrders, remarks: list[str]) -> list[Row]:
    """Which share of each commune lies in each zone."""
    layer = zone_polygons.polygons(path, options.zone_crs, remarks)
    if options.zone_id_column not in layer:
        found = ", ".join(str(name) for name in layer.columns if name != layer.geometry.name)
        raise UserError(f"{path.name}: no column {options.zone_id_column}. Found: {found}.")
    zones = _by_zone(layer, options)
    ground = communes.polygons(options.zone_crs)
    shapes = ground.geometry.to_numpy()
    i_zone, i_commune = shapely.STRtree(shapes).query(zones.geometry.to_numpy(), predicate="intersects")
    cut = shapely.area(shapely.intersection(zones.geometry.to_numpy()[i_zone], shapes[i_commune]))
    share = np.minimum(cut / shapely.area(shapes)[i_commune], 1)
    return [
        {
            "source_file_id": file_id,
            "zone_id": str(zones["zone_id"].iloc[zone]),
            "zone_type": str(zones["zone_type"].iloc[zone]),
            "commune_code": str(ground["code"].iloc[commune]),
            "share": float(part),
        }
        for zone, commune, part in zip(i_zone, i_commune, share, strict=True)
        if part > MIN_SHARE
    ]


def _by_zone(layer: gpd.GeoDataFrame, options: DroughtOrders) -> gpd.GeoDataFrame:
    """One row per zone: zone_id, zone_type, geometry."""
    named = layer.assign(
        zone_id=layer[options.zone_id_column].astype(str).str.removesuffix(".0"),
        zone_type=layer[options.zone_type_column].astype(str) if options.zone_type_column in layer else NO_ZONE_TYPE,
    )
    return named.dissolve(by="zone_id", aggfunc={"zone_type": "first"}).reset_index()
