"""What a source asks for: patterns, lists, selections, profiles; nothing is fetched to know it, but the lists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from climart import paths
from climart.errors import UserError
from ingest import fetch, registry
from ingest.fetch import plan
from ingest.registry import Source
from tests import replay as server
from tests.fetching import Patience, source
from tests.replay import Exchange, Replay
from tests.support import real_data

TODAY = date(2026, 11, 21)


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def producer() -> Iterator[Replay]:
    with server.replay() as found:
        yield found


def addresses(source_id: str, **selection: list[str]) -> list[str]:
    """The addresses that the registry's patterns give, before any list is read."""
    found = registry.sources()[source_id].fetch
    assert found is not None
    return [
        item.url
        for family in found.families
        if plan.wanted(family, selection) and not family.listing
        for item in plan.expand(family, selection, TODAY)
    ]


@pytest.mark.real_data
def test_the_patterns_give_the_424_known_addresses_and_no_other() -> None:
    known = (real_data() / "sources" / "URL_DRIAS.txt").read_text().split()
    found = addresses("drias_2020_daily") + addresses("explore2_cdft_daily")
    assert len(found) == len(set(found)) == len(known) == 424
    assert set(found) == set(known)


def test_files_of_stations_are_named_by_the_year() -> None:
    folder = "https://meteofrance.s3.sbg.io.cloud.ovh.net/data/BASE/QUOT"
    assert addresses("mf_stations", departement=["73"]) == [
        f"{folder}/Q_73_previous-1950-2024_RR-T-Vent.csv.gz",
        f"{folder}/Q_73_latest-2025-2026_RR-T-Vent.csv.gz",
    ]
    assert len(addresses("mf_stations")) == 2 * 96


def test_a_run_is_named_by_its_models_and_needs_its_past() -> None:
    found = addresses("drias_2020_daily", simulation=["*cnrm-cm5_*aladin63"], variable=["tasAdjust"])
    assert [urlsplit(url).path.split("/")[-4] for url in found] == ["historical", "rcp26", "rcp45", "rcp85"]
    assert found[0].endswith(
        "DRIAS2020_NEW/CNRM-CERFACS-CNRM-CM5/CNRM-ALADIN63/historical/day/tasAdjust/tasAdjust_France_CNRM-CERFACS-CNRM-CM5"
        "_historical_r1i1p1_CNRM-ALADIN63_v2_MF-ADAMONT-SAFRAN-1980-2011_day_19510101-20051231.nc"
    )


def test_addresses_by_analogy_come_only_when_named() -> None:
    everything = addresses("drias_2020_daily")
    assert len(everything) == 53 * 4
    assert not any("huss" in url or "evspsbl" in url for url in everything)
    assert len(addresses("drias_2020_daily", variable=["hussAdjust"])) == 53
    both = addresses("drias_2020_daily", variable=["evspsblpotAdjust"], scenario=["rcp85"])
    assert {url.rpartition("_")[2] for url in both} == {"FAO.nc", "Hg0175.nc"}


def test_years_go_up_to_the_last_whole_one() -> None:
    found = addresses("sim2")
    assert len(found) == 2025 - 1958 + 1
    assert found[-1].endswith("QUOT_SIM2_2025.csv.gz")
    assert [url.rpartition("/")[2] for url in addresses("sim2", year=["latest"])] == ["QUOT_SIM2_latest.csv.gz"]


def test_one_file_per_departement() -> None:
    assert len(addresses("georisques_rga_2026")) == 96
    assert addresses("georisques_rga_2026", departement=["2A"]) == [
        "https://files.georisques.fr/argiles/2025/AleaRG_2025_2A_L93.zip"
    ]


def test_communes_share_questions() -> None:
    family = next(f for f in registry.sources()["georisques_api"].fetch.families if f.batch)  # type: ignore[union-attr]  # it has addresses
    codes = [f"73{n:03}" for n in range(45)]
    (item,) = plan.expand(family, {"commune": codes}, TODAY)
    assert [len(dict(question.parameters)["code_insee"].split(",")) for question in item.questions] == [20, 20, 5]


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ({"station": ["x"]}, r"some_source has no station: it can be narrowed by variable, year, run\."),
        ({"variable": ["pr"]}, r"nothing fits variable pr"),
    ],
)
def test_a_selection_that_does_not_fit_is_said(selection: dict[str, list[str]], said: str) -> None:
    one = source(
        {
            "url": "http://127.0.0.1:9/{variable}_{year}.csv",
            "facets": {"variable": ["tas"], "year": "2001..2002"},
            "derive": {"run": "{variable}"},
        }
    )
    with pytest.raises(UserError, match=said):
        fetch.fetch(one, selection)


