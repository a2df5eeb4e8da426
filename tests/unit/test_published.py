"""Published ensembles: TRACC-2023 tables and Climadiag Commune in their producers' layouts, quirk by quirk.

The layouts are those of samples that others published; no whole archive was ever seen here.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from climart.errors import UserError
from ingest import lake, loading, published, registry
from ingest.fetch import locks
from ingest.readers import delimited, tracc_tables
from tests.conftest import tree_hash
from tests.ensembles import (
    CLIMADIAG_HEADER,
    climadiag_archive,
    climadiag_csv,
    duration,
    tar,
    tracc_archive,
    tracc_csv,
    tracc_name,
)

NANCY, SEGUR = 14403, 14510  # cells of the 8 km grid, as the spec names them
TX30D = {NANCY: ("8 days 12:00:00", "11 days 22:47:59.983520504", "18 days 07:11:59.934082027"),
         SEGUR: ("9 days 00:00:00", "14 days 02:24:00", "21 days 13:11:59.934082027")}  # fmt: skip
S1 = ["S1,annuel,2030,,1,1,2,4", "S1,annuel,2050,,1,2,4,6", "S1,annuel,2100,,1,4,8,12"]


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def rows(dataset: str, index: str, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of a partition of the lake, in its order."""
    table = pq.read_table(lake.table_path("published_ensemble", f"dataset={dataset}", index), partitioning=None)
    return list(zip(*(table[column].to_pylist() for column in columns), strict=True))


def tracc(path: Path, **change: str | bytes | None) -> Path:
    """An archive of TX30D at +2 °C whose three files may be replaced or, with None, left out."""
    files: dict[str, str | bytes] = {}
    for number, statistic in enumerate(("ENSmin", "ENSq50", "ENSmax")):
        content: str | bytes = tracc_csv("TX30D", "RWL-20", statistic, {p: v[number] for p, v in TX30D.items()})
        replaced = change.get(statistic, content)
        if replaced is not None:
            files[tracc_name("TX30D", "RWL-20", statistic)] = replaced
    return tar(path, files)


def median_csv() -> str:
    return tracc_csv("TX30D", "RWL-20", "ENSq50", {point: three[1] for point, three in TX30D.items()})


# TRACC-2023 tables: the good case, and each quirk


def test_durations_are_days_and_the_name_tells_the_statistic(tmp_path: Path) -> None:
    done = published.load("tracc2023_tables", [tracc(tmp_path / "RWL20.tar")])
    assert done.n_rows == {"TX30D": 2}
    facts = ("cell_id", "context_id", "season", "statistic", "low_statistic", "high_statistic", "n_runs", "unit")
    assert rows("tracc2023_tables", "TX30D", *facts) == [
        (NANCY, "rwl20", "YR", "level", "min", "max", 17, "d"),
        (SEGUR, "rwl20", "YR", "level", "min", "max", 17, "d"),
    ]
    # 8.5 d; 11 d 22.8 h = 11.95 d; 18 d 7.2 h = 18.3 d
    low, median, high = rows("tracc2023_tables", "TX30D", "low", "median", "high")[0]
    assert (low, median, high) == pytest.approx((8.5, 11.95, 18.3), abs=1e-5)
    # the headers say MIN, MAX and MEAN: two of three are wrong, and said to be
    assert any("2 headers name another statistic" in remark for remark in done.remarks)
    # the two corners of the lattice, of each table
    assert any("2 points outside France" in remark and "0 beyond" in remark for remark in done.remarks)


def test_levels_and_seasons(tmp_path: Path) -> None:
    means = {NANCY: ("9.1", "10.2", "11.3")}
    archives = [
        tracc_archive(tmp_path / f"{level}.tar", level, {"TMm": means, "TMm_seas_JJA": means, "TXm_JJA": means})
        for level in ("historical", "RWL-20", "RWL-27", "RWL-40")
    ]
    assert published.load("tracc2023_tables", archives).n_rows == {"TMm": 8, "TXm": 4}
    found = rows("tracc2023_tables", "TMm", "season", "context_id", "unit")
    assert found == [
        (season, context, None) for season in ("JJA", "YR") for context in ("ref", "rwl20", "rwl27", "rwl40")
    ]
    assert {season for (season,) in rows("tracc2023_tables", "TXm", "season")} == {"JJA"}


