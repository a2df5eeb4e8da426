"""INSEE's Melodi: observations as `climart fetch` keeps them, with the codes that public clients of the API use."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from climart.errors import UserError
from ingest import fetch, lake, loading, registry
from ingest.fetch import locks
from ingest.readers import melodi
from tests import replay
from tests.fetching import Patience
from tests.replay import Exchange

DIMENSIONS = ("CARPARK", "CARS", "L_STAY", "NOR", "NRG_SRC", "TSH", "TDW", "OCS", "BUILD_END")
CODES = {"LOG": "insee_housing", "POP": "insee_population"}


def options(name: str = "insee_housing") -> registry.Melodi:
    found = registry.sources()[name].observed
    assert isinstance(found, registry.Melodi)
    return found


def dwelling(value: object, geo: str = "2025-COM-73065", year: str = "2022", **codes: str) -> dict[str, Any]:
    """An observation of DS_RP_LOGEMENT_PRINC: every dimension at its total but ``codes``."""
    fixed = {"GEO": geo, "TIME_PERIOD": year, "FREQ": "A", "RP_MEASURE": "DWELLINGS"}
    return {
        "dimensions": {**fixed, **dict.fromkeys(DIMENSIONS, "_T"), **codes},
        "measures": {"OBS_VALUE_NIVEAU": {"value": value}},
        "attributes": {"OBS_STATUS": "A"},
    }


def people(value: object, geo: str = "2025-COM-73065", year: str = "2023", kind: str = "PMUN") -> dict[str, Any]:
    return {
        "dimensions": {"GEO": geo, "TIME_PERIOD": year, "FREQ": "A", "POPREF_MEASURE": kind},
        "measures": {"OBS_VALUE_NIVEAU": {"value": value}},
    }


WHOLE = [  # 100 dwellings: 70 main + 20 second + 10 vacant; 60 houses + 40 flats; 5 + 6 + 7 = 18 main ones before 1971
    dwelling(100),
    dwelling(70, OCS="DW_MAIN"),
    dwelling(20, OCS="DW_SEC_DW_OCC"),
    dwelling(10, OCS="DW_VAC"),
    dwelling(60, TDW="1"),
    dwelling(40, TDW="2"),
    dwelling(50, TDW="1", OCS="DW_MAIN"),  # houses among main residences: of no measure
    dwelling(5, OCS="DW_MAIN", BUILD_END="Y_LT1919"),
    dwelling(6, OCS="DW_MAIN", BUILD_END="Y1919T1945"),
    dwelling(7, OCS="DW_MAIN", BUILD_END="Y1946T1970"),
    dwelling(9, OCS="DW_MAIN", BUILD_END="Y1971T1990"),
    dwelling(250, OCS="DW_MAIN", RP_MEASURE="DWELLINGS_ROOMS"),
]


def read(folder: Path, content: object, source: str = "insee_housing") -> tuple[list[dict[str, Any]], list[str]]:
    path = folder / "melodi.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    tables, remarks = melodi.read([path], ["id"], options(source))
    return tables["commune_fact"], remarks


def values(rows: list[dict[str, Any]]) -> dict[tuple[str, str], float | None]:
    return {(row["commune_code"], row["measure_id"]): row["value"] for row in rows}


def test_each_measure_is_read_by_its_codes_and_no_total_meets_its_parts(tmp_path: Path) -> None:
    rows, remarks = read(tmp_path, WHOLE)
    assert {row["measure_id"]: row["value"] for row in rows} == {
        "dwellings": 100, "dwellings_main": 70, "dwellings_second": 20, "dwellings_vacant": 10, "houses": 60,
        "flats": 40, "dwellings_main_pre1971": 18,
    }  # fmt: skip
    assert remarks == []
    assert {(row["vintage"], row["date_end"], row["source_file_id"]) for row in rows} == {
        (date(2025, 1, 1), date(2022, 1, 1), "id")
    }


def test_an_answer_as_the_api_gives_it_reads_as_the_list_that_fetch_keeps(tmp_path: Path) -> None:
    answer = {"observations": WHOLE, "paging": {"count": len(WHOLE), "isLast": True}}
    assert read(tmp_path, answer) == read(tmp_path, WHOLE)


def test_municipal_population_is_not_the_total_one(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, [people(59_000), people(1_500, kind="PCAP"), people(60_500, kind="PTOT")], CODES["POP"])
    assert values(rows) == {("73065", "population_municipal"): 59_000}


def test_the_latest_year_counts_and_the_others_are_told(tmp_path: Path) -> None:
    rows, remarks = read(tmp_path, [people(1, year="2017"), people(2, year="2023")], CODES["POP"])
    assert values(rows) == {("73065", "population_municipal"): 2}
    assert remarks == ["1 observation(s) of population_municipal before 2023 were left out."]


def test_arrondissements_make_their_commune_once(tmp_path: Path) -> None:
    arms = [people(10, geo=f"2025-ARM-{code}") for code in range(75101, 75121)]
    rows, _ = read(tmp_path, arms, CODES["POP"])
    assert sum(row["value"] for row in rows) == 200 and len(rows) == 20  # the mart adds them up in 75056
    rows, remarks = read(tmp_path, [*arms, people(201, geo="2025-COM-75056")], CODES["POP"])
    assert values(rows) == {("75056", "population_municipal"): 201}
    assert remarks == [
        "20 observation(s) of population_municipal in arrondissements whose commune has its own were left out."
    ]
    with pytest.raises(UserError, match=r"commune 75056: 19 of its 20 arrondissements \(not 75101\)"):
        read(tmp_path, arms[1:], CODES["POP"])


def test_other_places_are_left_out_and_told(tmp_path: Path) -> None:
    rows, remarks = read(tmp_path, [people(5), people(400, geo="2025-DEP-73")], CODES["POP"])
    assert values(rows) == {("73065", "population_municipal"): 5}
    assert remarks == ["1 observation(s) of other places than communes were left out."]


def test_what_is_secret_or_missing_is_unknown_and_not_zero(tmp_path: Path) -> None:
    hidden = people(None, geo="COM-01001")
    hidden["dimensions"]["CONF_STATUS"] = "C"
    merged = people(0, geo="COM-01002") | {"attributes": {"OBS_STATUS": "K"}}
    rows, _ = read(tmp_path, [people(None), hidden, merged, people(7, geo="COM-1004")], CODES["POP"])
    assert {row["commune_code"]: (row["value"], row["reason"]) for row in rows} == {
        "01001": (None, "secret"),
        "01002": (None, "merged_elsewhere"),
        "01004": (7, None),  # a lost zero comes back
        "73065": (None, "not_published"),
    }
    # two of three periods of construction make no sum
    rows, _ = read(tmp_path, [row for row in WHOLE if row["dimensions"]["BUILD_END"] != "Y1919T1945"])
    assert values(rows)["73065", "dwellings_main_pre1971"] is None


def test_pages_may_repeat_an_observation_but_not_change_it(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, [people(5), people(5)], CODES["POP"])
    assert values(rows) == {("73065", "population_municipal"): 5}
    with pytest.raises(UserError, match=r"melodi\.json, observation 2: population_municipal of 2025-COM-73065 .* is 6"):
        read(tmp_path, [people(5), people(6)], CODES["POP"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<html>502</html>", r"melodi\.json: not JSON"),
        ({"message": "x"}, r"melodi\.json: not an answer of Melodi"),
        ({"observations": [], "paging": {"isLast": False}}, r"melodi\.json: a page that is not the last one"),
        ([{"GEO": "COM-73065"}], r"observation 1: no dimensions or no measures \(it has GEO\)"),
        ([dwelling(1, geo="Chambéry")], r"observation 1: GEO is 'Chambéry', expected such as COM-73065"),
        ([dwelling(1, geo="COM-730651")], r"observation 1: '730651' is not a commune's code"),
        ([dwelling(1, geo="ARM-73065")], r"observation 1: 'ARM-73065' is no arrondissement"),
        ([dwelling(1, year="2022-Q1")], r"observation 1: TIME_PERIOD is '2022-Q1', expected a year"),
        ([dwelling(-1)], r"observation 1: OBS_VALUE_NIVEAU is -1, expected 0 or more"),
        ([dwelling("12")], r"observation 1: OBS_VALUE_NIVEAU is '12', expected a number"),
        ([dwelling(1) | {"measures": {"OBS_VALUE": {"value": 1}}}], r"no measure OBS_VALUE_NIVEAU\. Found: OBS_VALUE"),
        ([people(1)], r"observation 1: no dimension OCS, RP_MEASURE\. Found: GEO"),
        # a new dimension that is not at its total: the figure is of a part
        ([{**row, "dimensions": {**row["dimensions"], "NEW": "P1"}} for row in WHOLE], r"no observation of dwellings "),
        # a code that the producer renamed
        ([row for row in WHOLE if row["dimensions"]["OCS"] != "DW_VAC"], r"dwellings_vacant .*OCS=DW_VAC"),
    ],
)  # fmt: skip
def test_faults_are_named(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(tmp_path, content)


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.json"
    path.write_bytes('[{"é": 1}]'.encode("latin-1"))
    with pytest.raises(UserError, match=r"latin\.json: not utf-8 \(byte 3\)"):
        melodi.read([path], ["id"], options())


@given(st.dictionaries(st.integers(73001, 73330), st.floats(0, 1e6), min_size=1), st.randoms())
def test_every_commune_keeps_its_value_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, communes: dict[int, float], random: Random
) -> None:
    rows = [people(value, geo=f"COM-{code}") for code, value in communes.items()]
    rows += [people(value * 2, geo=f"COM-{code}", kind="PTOT") for code, value in communes.items()]
    random.shuffle(rows)
    found, _ = read(tmp_path_factory.mktemp("melodi"), rows, CODES["POP"])
    assert {row["commune_code"]: row["value"] for row in found} == {str(k): v for k, v in communes.items()}


def test_what_fetch_keeps_of_two_communes_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question per commune, two pages each, kept in one file of the département."""
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    kept = registry.sources()[CODES["POP"]]

    def answer(exchange: Exchange) -> None:
        last = exchange.query.get("page") == "2"
        geo = f"2025-{exchange.query['GEO']}"
        row = people(500, geo=geo) if last else people(20, geo=geo, kind="PCAP")
        following = (
            None if last else f"{producer.url}/melodi/data/DS_POPULATIONS_REFERENCE?GEO={exchange.query['GEO']}&page=2"
        )
        replay.text(json.dumps({"observations": [row], "paging": {"next": following, "isLast": last}}))(exchange)

    with replay.replay() as producer:
        producer.routes["/melodi/data/DS_POPULATIONS_REFERENCE"] = answer
        content = (
            kept.model_dump_json()
            .replace("https://api.insee.fr", producer.url)
            .replace('"per_second":0.5', '"per_second":null')
        )
        source = registry.Source.model_validate_json(content)
        report = fetch.fetch(source, {"commune": ["73065", "73008"]}, policy=Patience().policy)
    assert (report.failures, report.fetched) == ([], ["ds_populations_reference_73.json"])
    assert loading.load(kept, locks.load(kept.id)) == "2 rows of commune_fact"
    rows = pq.read_table(lake.table_path("commune_fact", kept.id)).to_pylist()
    assert values(rows) == {(code, "population_municipal"): 500 for code in ("73008", "73065")}
