"""Rows that come in pages: both envelopes of Géorisques, Hub'Eau, Melodi, WFS; every way in which they lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from climart import paths
from climart.errors import UserError
from ingest import fetch, registry
from ingest.registry import Source
from tests import replay as server
from tests.fetching import Patience
from tests.replay import Exchange, Replay

CODES = [f"73{n:03}" for n in range(1, 46)]  # 45 communes: three questions of 20 at most
Row = dict[str, Any]


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def producer() -> Iterator[Replay]:
    with server.replay() as found:
        yield found


def at(producer: Replay, source_id: str, host: str, **changes: Any) -> Source:
    """A source of the registry as it is, but for its host: the producer's answers are replayed on loopback."""
    content = registry.sources()[source_id].model_dump_json().replace(f"https://{host}", producer.url)
    source = Source.model_validate_json(content)
    assert source.fetch is not None
    return source.model_copy(update={"fetch": source.fetch.model_copy(update={"per_second": None, **changes})})


def ask(source: Source, **selection: list[str]) -> fetch.Report:
    return fetch.fetch(source, selection, policy=Patience().policy)


def rows(source_id: str, name: str) -> list[Row]:
    return json.loads((paths.raw() / source_id / name).read_text())


def only_failure(report: fetch.Report) -> str:
    (failure,) = report.failures
    return str(failure)


# Géorisques, envelope A


def order(n: int, code: str) -> Row:
    return {
        "code_national_catnat": f"INTE{n:07}",
        "date_debut_evt": "01/06/2018",
        "date_fin_evt": "02/06/2018",
        "date_publication_arrete": "10/07/2018",
        "date_publication_jo": "12/07/2018",
        "libelle_risque_jo": "Sécheresse",
        "code_insee": code,
        "libelle_commune": "COMMUNE",
    }


# Three orders for each commune but the last, which has none.
ORDERS = [order(10 * i + j, code) for i, code in enumerate(CODES[:-1]) for j in range(3)]


def asked_for(row: Row, asked: list[str]) -> bool:
    return row["code_insee"] in asked


def catnat(page_size: int = 25, about: Callable[[Row, list[str]], bool] = asked_for) -> server.Answer:
    def answer(exchange: Exchange) -> None:
        asked, page = exchange.query["code_insee"].split(","), int(exchange.query["page"])
        assert len(asked) <= 20
        found = [row for row in ORDERS if about(row, asked)]
        n_pages = -(-len(found) // page_size)
        content = {
            "results": len(found),
            "page": page,
            "total_pages": n_pages,
            "data": found[(page - 1) * page_size : page * page_size],
            "response_code": 200,
            "message": None,
            "next": None,
            "previous": None,
        }
        server.text(json.dumps(content))(exchange)

    return answer


def ask_catnat(producer: Replay, answer: server.Answer) -> fetch.Report:
    producer.routes["/api/v1/gaspar/catnat"] = answer
    source = at(producer, "georisques_api", "www.georisques.gouv.fr")
    return ask(source, commune=CODES, topic=["catnat"])


def test_every_page_of_every_question(producer: Replay) -> None:
    assert ask_catnat(producer, catnat()).fetched == ["catnat_73.json"]
    assert rows("georisques_api", "catnat_73.json") == ORDERS
    # 20 communes × 3 orders in pages of 25: 3 pages; twice; then 4 × 3 in one page
    assert len(producer.asked) == 7


def test_the_same_rows_again_are_no_new_version(producer: Replay) -> None:
    ask_catnat(producer, catnat())
    assert ask_catnat(producer, catnat(page_size=50)).unchanged == ["catnat_73.json"]


def test_a_commune_without_orders_is_no_fault(producer: Replay) -> None:
    producer.routes["/api/v1/gaspar/catnat"] = catnat()
    source = at(producer, "georisques_api", "www.georisques.gouv.fr")
    assert ask(source, commune=[CODES[-1]], topic=["catnat"]).fetched == ["catnat_73.json"]
    assert rows("georisques_api", "catnat_73.json") == []


def refused(producer: Replay, answer: server.Answer) -> str:
    """A good version is here; the faulty answer must leave it alone."""
    ask_catnat(producer, catnat())
    report = ask_catnat(producer, answer)
    assert report.failures[0].reason == "wrong_content"
    assert rows("georisques_api", "catnat_73.json") == ORDERS
    return only_failure(report)


def test_an_ignored_question_gives_the_whole_base_and_is_refused_at_its_first_page(producer: Replay) -> None:
    ask_catnat(producer, catnat())
    producer.asked.clear()
    failure = only_failure(ask_catnat(producer, catnat(about=lambda *_: True)))
    assert "code_insee = '73021', which was not asked for" in failure
    assert len(producer.asked) == 3  # rows 1 to 60 are about the 20 communes asked for; page 3 is not
    assert rows("georisques_api", "catnat_73.json") == ORDERS


def _renamed(row: Row) -> Row:
    return {("insee" if name == "code_insee" else name): value for name, value in row.items()}


def change(answer: server.Answer, do: Callable[[Row], Any]) -> server.Answer:
    """The same answer, its JSON changed on its way."""

    def changed(exchange: Exchange) -> None:
        send = exchange.send
        exchange.send = lambda body, **headers: send(json.dumps(do(json.loads(body))).encode(), **headers)
        answer(exchange)

    return changed


@pytest.mark.parametrize(
    ("do", "said"),
    [
        (lambda c: c | {"data": c["data"][:-1]}, "were announced: the answer is cut"),
        (lambda c: c | {"page": 1}, "page 1 came, 2 was asked for: the API ignores the page number"),
        (lambda c: c | {"results": c["results"] + c["page"]}, "the base changed while it was read"),
        (lambda c: {"rows": c["data"]}, "no list of rows at 'data'"),
        (lambda c: c | {"data": {"error": "x"}}, "no list of rows at 'data'"),
        (lambda c: c | {"data": [row | {"code_insee": None} for row in c["data"]]}, "code_insee = None"),
        (lambda c: c | {"data": [_renamed(row) for row in c["data"]]}, "no column code_insee"),
        (lambda c: c | {"results": 30_000}, "30000 rows, where 20000 is the most"),
    ],
)  # fmt: skip
def test_pages_that_lie(producer: Replay, do: Callable[[Row], Any], said: str) -> None:
    assert said in refused(producer, change(catnat(), do))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (server.text(""), "an empty answer with status 200"),
        (server.text("<!DOCTYPE html><html>Erreur</html>", "text/html"), "a web page with status 200"),
        (server.text('{"results": 3, "data": ['), "not JSON"),
        (server.text("[1, 2]"), "no list of rows"),
    ],
)
def test_answers_that_are_no_pages(producer: Replay, answer: server.Answer, said: str) -> None:
    assert said in refused(producer, answer)