def test_no_value_is_null_with_a_reason_and_never_zero(tmp_path: Path) -> None:
    """The percentiles of SWI04D are almost all nan."""
    tables = {"SWI04D": {NANCY: ("nan", "nan", "nan"), SEGUR: ("1 days 00:00:00", "2 days 00:00:00", "3 days 00:00:00"),
                         NANCY + 1: ("nan", "nan", "nan")}}  # fmt: skip
    done = published.load("tracc2023_tables", [tracc_archive(tmp_path / "a.tar", "RWL-27", tables)])
    assert rows("tracc2023_tables", "SWI04D", "cell_id", "median", "reason") == [
        (NANCY, None, "not_published"),
        (NANCY + 1, None, "not_published"),
        (SEGUR, 2.0, None),
    ]
    assert any("SWI04D: no value at most cells" in remark for remark in done.remarks)


def test_a_change_keeps_the_producers_word(tmp_path: Path) -> None:
    """What files of changes are called is not known: they are never taken for levels."""
    name = tracc_name("RR", "RWL-20", "{}").replace("TIMEavg_", "TIMEavg_ANOMrd-1976-2005_")
    files = {name.format(s): tracc_csv("RR", "RWL-20", s, {NANCY: v})
             for s, v in (("ENSmin", "-0.2"), ("ENSq50", "0.01"), ("ENSmax", "0.3"))}  # fmt: skip
    published.load("tracc2023_tables", [tar(tmp_path / "a.tar", files)])
    assert rows("tracc2023_tables", "RR", "statistic", "low") == [("ANOMrd-1976-2005", pytest.approx(-0.2))]


def test_a_name_leads_nowhere(tmp_path: Path, data_root: Path) -> None:
    """Nothing is unpacked: a path that climbs is only a name."""
    with tarfile.open(tracc(tmp_path / "inner.tar")) as archive:
        files = {f"../../{m.name}": held.read() for m in archive if (held := archive.extractfile(m))}
    assert files
    published.load("tracc2023_tables", [tar(tmp_path / "climbing.tar", files)])
    assert not list(tmp_path.parent.glob("TX30D*")) and not list(data_root.rglob("*.csv"))
    assert len(rows("tracc2023_tables", "TX30D", "cell_id")) == 2


def test_the_same_archive_gives_the_same_bytes(tmp_path: Path, data_root: Path) -> None:
    archive = tracc(tmp_path / "a.tar")
    published.load("tracc2023_tables", [archive])
    first = tree_hash(data_root)
    published.load("tracc2023_tables", [archive, tracc(tmp_path / "renamed.tar")])  # the same content twice is one
    assert tree_hash(data_root).keys() == first.keys()
    assert {k: v for k, v in tree_hash(data_root).items() if "source_file" not in k} == {
        k: v for k, v in first.items() if "source_file" not in k
    }


