"""Readers of observed data: what they take, what they refuse and how they say it."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from climart import paths
from climart.errors import UserError
from ingest import lake, observed, registry
from ingest.communes import COMMUNE_OF
from ingest.readers import catnat, commune_table
from ingest.registry import CatnatCounts, CatnatEvents, CommuneTable
from tests.factories import bdiff_export
from tests.support import real_data

OPTIONS = CommuneTable(
    reader="commune_table",
    code="code",
    date_end=date(2024, 7, 31),
    measures={"pprn": {"column": "plan", "factor": 100}},
)
GASPAR = "cod_nat_catnat;cod_commune;lib_commune;num_risque_jo;lib_risque_jo;"
GASPAR += "dat_deb;dat_fin;dat_pub_arrete;dat_pub_jo;dat_maj"
EVENT = "INTE1;1001;A;ICB;Inondations;2024-10-17 00:00:00;2024-10-18 00:00:00;2024-11-01 00:00:00;2024-11-05 00:00:00;x"


def table(path: Path, text: str, options: CommuneTable = OPTIONS) -> list[dict[str, object]]:
    path.write_text(text, encoding=options.encoding)
    return commune_table.read([path], ["id"], options)[0]["commune_fact"]


def events(path: Path, *lines: str) -> tuple[list[dict[str, object]], list[str]]:
    path.write_text("\n".join([GASPAR, *lines]) + "\n", encoding="utf-8")
    tables, remarks = catnat.read_events([path], ["id"], CatnatEvents(reader="catnat_events"))
    return tables["catnat_event"], remarks


def test_table_skips_its_preamble_and_mends_codes(tmp_path: Path) -> None:
    rows = table(tmp_path / "t.csv", "A title\n\ncode;name;plan\n1001;A;1\n2A004;B;\n")
    assert [(row["commune_code"], row["value"], row["reason"]) for row in rows] == [
        ("01001", 100, None),
        ("2A004", None, "not_published"),  # an empty cell is unknown, not zero
    ]
    assert rows[0]["date_end"] == date(2024, 7, 31) and rows[0]["source_file_id"] == "id"


def test_xlsx_and_parquet_say_the_same_as_csv(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in (["title"], [], ["code", "plan"], ["01001", 1], [" 73065", 0]):
        book.worksheets[0].append(line)
    book.save(tmp_path / "t.xlsx")
    pd.DataFrame({"code": ["01001", "73065"], "plan": [1, 0]}).to_parquet(tmp_path / "t.parquet")
    for name in ("t.xlsx", "t.parquet"):
        found = commune_table.read([tmp_path / name], ["id"], OPTIONS)[0]["commune_fact"]
        assert [(row["commune_code"], row["value"]) for row in found] == [("01001", 100), ("73065", 0)], name


def test_rows_of_one_commune_add_up_where_the_source_says_so(tmp_path: Path) -> None:
    text = "code;plan\n01001;1\n01001;2\n"
    with pytest.raises(UserError, match=r"t\.csv: commune 01001 has several rows"):
        table(tmp_path / "t.csv", text)
    (row,) = table(tmp_path / "t.csv", text, OPTIONS.model_copy(update={"rows_per_commune": "summed"}))
    assert row["value"] == 300


def test_a_text_can_be_a_flag_in_another_encoding(tmp_path: Path) -> None:
    options = CommuneTable(
        reader="commune_table", code="code", encoding="cp1252", measures={"pprn": {"column": "zone", "equals": "côte"}}
    )
    rows = table(tmp_path / "t.csv", "code;zone\n01001;côte\n01002;\n", options)
    assert [row["value"] for row in rows] == [1, 0]
    with pytest.raises(UserError, match=r"not utf-8 \(byte 17\)"):
        commune_table.read([tmp_path / "t.csv"], ["id"], OPTIONS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code;other\n01001;1\n", r"t\.csv: no column plan\. Found: code, other"),
        ("insee;plan\n01001;1\n", r"none of the first 30 lines names a column 'code'"),
        ("code;plan\n01001;yes\n", r"t\.csv, line 2, plan: 'yes' is not a number"),
        ("code;plan\n01001\n", r"t\.csv, line 2: 1 fields, 2 expected"),
        ("code;plan\nParis;1\n", r"t\.csv, line 2: 'Paris' is not a commune's code"),
        ("code;plan\n", r"t\.csv: no row after"),
    ],
)
def test_table_faults_are_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        table(tmp_path / "t.csv", text)


def test_events_keep_their_dates(tmp_path: Path) -> None:
    found, remarks = events(tmp_path / "catnat_gaspar.csv", EVENT, EVENT)
    assert len(found) == 1 and remarks == ["1 row(s) that repeat another were counted once."]
    assert found[0]["commune_code"] == "01001" and found[0]["peril_label"] == "Inondations"
    assert (found[0]["date_start"], found[0]["date_order"]) == (date(2024, 10, 17), date(2024, 11, 1))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (EVENT.replace("2024-10-17 00:00:00", "17/10/2024"), r"line 2: date_start is '17/10/2024', expected a date"),
        (EVENT.replace("2024-10-17 00:00:00", ""), r"line 2: no start date"),
        ("INTE1;1001;A", r"line 2: another number of fields"),
    ],
)
def test_event_faults_are_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        events(tmp_path / "catnat_gaspar.csv", line)


def test_events_need_their_columns(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("cod_commune;dat_deb\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"c\.csv: no column cod_nat_catnat, dat_fin"):
        catnat.read_events([tmp_path / "c.csv"], ["id"], CatnatEvents(reader="catnat_events"))


def test_an_event_that_ends_before_it_starts_keeps_its_start(tmp_path: Path) -> None:
    found, remarks = events(tmp_path / "c.csv", EVENT.replace("2024-10-18 00:00:00", "2024-10-16 00:00:00"))
    assert (found[0]["date_start"], found[0]["date_end"]) == (date(2024, 10, 17), None)
    assert remarks == ["c.csv, line 2: ends on 2024-10-16, before it starts on 2024-10-17: the end was left out."]


def test_another_column_or_encoding_of_events_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(f"{GASPAR};nouveau\n{EVENT};1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"c\.csv: column nouveau is not known\. Expected cod_nat_catnat"):
        catnat.read_events([path], ["id"], CatnatEvents(reader="catnat_events"))
    path.write_text(f"{GASPAR}\n{EVENT.replace('Inondations', 'Sécheresse')}\n", encoding="cp1252")
    with pytest.raises(UserError, match=r"c\.csv: not utf-8 \(byte"):
        catnat.read_events([path], ["id"], CatnatEvents(reader="catnat_events"))


def test_counts_of_a_commune_that_lacks_a_field_are_zero(tmp_path: Path) -> None:
    options = CatnatCounts(
        reader="catnat_counts",
        date_start=date(1982, 8, 13),
        measures={"catnat_n_total": "total", "catnat_n_flood": "inond"},
    )
    content: dict[str, object] = {"ref_year": 2025, "communes": [{"insee": "01001", "total": 2}]}
    path = tmp_path / "counts.json.gz"
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    rows = catnat.read_counts([path], ["id"], options)[0]["commune_fact"]
    assert [(row["measure_id"], row["value"]) for row in rows] == [("catnat_n_total", 2), ("catnat_n_flood", 0)]
    assert rows[0]["date_end"] == date(2025, 12, 31)
    content["communes"] = [{"insee": "01001"}, {"insee": "1001"}]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="commune 01001 appears twice"):
        catnat.read_counts([path], ["id"], options)


def test_a_load_replaces_what_the_lake_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    for name, codes in (("first", ["01001", "01002"]), ("second", ["73065"])):
        path = tmp_path / f"{name}.csv"
        path.write_text("codgeo;nb_com_pprn\n" + "".join(f"{code};1\n" for code in codes))
        assert observed.load("anct_pprn", [path]).n_rows == {"commune_fact": len(codes)}
    found = pd.read_parquet(lake.table_path("commune_fact", "anct_pprn"))
    assert list(found.columns) == lake.SCHEMAS["commune_fact"].names and found["commune_code"].tolist() == ["73065"]
    assert lake.read("source_file")["name"].to_pylist() == ["second.csv"]
    assert lake.read("dataset")["dataset_id"].to_pylist() == ["anct_pprn"]


def test_unknown_sources_and_missing_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    with pytest.raises(UserError, match=r"'eobs' is not a source of observed data\. Known: agreste_saa, anct_pprn, "):
        observed.load("eobs", [tmp_path])
    with pytest.raises(UserError, match=r"gone\.csv: no such file"):
        observed.load("anct_pprn", [tmp_path / "gone.csv"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no subfolder"):
        observed.load_folder(tmp_path / "empty")


def test_a_folder_that_was_fetched_is_read_without_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    folder = tmp_path / "georisques_radon"
    folder.mkdir()
    (folder / "radon.csv").write_text("code_insee;classe_potentiel\n01001;1\n", encoding="utf-8")
    (folder / "georisques_radon.lock").write_text("{}", encoding="utf-8")
    assert observed.load("georisques_radon", [folder]).n_rows == {"commune_fact": 1}


def test_every_measure_of_a_source_is_in_the_catalogue() -> None:
    with (paths.DBT_PROJECT / "seeds" / "exposure_measures.csv").open(encoding="utf-8", newline="") as handle:
        rows = {row["measure_id"]: row for row in csv.DictReader(handle)}
    given = {
        measure
        for source in registry.sources().values()
        if source.observed
        for measure in getattr(source.observed, "measures", {})
    }
    assert len(given) > 5 and given <= rows.keys()
    # the weight of a mean is a measure, or one of the three that every commune has
    weights = {row["weight"] for row in rows.values() if row["aggregation"] == "mean"}
    assert weights <= rows.keys() | {"population", "area", "commune"}
    assert all(
        row[name] for row in rows.values() for name in ("label_fr", "label_en", "definition_fr", "definition_en")
    )


def test_a_vintage_may_differ_from_the_date(tmp_path: Path) -> None:
    options = OPTIONS.model_copy(update={"vintage": date(2023, 1, 1)})
    (row,) = table(tmp_path / "t.csv", "code;plan\n01001;1\n", options)
    assert (row["vintage"], row["date_end"]) == (date(2023, 1, 1), date(2024, 7, 31))


@pytest.mark.real_data
def test_flat_prices_and_housing_of_the_real_files() -> None:
    data = real_data() / "exposure"
    for source, name, n_communes, measure, total in (
        ("dvf_flats", "gazetteer_dvf_communes_2023_2025.csv", 9_090, "flat_sales", 1_002_116),
        ("insee_iris_housing", "iris_2021.parquet", 34_970, "dwellings", 37_153_287),
    ):
        options = registry.get(source).observed
        assert isinstance(options, CommuneTable)
        rows = commune_table.read([data / name], ["id"], options)[0]["commune_fact"]
        values = [row["value"] for row in rows if row["measure_id"] == measure]
        assert len(values) == n_communes and sum(values) == total
        assert {row["vintage"] for row in rows} == {date(2023, 1, 1)}


@pytest.mark.real_data
def test_every_iris_of_the_real_file_counts_once_and_paris_by_arrondissement() -> None:
    """The table of 49 280 IRIS of MANIFEST.md, read whole: what its lines sum to is what its communes sum to."""
    path = real_data() / "exposure" / "iris_2021.parquet"
    options = registry.get("insee_iris_housing").observed
    assert isinstance(options, CommuneTable)
    lines = pd.read_parquet(path)
    assert len(lines) == 49_280
    rows = commune_table.read([path], ["id"], options)[0]["commune_fact"]
    for measure, column in options.measures.items():
        found = [row["value"] for row in rows if row["measure_id"] == measure]
        assert sum(value or 0 for value in found) == pytest.approx(lines[column.column].sum(), rel=1e-12)
    codes = {row["commune_code"] for row in rows}
    assert len({code for code in codes if code[:3] in ("751", "132") or code[:4] == "6938"} & set(COMMUNE_OF)) == 45
    assert not {"75056", "13055", "69123"} & codes


def test_fires_are_counted_and_an_export_that_may_be_cut_is_refused(tmp_path: Path) -> None:
    options = registry.sources()["bdiff"].observed
    assert isinstance(options, CommuneTable) and options.row_cap == 30_000
    path = bdiff_export(
        tmp_path / "f.csv", [(2019, 1, "73065", "12000"), (2022, 1, "73065", "500"), (2014, 7, "2A139", "")]
    )
    rows = commune_table.read([path], ["id"], options)[0]["commune_fact"]
    assert {(row["commune_code"], row["measure_id"]): row["value"] for row in rows} == {
        ("73065", "fires_n"): 2, ("73065", "fires_area"): 1.25, ("2A139", "fires_n"): 1, ("2A139", "fires_area"): None,
    }  # fmt: skip
    # whole years, the first and the last of them
    assert {(row["date_start"], row["date_end"]) for row in rows} == {(date(2014, 1, 1), date(2022, 12, 31))}
    with pytest.raises(UserError, match=r"f\.csv: 3 rows, and an export stops at 3"):
        commune_table.read([path], ["id"], options.model_copy(update={"row_cap": 3}))


def test_years_of_fires_add_up_and_one_year_twice_is_refused(tmp_path: Path) -> None:
    options = registry.sources()["bdiff"].observed
    assert isinstance(options, CommuneTable)
    first = bdiff_export(tmp_path / "2021.csv", [(2021, 1, "73065", "10000")])
    second = bdiff_export(tmp_path / "2022.csv", [(2022, 1, "73065", "20000"), (2022, 2, "73001", "")])
    rows = commune_table.read([first, second], ["a", "b"], options)[0]["commune_fact"]
    found = {(row["commune_code"], row["measure_id"]): (row["value"], row["source_file_id"]) for row in rows}
    assert found["73065", "fires_n"] == (2, None) and found["73065", "fires_area"] == (3, None)  # of both files
    assert found["73001", "fires_n"] == (1, "b")
    said = r"2021\.csv, line 5: Année, Numéro, Département = 2021, 1, 73 is in 2021\.csv, line 5 too|is in 2021\.csv"
    again = bdiff_export(tmp_path / "again.csv", [(2021, 1, "73065", "10000")])
    with pytest.raises(UserError, match=said):
        commune_table.read([first, again], ["a", "b"], options)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((2021, 1, "73065", "-5"), r"line 5, Surface parcourue \(m2\): '-5' cannot be"),
        ((2021, 1, "73065", "vingt"), r"line 5, Surface parcourue \(m2\): 'vingt' is not a number"),
        (("21", 1, "73065", "5"), r"line 5, Année: '21' is not a year"),
        ((2021, 1, "Nice", "5"), r"line 5: 'Nice' is not a commune's code"),
    ],
)
def test_fires_that_cannot_be_are_refused(tmp_path: Path, row: tuple[object, ...], said: str) -> None:
    options = registry.sources()["bdiff"].observed
    assert isinstance(options, CommuneTable)
    with pytest.raises(UserError, match=said):
        commune_table.read([bdiff_export(tmp_path / "f.csv", [row])], ["id"], options)


@pytest.mark.real_data
def test_the_real_fires_and_plans_are_read_whole() -> None:
    for source, name, n_rows in (
        ("bdiff", "bdiff_incendies_2014_2024_france_entiere.csv", 29_806),
        ("anct_pprn", "pprn_communes_anct_2024.xlsx", 34_935),
    ):
        options = registry.get(source).observed
        assert isinstance(options, CommuneTable)
        tables, remarks = commune_table.read([real_data() / "hazard" / name], ["id"], options)
        rows = tables["commune_fact"]
        assert remarks == []
        if source == "bdiff":
            assert sum(row["value"] for row in rows if row["measure_id"] == "fires_n") == n_rows
            # 161 333.35 ha: the sum of the 29 806 areas
            area = sum(row["value"] for row in rows if row["measure_id"] == "fires_area")
            assert area == pytest.approx(161_333.35, abs=0.01)
            assert {(row["date_start"], row["vintage"]) for row in rows} == {(date(2014, 1, 1), date(2024, 12, 31))}
        else:
            assert len(rows) == n_rows


@pytest.mark.parametrize(
    ("source_id", "text", "expected"),
    [
        ("georisques_radon", "code_insee;classe_potentiel\n01001;1\n73065;3\n", {"radon_class": 3.0}),
        (
            "cerema_coast",
            "code_insee;recul_m_an;part_zone_basse\n73065;-0.5;12\n",
            {"coast_erosion": -0.5, "coast_flood_share": 12.0},
        ),
    ],
)
def test_static_hazards_are_read_per_commune(
    tmp_path: Path, source_id: str, text: str, expected: dict[str, float]
) -> None:
    options = registry.sources()[source_id].observed
    assert isinstance(options, CommuneTable)
    rows = table(tmp_path / "t.csv", text, options)
    assert {row["measure_id"]: row["value"] for row in rows if row["commune_code"] == "73065"} == expected
