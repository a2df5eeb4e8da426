"""Hub'Eau's saved answers."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from climart.errors import UserError
from ingest import fetch, lake, loading, registry
from ingest.fetch import locks
from ingest.readers import hubeau
from ingest.registry import HubeauFlows
from tests import replay
from tests.fetching import Patience
from tests.replay import Exchange

STATION = {
    "code_station": "W1", "libelle_station": "A", "longitude_station": 5.9, "latitude_station": 45.6,
    "code_commune_station": "73065",
}  # fmt: skip
FLOW = {
    "code_station": "W1", "date_obs_elab": "2024-10-17", "resultat_obs_elab": 12_500, "grandeur_hydro_elab": "QmnJ",
    "code_qualification": 20,
}  # fmt: skip


OPTIONS = registry.sources()["hubeau_hydrometrie"].observed
assert isinstance(OPTIONS, HubeauFlows)


def read(folder: Path, *answers: Any) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    paths = []
    for number, answer in enumerate(answers):
        paths.append(folder / f"answer{number}.json")
        paths[-1].write_text(answer if isinstance(answer, str) else json.dumps(answer), encoding="utf-8")
    return hubeau.read(paths, [f"id{i}" for i in range(len(paths))], OPTIONS)


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


def test_what_the_producer_calls_wrong_is_no_flow(tmp_path: Path) -> None:
    rows = [
        FLOW | {"libelle_qualification": "Bonne"},
        FLOW | {"date_obs_elab": "2024-10-18", "code_qualification": 12, "libelle_qualification": "Douteuse"},
        FLOW | {"date_obs_elab": "2024-10-19", "resultat_obs_elab": 9e9, "libelle_qualification": "Incorrecte"},
    ]
    tables, remarks = read(tmp_path, [STATION], rows)
    assert [(flow["date"].day, flow["qualification"]) for flow in tables["river_flow"]] == [(17, "20"), (18, "12")]
    assert remarks == ["1 observation(s) that the producer calls Incorrecte were left out."]


def test_two_values_of_one_day_are_told(tmp_path: Path) -> None:
    tables, remarks = read(tmp_path, [STATION], [FLOW, FLOW | {"resultat_obs_elab": 2_000}])
    assert [flow["flow_m3s"] for flow in tables["river_flow"]] == [2]
    assert remarks == ["1 observation(s) were given twice with two values; the last one counts."]


def test_low_flows_are_kept_beside_the_others(tmp_path: Path) -> None:
    rows = [FLOW | {"grandeur_hydro_elab": name} for name in ("QINM", "QINnJ", "QmM")]
    tables, _ = read(tmp_path, [STATION], rows)
    assert [flow["quantity"] for flow in tables["river_flow"]] == ["QINM", "QINnJ", "QmM"]


def test_what_fetch_keeps_of_partial_pages_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pages, the first with status 206, as Hub'Eau gives them: fetched, then loaded as `climart refresh` does."""
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    station = STATION | {"code_station": "V120001001", "code_site": "V1200010", "code_departement": "73"}
    days = [
        FLOW | {"code_station": "V120001001", "code_site": "V1200010", "date_obs_elab": f"2024-10-{n}"}
        for n in (17, 18)
    ]

    def flows(exchange: Exchange) -> None:
        last = exchange.query.get("page") == "2"
        following = None if last else f"{producer.url}{exchange.path}&page=2"
        content = {"count": 2, "next": following, "data": days[1:] if last else days[:1]}
        exchange.send(json.dumps(content).encode(), 200 if last else 206)

    with replay.replay() as producer:
        producer.routes["/api/v2/hydrometrie/obs_elab"] = flows
        found = json.dumps({"count": 1, "next": None, "data": [station]})
        producer.routes["/api/v2/hydrometrie/referentiel/stations"] = replay.text(found)
        kept = registry.sources()["hubeau_hydrometrie"]
        content = kept.model_dump_json().replace("https://hubeau.eaufrance.fr", producer.url)
        source = registry.Source.model_validate_json(content)
        asked = {"station": ["V120001001"], "quantity": ["QmnJ"], "departement": ["73"]}
        assert fetch.fetch(source, asked, policy=Patience().policy).failures == []
    assert loading.load(kept, locks.load(kept.id)) == "2 rows of river_flow, 1 rows of river_station"
    rows = pq.read_table(lake.table_path("river_flow", kept.id)).to_pylist()
    assert [(row["date"], row["flow_m3s"]) for row in rows] == [(date(2024, 10, 17), 12.5), (date(2024, 10, 18), 12.5)]


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
