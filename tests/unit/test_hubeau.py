"""Hub'Eau's saved answers."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from climart.errors import UserError
from ingest.readers import hubeau
from ingest.registry import HubeauFlows

STATION = {
    "code_station": "W1", "libelle_station": "A", "longitude_station": 5.9, "latitude_station": 45.6,
    "code_commune_station": "73065",
}  # fmt: skip
FLOW = {
    "code_station": "W1", "date_obs_elab": "2024-10-17", "resultat_obs_elab": 12_500, "grandeur_hydro_elab": "QmnJ",
    "code_qualification": 20,
}  # fmt: skip


def read(folder: Path, *answers: Any) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    paths = []
    for number, answer in enumerate(answers):
        paths.append(folder / f"answer{number}.json")
        paths[-1].write_text(answer if isinstance(answer, str) else json.dumps(answer), encoding="utf-8")
    return hubeau.read(paths, [f"id{i}" for i in range(len(paths))], HubeauFlows(reader="hubeau_flows"))


def test_flows_are_cubic_metres_and_pages_may_repeat(tmp_path: Path) -> None:
    page = {"count": 1, "next": None, "data": [FLOW]}
    tables, remarks = read(tmp_path, {"data": [STATION]}, page, page)
    (flow,) = tables["river_flow"]
    assert flow["flow_m3s"] == 12.5 and flow["date"] == date(2024, 10, 17) and flow["quantity"] == "QmnJ"
    assert tables["river_station"][0]["commune_code"] == "73065" and remarks == []


def test_heights_and_empty_results_are_no_flows(tmp_path: Path) -> None:
    rows = [{**FLOW, "grandeur_hydro_elab": "HIXnJ"}, {**FLOW, "resultat_obs_elab": None}]
    rows += [{**FLOW, "grandeur_hydro_elab": "QixM"}]  # the API's other spelling
    tables, remarks = read(tmp_path, [STATION], rows)
    assert [flow["quantity"] for flow in tables["river_flow"]] == ["QIXM"]
    assert remarks == ["2 observation(s) of heights or without a value were left out."]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("<html>502</html>", r"answer1\.json: not JSON .*error page"),
        ({"message": "x"}, r"answer1\.json: not an answer of Hub'Eau"),
        ({"count": 3, "next": None, "data": [FLOW]}, r"answer1\.json: 1 rows of 3: an incomplete answer"),
        ([{**FLOW, "resultat_obs_elab": -1}], r"answer1\.json, row 1: a flow of -1 l/s"),
        ([{**FLOW, "date_obs_elab": "17/10/2024"}], r"row 1: date_obs_elab is '17/10/2024'"),
        ([{**FLOW, "code_station": "W2"}], r"W2: flows of 1 station\(s\) that no station list describes"),
        ([{"code_station": "W3"}], r"row 1: no libelle_station, longitude_station, latitude_station"),
    ],
)
def test_answers_that_cannot_be_trusted_are_named(tmp_path: Path, answer: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(tmp_path, [STATION], answer)