def test_a_page_that_fails_once_is_asked_again(producer: Replay) -> None:
    busy = server.one_after_the_other(server.status(429, Retry_After="2"), server.status(503), catnat())
    assert ask_catnat(producer, busy).fetched == ["catnat_73.json"]
    assert rows("georisques_api", "catnat_73.json") == ORDERS


# Géorisques, envelope B, and the object that may be empty


def plans(exchange: Exchange) -> None:
    page, code = int(exchange.query["pageNumber"]), exchange.query["codeInsee"]
    found = [{"idGaspar": f"{code}-{n}"} for n in range(5)]
    content = {
        "totalElements": 5,
        "totalPages": 3,
        "pageNumber": page,
        "pageSize": 2,
        "content": found[2 * page : 2 * page + 2],
    }
    server.text(json.dumps(content))(exchange)


def test_the_second_envelope_counts_its_pages_from_0(producer: Replay) -> None:
    producer.routes["/api/v1/gaspar/pprn"] = plans
    source = at(producer, "georisques_api", "www.georisques.gouv.fr")
    assert ask(source, commune=CODES[:2], topic=["pprn"]).fetched == ["pprn_73.json"]
    expected = [{"idGaspar": f"{code}-{n}"} for code in CODES[:2] for n in range(5)]
    assert rows("georisques_api", "pprn_73.json") == expected
    assert [path.partition("pageNumber=")[2][0] for path in producer.paths()] == ["0", "1", "2"] * 2


def test_the_whole_base_is_known_by_its_size_where_rows_do_not_say_what_they_are_about(producer: Replay) -> None:
    producer.routes["/api/v1/gaspar/pprn"] = change(plans, lambda c: c | {"totalElements": 13_000})
    source = at(producer, "georisques_api", "www.georisques.gouv.fr")
    assert "13000 rows, where 500 is the most" in only_failure(ask(source, commune=CODES[:1], topic=["pprn"]))


def test_an_empty_200_that_means_no_zone_is_told_from_no_data(producer: Replay) -> None:
    def clay(exchange: Exchange) -> None:
        known = {"73001": '{"codeExposition": "3", "exposition": "Exposition forte"}', "73002": ""}
        server.text(known[exchange.query["code_insee"]])(exchange)

    producer.routes["/api/v1/rga"] = clay
    source = at(producer, "georisques_api", "www.georisques.gouv.fr")
    assert ask(source, commune=["73001", "73002"], topic=["rga"]).fetched == ["rga_73.json"]
    assert rows("georisques_api", "rga_73.json") == [
        {"asked": {"code_insee": "73001"}, "answer": {"codeExposition": "3", "exposition": "Exposition forte"}},
        {"asked": {"code_insee": "73002"}, "answer": None},
    ]
    producer.routes["/api/v1/rga"] = server.status(503)
    assert "HTTP 503" in only_failure(ask(source, commune=["73001", "73002"], topic=["rga"]))
    assert len(rows("georisques_api", "rga_73.json")) == 2


def test_without_communes_in_the_lake_they_must_be_named(producer: Replay) -> None:
    source = at(producer, "georisques_api", "www.georisques.gouv.fr")
    with pytest.raises(UserError, match=r"the lake has no communes: run `climart ingest territories DIR`"):
        ask(source, departement=["73"])