def test_a_facet_that_only_the_user_knows_must_be_named() -> None:
    one = source({"url": "http://127.0.0.1:9/{station}.csv", "facets": {"station": "named"}})
    with pytest.raises(UserError, match=r"say which station: --station CODE"):
        fetch.fetch(one, {})


def test_a_source_that_is_too_large_to_come_whole() -> None:
    with pytest.raises(UserError, match=r"cmip6 is too large to come whole: name --scenario, --gcm\."):
        fetch.fetch(registry.sources()["cmip6"], {"variable": ["tas"]})


def test_an_unknown_source_and_one_without_address() -> None:
    with pytest.raises(UserError, match=r"no source 'drias'\."):
        fetch.source_of("drias")
    with pytest.raises(UserError, match=r"drias_tracc2023 has no address\. Order the indices"):
        fetch.source_of("drias_tracc2023")


def test_profiles() -> None:
    with pytest.raises(UserError, match=r"wants --departement CODE"):
        fetch.of_profile("departemental", [])
    local = {source.id: dict(selection) for source, selection in fetch.of_profile("departemental", ["73"])}
    assert local["georisques_rga_2026"] == {"departement": ("73",)}
    assert local["georisques_api"] == {"departement": ("73",)}
    national = {source.id: dict(selection) for source, selection in fetch.of_profile("national", [])}
    assert national["georisques_rga_2026"] == {"extent": ("national",)}
    assert "climadiag_commune" in national
    assert not {"drias_2020_daily", "cmip6", "eobs"} & set(national)  # by name only: hundreds of GB, or a token


# Lists


def listed(producer: Replay, source_id: str, host: str) -> Source:
    content = registry.sources()[source_id].model_dump_json().replace(host, producer.url)
    return Source.model_validate_json(content)


def foreseen(one: Source, **selection: list[str]) -> dict[str, int | None]:
    return {f.item.name: f.about_bytes for f in fetch.foresee(one, selection, policy=Patience().policy)}


def bucket(keys: dict[str, int], per_page: int = 2) -> server.Answer:
    """An anonymous bucket, as S3 lists it."""

    def answer(exchange: Exchange) -> None:
        assert exchange.query["list-type"] == "2"
        found = [key for key in sorted(keys) if key.startswith(exchange.query["prefix"])]
        start = int(exchange.query.get("continuation-token", "0"))
        entries = "".join(
            f"<Contents><Key>{key}</Key><Size>{keys[key]}</Size></Contents>" for key in found[start : start + per_page]
        )
        more = start + per_page < len(found)
        token = f"<NextContinuationToken>{start + per_page}</NextContinuationToken>" if more else ""
        server.text(
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"{entries}<IsTruncated>{str(more).lower()}</IsTruncated>{token}</ListBucketResult>",
            "application/xml",
        )(exchange)

    return answer


def test_a_bucket_is_read_page_after_page(producer: Replay) -> None:
    root = "SocleM-Climat-2025/RCM/EURO-CORDEX/EUR-12/CNRM-ESM2-1/r1i1p1f2/CNRM-ALADIN64E1"
    keys = {
        f"{root}/{scenario}/day/{variable}/version-hackathon-102025/{variable}_FR-Metro_{scenario}.nc": len(scenario)
        for scenario in ("historical", "ssp370", "ssp585")
        for variable in ("tasAdjust", "prAdjust")
    }
    producer.routes["/meteofrance-drias"] = bucket({**keys, f"{root}/readme.txt": 3})
    one = listed(producer, "socle_2025_daily", "https://object.files.data.gouv.fr")
    assert len(foreseen(one)) == 6
    assert foreseen(one, variable=["tasAdjust"], scenario=["ssp*"], simulation=["CNRM-ESM2-1_CNRM-ALADIN64E1"]) == {
        "tasAdjust_FR-Metro_ssp370.nc": 6,
        "tasAdjust_FR-Metro_ssp585.nc": 6,
    }