def test_a_load_replaces_what_was_there(tmp_path: Path, data_root: Path) -> None:
    published.load("tracc2023_tables", [tracc(tmp_path / "a.tar")])
    published.load("tracc2023_tables", [tracc_archive(tmp_path / "b.tar", "RWL-20", {"RR": {NANCY: ("1", "2", "3")}})])
    assert [path.stem for path in (data_root / "lake" / "published_ensemble").rglob("*.parquet")] == ["RR"]
    assert lake.read("source_file")["name"].to_pylist() == ["b.tar"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("RWL;Value\n", "RWL;Median\n", r"ENSq50\.csv, line 17: no column Value; unknown column 'Median'"),
        ("RWL;Value\n", "RWL;Value;More\n", r"line 17: unknown column 'More'"),
        ("RWL;Value\n", "RWL;RWL\n", r"line 17: no column Value; column RWL twice"),
        ("RWL-20;11 days", "RWL-27;11 days", r"line 19, RWL: 'RWL-27': expected RWL-20"),
        ("11 days 22:47:59.983520504", "eleven", r"line 19, Value: 'eleven': expected a number, a duration"),
        ("11 days 22:47:59.983520504", "11.95", r"line 19, Value: '11.95': a number among durations"),
        ("11 days 22:47:59.983520504", "31 days 00:00:00", r"point 14403: the median, 31, is not between"),
        ("14403;48.6889", "14403;44.6889", r"line 19, Latitude: '44.6889': the point lies elsewhere"),
        ("14510;", "14403;", r"line 20, Point: '14403': the same point twice"),
        ("14510;", "Ségur;", r"line 20, Point: 'Ségur': expected the number of a point"),
        (";RWL-20;11 days", ";11 days", r"line 19: 4 fields, 5 expected"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_refused_with_its_line(
    tmp_path: Path, data_root: Path, old: str, new: str, message: str
) -> None:
    # 16 comment lines, the names on line 17, the first corner on line 18, Nancy on line 19
    content = median_csv()
    assert old in content
    with pytest.raises(UserError, match=message):
        published.load("tracc2023_tables", [tracc(tmp_path / "a.tar", ENSq50=content.replace(old, new))])
    assert not (data_root / "lake").exists()


def test_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ENSq50\.csv, line 7: byte 0xe9 is not UTF-8"):
        cut = median_csv().replace("’", "'").replace("≥", ">=").encode("latin-1")
        published.load("tracc2023_tables", [tracc(tmp_path / "a.tar", ENSq50=cut)])


def test_a_missing_statistic_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"TX30D \(YR\) at rwl20 has ENSmin, ENSmax, and no ENSq50"):
        published.load("tracc2023_tables", [tracc(tmp_path / "a.tar", ENSq50=None)])


def test_a_cut_table_and_a_cut_archive_are_refused(tmp_path: Path) -> None:
    short = tracc_csv("TX30D", "RWL-20", "ENSmax", {NANCY: TX30D[NANCY][2]})
    with pytest.raises(UserError, match=r"lists 1 cells of the grid, .* 2, not the same"):
        published.load("tracc2023_tables", [tracc(tmp_path / "a.tar", ENSmax=short)])
    whole = tracc(tmp_path / "b.tar")
    whole.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(UserError, match="not a whole tar archive"):
        published.load("tracc2023_tables", [whole])
    (tmp_path / "c.tar").write_text("<html>not found</html>")
    with pytest.raises(UserError, match="not a whole tar archive"):
        published.load("tracc2023_tables", [tmp_path / "c.tar"])


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of its 1 files is a table of an ensemble"):
        published.load("tracc2023_tables", [tar(tmp_path / "a.tar", {"readme.csv": "a;b\n"})])


def test_the_same_table_in_two_archives_is_refused(tmp_path: Path) -> None:
    other = tracc_archive(tmp_path / "b.tar", "RWL-20", {"TX30D": {NANCY: ("1 days", "2 days", "3 days")}})
    with pytest.raises(UserError, match=r"b\.tar and a\.tar: both hold TX30D"):
        published.load("tracc2023_tables", [tracc(tmp_path / "a.tar"), other])


def test_another_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="bdiff: not a source of published ensembles"):
        published.load("bdiff", [tmp_path])
    with pytest.raises(UserError, match="no such file"):
        published.load("tracc2023_tables", [tmp_path / "nothing.tar"])


@given(st.floats(-300, 400, allow_nan=False))
def test_any_duration_is_read_to_the_second(days: float) -> None:
    column = delimited.strings("x", f"{duration(days)}\n".encode(), ["Value"], ";", 1)["Value"]

    def refuse(mask: Any, column: str, why: str) -> None:
        assert not mask.any(), why

    values, is_duration = tracc_tables._values(column, refuse)
    assert is_duration and values[0] == pytest.approx(days, abs=2e-4)


def test_a_negative_duration_as_pandas_writes_it() -> None:
    # pandas writes −2 hours as the day before plus 22 hours
    column = delimited.strings("x", b"-1 days +22:00:00\n", ["Value"], ";", 1)["Value"]
    values, _ = tracc_tables._values(column, lambda *_: None)
    assert values[0] == pytest.approx(-2 / 24)


# Climadiag Commune