# Hub'Eau


def hubeau(producer: Replay, answer: server.Answer) -> fetch.Report:
    producer.routes["/api/v2/hydrometrie/obs_elab"] = answer
    producer.routes["/api/v2/hydrometrie/referentiel/stations"] = server.text('{"count": 0, "next": null, "data": []}')
    source = at(producer, "hubeau_hydrometrie", "hubeau.eaufrance.fr")
    return ask(source, station=["V120001001"], quantity=["QmnJ"], departement=["73"])


def flows(producer: Replay, years: range, per_year: int) -> server.Answer:
    """Yearly rows, 1 000 a page, followed by ``next``; more than 20 000 are announced but never given."""

    def answer(exchange: Exchange) -> None:
        start, end = exchange.query["date_debut_obs_elab"], exchange.query["date_fin_obs_elab"]
        page = int(exchange.query.get("page", "1"))
        found = [
            {
                "code_site": "V1200010",
                "code_station": exchange.query["code_entite"],
                "date_obs_elab": f"{year}-07-01",
                "resultat_obs_elab": float(n),
                "grandeur_hydro_elab": exchange.query["grandeur_hydro_elab"],
            }
            for year in years
            if start <= f"{year}-07-01" <= end
            for n in range(per_year)
        ]
        following = (
            f"{producer.url}{exchange.path.split('&page=')[0]}&page={page + 1}" if page * 1000 < len(found) else None
        )
        content = {
            "count": len(found),
            "first": "",
            "prev": None,
            "next": following,
            "data": found[(page - 1) * 1000 : page * 1000],
        }
        exchange.send(json.dumps(content).encode(), 206 if following else 200)

    return answer


def test_a_period_above_the_cap_is_halved_until_it_fits(producer: Replay) -> None:
    report = hubeau(producer, flows(producer, range(2016, 2020), 6000))
    assert (report.failures, "obs_V120001001_QmnJ.json" in report.fetched) == ([], True)
    found = rows("hubeau_hydrometrie", "obs_V120001001_QmnJ.json")
    assert len(found) == 4 * 6000
    assert [row["date_obs_elab"] for row in found] == sorted(row["date_obs_elab"] for row in found)
    assert found[0]["resultat_obs_elab"] == 0.0


def test_a_day_above_the_cap_is_said(producer: Replay) -> None:
    report = hubeau(producer, flows(producer, range(2018, 2019), 21_000))
    assert "never more than 20000 are given, on the one day 2018-07-01" in only_failure(report)


def test_a_next_page_that_came_already_ends(producer: Replay) -> None:
    content = {"count": 2, "next": f"{producer.url}/api/v2/hydrometrie/obs_elab?again", "data": []}
    report = hubeau(producer, server.text(json.dumps(content)))
    assert "a page that came already" in only_failure(report)


# Melodi, WFS


def test_melodi_is_followed_until_its_last_page(producer: Replay) -> None:
    def answer(exchange: Exchange) -> None:
        page = int(exchange.query.get("page", "1"))
        paging = {"next": f"{producer.url}/melodi/data/DS_POPULATIONS_REFERENCE?page=2", "isLast": page == 2}
        row = {"dimensions": {"GEO": exchange.query.get("GEO")}, "measures": {"OBS_VALUE_NIVEAU": {"value": page}}}
        server.text(json.dumps({"observations": [row], "paging": paging}))(exchange)

    producer.routes["/melodi/data/DS_POPULATIONS_REFERENCE"] = answer
    source = at(producer, "insee_population", "api.insee.fr")
    assert ask(source, commune=["73065"]).fetched == ["ds_populations_reference_73.json"]
    found = rows("insee_population", "ds_populations_reference_73.json")
    assert [row["measures"]["OBS_VALUE_NIVEAU"]["value"] for row in found] == [1, 2]


@pytest.mark.parametrize("matched", [1200, "unknown"])
def test_wfs_is_asked_until_it_has_no_more(producer: Replay, matched: object) -> None:
    features = [
        {"type": "Feature", "properties": {"denom": f"AOC {n}", "crinao": "Val"}, "geometry": None} for n in range(1200)
    ]

    def answer(exchange: Exchange) -> None:
        start, count = int(exchange.query["STARTINDEX"]), 500  # fewer than the 5 000 that were asked for
        found = {"type": "FeatureCollection", "numberMatched": matched, "features": features[start : start + count]}
        server.text(json.dumps(found))(exchange)

    producer.routes["/wfs/ows"] = answer
    source = at(producer, "aoc_viticulture", "data.geopf.fr")
    report = ask(source)
    if matched == "unknown":  # the first page is shorter than what was asked for, so it is taken for the last
        assert "500 rows, expected 1000 to 2000000" in only_failure(report)
        return
    assert report.fetched == ["aire_parcellaire.json"]
    assert [row["denom"] for row in rows("aoc_viticulture", "aire_parcellaire.json")] == [
        f"AOC {n}" for n in range(1200)
    ]