def test_the_latest_of_a_list(producer: Replay) -> None:
    stem = "CLIMADIAG_COMMUNE/donnees_climadiag_commune"
    keys = {f"{stem}_v401_20260721.tar": 1, f"{stem}_v411_20260909.tar": 281, f"{stem}_json_v411_20260909.tar": 902}
    producer.routes["/meteofrance-drias"] = bucket(keys)
    one = listed(producer, "climadiag_commune", "https://object.files.data.gouv.fr")
    assert foreseen(one) == {"donnees_climadiag_commune_v411_20260909.tar": 281}


def test_a_list_without_one_file_that_fits_is_a_fault(producer: Replay) -> None:
    producer.routes["/meteofrance-drias"] = bucket({"CLIMADIAG_COMMUNE/other.tar": 1})
    one = listed(producer, "climadiag_commune", "https://object.files.data.gouv.fr")
    report = fetch.fetch(one, {}, policy=Patience().policy)
    assert report.failures[0].reason == "not_found"
    assert "its list holds no file like donnees_climadiag" in str(report.failures[0])


def test_an_index_of_folders_is_walked_and_not_left(producer: Replay) -> None:
    root = "/public/dcsc/projects/ADAMONT_MONTAGNE_2020/INDICATEURS_ANNUELS/"
    file = "SD-NDJFMA_CNRM-CM5_ALADIN63_RCP85.nc"

    def index(*links: str) -> server.Answer:
        body = "".join(f'<a href="{link}">x</a>' for link in ("?C=N;O=D", "../", "/elsewhere/", *links))
        return server.text(f"<html><h1>Index of</h1>{body}</html>", "text/html")

    producer.routes |= {
        root: index("alp_flat/", "LISEZMOI.txt"),
        f"{root}alp_flat/": index("CNRM-CM5_ALADIN63_RCP85/", "CNRM-CM5_ALADIN63_HISTORICAL/"),
        f"{root}alp_flat/CNRM-CM5_ALADIN63_RCP85/": index(file, "deeper/"),
        f"{root}alp_flat/CNRM-CM5_ALADIN63_HISTORICAL/": index("SD-NDJFMA_CNRM-CM5_ALADIN63_HISTORICAL.nc"),
    }
    one = listed(producer, "adamont_indicators", "https://climatedata.umr-cnrm.fr")
    found = foreseen(one, variable=["SD-NDJFMA"], scenario=["rcp85"])
    assert found == {f"alp_flat/CNRM-CM5_ALADIN63_RCP85/{file}": None}
    assert not any("deeper" in path or "elsewhere" in path or "C=N" in path for path in producer.paths())


def test_names_that_a_list_gives_cannot_leave_the_folder(producer: Replay) -> None:
    producer.routes["/list/"] = server.text('<a href="%2e%2e%2f%2e%2e%2fpasswd.csv">x</a>', "text/html")
    listing = {"kind": "html", "url": f"{producer.url}/list/", "match": "(?P<file>[^/]*/.*csv)$"}
    report = fetch.fetch(source({"name": "{file}", "listing": listing}), {}, policy=Patience().policy)
    assert "leads outside" in str(report.failures[0])
    assert not (paths.data_root() / "passwd.csv").exists()


def test_an_esgf_search_gives_addresses_and_checksums(producer: Replay) -> None:
    content = b"CDF\x01" + b"." * 60
    name = "tas_day_EC-Earth3_ssp370_r1i1p1f1_gr_20150101-20151231.nc"
    doc = {
        "title": name,
        "url": [f"{producer.url}/thredds/{name}|application/netcdf|HTTPServer", "x|y|OPENDAP"],
        "size": len(content),
        "checksum": [hashlib.sha256(content).hexdigest().upper()],
        "checksum_type": ["SHA256"],
    }
    other = {**doc, "title": name.replace("tas_", "pr_")}

    def search(exchange: Exchange) -> None:
        docs = [doc, other, doc]  # a replica comes twice
        start = int(exchange.query["offset"])
        server.text(json.dumps({"response": {"numFound": 3, "docs": docs[start : start + 2]}}))(exchange)

    producer.routes |= {"/esg-search/search": search, f"/thredds/{name}": server.file(content)}
    one = listed(producer, "cmip6", "https://esgf.ceda.ac.uk")
    asked = {"variable": ["tas"], "scenario": ["ssp370"], "gcm": ["EC-Earth3"]}
    assert foreseen(one, **asked) == {name: len(content)}
    query = producer.asked[0][1]
    for part in (
        "project=CMIP6",
        "table_id=day",
        "variable_id=tas",
        "experiment_id=ssp370",
        "source_id=EC-Earth3",
        "type=File",
    ):
        assert part in query
    assert fetch.fetch(one, asked, policy=Patience().policy).fetched == [name]
    producer.routes[f"/thredds/{name}"] = server.file(content[:-1] + b"!", etag='"v2"')
    (failure,) = fetch.fetch(one, asked, policy=Patience().policy).failures
    assert "twice" in str(failure)
    assert (paths.raw() / "cmip6" / name).read_bytes() == content