def test_three_horizons_and_the_reference(tmp_path: Path) -> None:
    archive = climadiag_archive(tmp_path / "c.tar", {"54395": S1, "05157": [row.replace(",1,", ",0,") for row in S1]})
    done = published.load("climadiag_commune", [archive])
    assert done.n_rows == {"S1": 8}
    found = rows("climadiag_commune", "S1", "commune_code", "context_id", "low", "median", "high", "low_statistic")
    assert [row[1:] for row in found if row[0] == "54395"] == [
        ("ref", None, 1.0, None, None),
        ("rwl20", 1.0, 2.0, 4.0, "q05"),
        ("rwl27", 2.0, 4.0, 6.0, "q05"),
        ("rwl40", 4.0, 8.0, 12.0, "q05"),
    ]
    assert {row[0] for row in rows("climadiag_commune", "S1", "n_runs")} == {None}
    assert done.remarks == ("2 other files of the archive left out (EPCI, metadata, documentation)",)


def test_seasons_and_dates(tmp_path: Path) -> None:
    lines = [
        "G1,saisonnier,2030,hiver,2.1,3.0,3.5,3.9",
        "G1,saisonnier,2030,été,18.4,19.2,19.9,20.4",
        "AG2,annuel,2030,,06/03,20/02,29/02,01/03",
    ]
    published.load("climadiag_commune", [climadiag_archive(tmp_path / "c.tar", {"54395": lines})])
    found = rows("climadiag_commune", "G1", "season", "context_id", "median", "unit")
    assert found == [
        (season, context, pytest.approx(value), None)
        for season, of in (("DJF", (2.1, 3.5)), ("JJA", (18.4, 19.9)))
        for context, value in zip(("ref", "rwl20"), of, strict=True)
    ]
    # 20 February is day 51, 1 March day 60 of a year of 365; 29 February counts as the 28th, 59; 6 March is 65
    assert rows("climadiag_commune", "AG2", "low", "median", "high", "unit") == [
        (None, 65.0, None, "DOY"),
        (51.0, 59.0, 60.0, "DOY"),
    ]


def test_overseas_communes_are_left_out_and_counted(tmp_path: Path) -> None:
    archive = climadiag_archive(tmp_path / "c.tar", {"54395": S1, "97411": ["S1,annuel,1.5,,1,1,2,4"]})
    done = published.load("climadiag_commune", [archive])
    assert done.n_rows == {"S1": 4} and done.remarks[0].startswith("1 overseas communes left out")


def test_a_byte_order_mark_quotes_and_crlf(tmp_path: Path) -> None:
    text = climadiag_csv("54395", *S1, name='"L\'Été, ou presque"').replace("\n", "\r\n")
    archive = tar(tmp_path / "c.tar", {"indicateurs_par_commune/54395.csv": b"\xef\xbb\xbf" + text.encode()})
    assert published.load("climadiag_commune", [archive]).n_rows == {"S1": 4}