def test_tiles_that_meet_the_country(producer: Replay) -> None:
    def tile(id_: int, name: str, west: int, north: int) -> dict[str, object]:
        ring = [[west, north - 10], [west + 10, north - 10], [west + 10, north], [west, north], [west, north - 10]]
        return {
            "type": "Feature",
            "properties": {"id": id_, "name": name},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    extents = {"features": [tile(1, "N50_W10", -10, 50), tile(2, "N50_E0", 0, 50), tile(3, "N30_E60", 60, 30)]}
    producer.routes["/ftp/jrc-opendata/CEMS-GLOFAS/flood_hazard/tile_extents.geojson"] = server.text(
        json.dumps(extents)
    )
    one = listed(producer, "jrc_flood_depth", "https://jeodpp.jrc.ec.europa.eu")
    assert sorted(foreseen(one, return_period=["100"])) == ["ID1_N50_W10_RP100_depth.tif", "ID2_N50_E0_RP100_depth.tif"]


# Saying what would come


def test_foreseeing_says_sizes_and_writes_nothing(producer: Replay, data_root: Path) -> None:
    producer.routes |= {"/a.csv": server.file(b"x" * 70), "/b.csv": server.status(503)}
    one = source({"url": f"{producer.url}/{{name}}.csv", "facets": {"name": ["a", "b"]}, "about_bytes": 1000})
    assert foreseen(one) == {"a.csv": 70, "b.csv": 1000}
    assert {verb for verb, _, _ in producer.asked} == {"HEAD"}
    assert list(data_root.iterdir()) == []


def test_a_departement_without_a_file_is_no_failure(producer: Replay) -> None:
    producer.routes["/73.csv"] = server.file(b"code\n1\n")
    one = source({"url": f"{producer.url}/{{dep}}.csv", "facets": {"dep": ["73", "75"]}, "absent_ok": True})
    report = fetch.fetch(one, {}, policy=Patience().policy)
    assert (report.fetched, report.absent, report.failures) == (["73.csv"], ["75.csv"], [])
    del producer.routes["/73.csv"]  # one that was there is another matter
    assert [failure.reason for failure in fetch.fetch(one, {}, policy=Patience().policy).failures] == ["not_found"]


def test_status_says_what_is_damaged_renewed_and_new(producer: Replay) -> None:
    producer.routes |= {f"/{n}.csv": server.file(b"code\n%d\n" % n, etag=f'"{n}"') for n in range(4)}
    one = source({"url": f"{producer.url}/{{n}}.csv", "facets": {"n": ["0", "1", "2"]}})
    fetch.fetch(one, {}, policy=Patience().policy)
    same = fetch.status(one, ask=True, policy=Patience().policy)
    assert (same.damaged, same.changed, same.added, same.unknown) == ((), (), (), 0)
    (paths.raw() / "some_source" / "0.csv").write_bytes(b"code\n9\n")  # as long as before
    (paths.raw() / "some_source" / "2.csv").unlink()
    producer.routes["/1.csv"] = server.file(b"code\n11\n", etag='"new"')
    wider = source({"url": f"{producer.url}/{{n}}.csv", "facets": {"n": ["0", "1", "2", "3"]}})
    now = fetch.status(wider, ask=True, thorough=True, policy=Patience().policy)
    assert (now.damaged, now.changed, now.added) == (("0.csv", "2.csv"), ("1.csv",), ("3.csv",))
    producer.asked.clear()
    fetch.status(wider, ask=False)
    assert producer.asked == []