def test_no_value_of_climadiag_is_null(tmp_path: Path) -> None:
    published.load("climadiag_commune", [climadiag_archive(tmp_path / "c.tar", {"54395": ["S1,annuel,2030,,,,,"]})])
    assert rows("climadiag_commune", "S1", "context_id", "median", "reason") == [
        ("ref", None, "not_published"),
        ("rwl20", None, "not_published"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("median,high\n", "mediane,high\n", r"01002\.csv, line 1: no column median; unknown column 'mediane'"),
        ("median,high\n", "median,high,x\n", r"01002\.csv, line 1: unknown column 'x'"),
        ("low,median", "median,low", r"01002\.csv, line 1: its columns come in another order"),
        ("2050", "2085", r"01002\.csv, line 3: '2085': expected one of 2030, 2050, 2100"),
        ("2050,,", "2050,mousson,", r"01002\.csv, line 3: 'mousson': expected one of"),
        ("S1,annuel,2050", "../S1,annuel,2050", r"01002\.csv, line 3: '\.\./S1': not an index's code"),
        ("commune,S1,annuel,2050", "epci,S1,annuel,2050", r"01002\.csv, line 3: 'epci': expected type_entite commune"),
        ("01002,Commune,commune,S1,annuel,2050", "01003,Commune,commune,S1,annuel,2050",
         r"01002\.csv, line 3: '01003': the code of another commune"),
        ("1,2,4,6", "1,deux,4,6", r"01002\.csv, line 3, low: 'deux': expected a number or a date"),
        ("1,2,4,6", "1,2,7,6", r"01002\.csv, line 3: '7': a median that is not between low and high"),
        ("1,2,4,6", "1,2,,6", r"01002\.csv, line 3: '': low, median and high must be given together"),
        ("1,2,4,6", "1,31/02,4,6", r"01002\.csv, line 3, low: '31/02': no such day"),
        ("1,2,4,6", "1,20/02,4,6", r"01002\.csv, line 3: '4': S1 has dates here and numbers elsewhere"),
        ("1,2,4,6", "3,2,4,6", r"01002\.csv: S1 \(YR\) has another ref at another horizon"),
        ("S1,annuel,2050", "S1,annuel,2030", r"01002\.csv: S1 \(YR\) twice at one horizon"),
        (",1,2,4,6", ",1,2,4", r"01002\.csv, line 3: 10 fields, 11 expected"),
    ],
)  # fmt: skip
def test_what_is_not_as_climadiag_is_refused_with_member_and_line(
    tmp_path: Path, data_root: Path, old: str, new: str, message: str
) -> None:
    content = climadiag_csv("01002", *S1)
    assert old in content
    files = {
        "indicateurs_par_commune/01001.csv": climadiag_csv("01001", *S1),
        "indicateurs_par_commune/01002.csv": content.replace(old, new),
    }
    with pytest.raises(UserError, match=message):
        published.load("climadiag_commune", [tar(tmp_path / "c.tar", files)])
    assert not (data_root / "lake").exists()


def test_other_faults_of_climadiag(tmp_path: Path) -> None:
    member = "indicateurs_par_commune/54395.csv"
    latin = climadiag_csv("54395", "G1,saisonnier,2030,été,1,1,2,3").encode("latin-1")
    for files, message in (
        ({member: latin}, r"54395\.csv, line 2: byte 0xe9 is not UTF-8"),
        ({member: CLIMADIAG_HEADER + "\n"}, r"54395\.csv: no row after the line"),
        ({"metadonnees.csv": "x\n"}, "no file of a commune"),
        ({member: climadiag_csv("54395", *S1), "b/54395.csv": climadiag_csv("54395", *S1)}, "a second file for"),
    ):
        with pytest.raises(UserError, match=message):
            published.load("climadiag_commune", [tar(tmp_path / "c.tar", files)])
    archive = climadiag_archive(tmp_path / "c.tar", {"54395": S1})
    with pytest.raises(UserError, match="one archive was expected"):
        published.load("climadiag_commune", [archive, climadiag_archive(tmp_path / "d.tar", {"01001": S1})])


def test_chunks_change_nothing(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = climadiag_archive(tmp_path / "c.tar", {f"010{n:02d}": S1 for n in range(20, 0, -1)})
    published.load("climadiag_commune", [archive])
    whole = tree_hash(data_root)
    monkeypatch.setattr("ingest.readers.climadiag.CHUNK_BYTES", 300)
    published.load("climadiag_commune", [archive])
    assert tree_hash(data_root) == whole
    assert rows("climadiag_commune", "S1", "commune_code")[:2] == [("01001",), ("01002",)]


def test_refresh_loads_them_by_itself(tmp_path: Path) -> None:
    """What `climart refresh` calls once the archives are here."""
    source = registry.get("tracc2023_tables")
    folder = locks.folder(source.id)
    folder.mkdir(parents=True)
    archive = tracc(folder / "a_csv.tar")
    held = locks.HeldFile(
        url="https://producer.invalid/a_csv.tar", etag=None, last_modified=None, bytes=archive.stat().st_size,
        sha256=published.sha256_of(archive), rows=None, fetched_at=locks.now(),
    )  # fmt: skip
    lock = locks.Lock(source=source.id, files={archive.name: held})
    locks.save(lock)
    assert loading.load(source, lock) == "1 indices, 2 rows"
    assert lake.read("source_file")["url"].to_pylist() == ["https://producer.invalid/a_csv.tar"]
