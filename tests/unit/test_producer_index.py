"""Loading exports into the lake: all or nothing, each file once, no two files that disagree."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from climart import paths
from climart.errors import UserError
from ingest import lake, producer_index
from tests.factories import agri_export, tracc_export

RUN = "ALADIN63_CNRM-CM5"
Series = dict[tuple[str, str], dict[int, float | None]]  # (context, index code) → cell → value


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    (tmp_path / "given").mkdir()
    return tmp_path / "data"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """The folder of the user's files."""
    return tmp_path / "given"


def export(path: Path, codes: dict[str, object], *, level: str = "GWL15", points: tuple[int, ...] = (139, 281)) -> Path:
    """A TRACC export with the same values on every point."""
    return tracc_export(path, RUN, level, {point: codes for point in points})


def truncated(path: Path) -> Path:
    export(path, {"NORTMm_yr": 14.5})
    path.write_bytes(path.read_bytes()[:-9])
    return path


def in_lake() -> Series:
    """Every value of the lake; fails on a value that is there twice."""
    found: Series = {}
    for path in sorted(paths.lake().rglob("*.parquet")):
        if "producer_index" in path.parts:
            for row in pq.read_table(path, partitioning=None).to_pylist():
                cells = found.setdefault((row["context_id"], row["index_code"]), {})
                assert row["cell_id"] not in cells, f"twice in the lake: {row}"
                cells[row["cell_id"]] = row["value"]
    return found


def n_lake_files() -> int:
    return len(list((paths.lake() / "producer_index").rglob("*.parquet")))


def hashes() -> dict[str, str]:
    """sha256 of every file under the lake, temporary ones too."""
    files = sorted(path for path in paths.lake().rglob("*") if path.is_file())
    return {str(path.relative_to(paths.lake())): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_values_headers_and_registers(given: Path) -> None:
    path = tracc_export(
        given / "a.txt",
        RUN,
        "GWL15",
        {139: {"NORTMm_yr": 17.41, "ARRR_yr": 0.05}, 281: {"NORTMm_yr": "", "ARRR_yr": -0.1}},
    )
    done = producer_index.load([path])
    assert (done.loaded, done.n_values) == (["a.txt"], 4)
    values = in_lake()
    assert values["rwl20", "NORTMm_yr"] == {139: pytest.approx(17.41), 281: None}  # a blank is NULL
    assert values["rwl20", "ARRR_yr"] == {139: pytest.approx(0.05), 281: pytest.approx(-0.1)}
    headers = {row["index_code"]: row for row in lake.read("producer_index_header").to_pylist()}
    assert headers["ARRR_yr"]["statistic"] == "change_relative"
    assert (headers["NORTMm_yr"]["base_code"], headers["NORTMm_yr"]["decimals"]) == ("TMm_yr", 2)
    (source_file,) = lake.read("source_file").to_pylist()
    assert source_file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source_file["name"], source_file["rows"], source_file["bytes"]) == ("a.txt", 2, path.stat().st_size)
    assert source_file["licence"] == "Licence Ouverte 2.0"
    (simulation,) = lake.read("simulation").to_pylist()
    assert (simulation["rcm"], simulation["gcm"], simulation["scenario"]) == ("ALADIN63", "CNRM-CM5", "rcp85")
    assert lake.read("dataset")["dataset_id"].to_pylist() == ["drias_tracc2023"]
    assert lake.read("cell").num_rows == 8981


def test_a_bad_file_refuses_the_whole_call(given: Path) -> None:
    good, bad = export(given / "good.txt", {"NORTMm_yr": 14.5}), truncated(given / "cut.txt")
    with pytest.raises(UserError) as caught:
        producer_index.load([good, bad])
    assert f"cut.txt, line {len(bad.read_text().splitlines())}" in str(caught.value)
    assert "Nothing was loaded. 1 other file" in str(caught.value)
    assert hashes() == {}


def test_every_bad_file_is_named(given: Path) -> None:
    (given / "notes.txt").write_text("not an export\n")
    with pytest.raises(UserError, match=r"(?s)cut\.txt.*notes\.txt"):
        producer_index.load([truncated(given / "cut.txt"), given / "notes.txt"])


def test_skip_bad_loads_the_others_and_lists_what_it_skipped(given: Path) -> None:
    good, bad = export(given / "good.txt", {"NORTMm_yr": 14.5}), truncated(given / "cut.txt")
    done = producer_index.load([bad, good], skip_bad=True)
    assert done.loaded == ["good.txt"]
    assert len(done.skipped) == 1
    assert "cut.txt, line" in done.skipped[0]
    assert in_lake() == {("rwl20", "NORTMm_yr"): {139: 14.5, 281: 14.5}}
    assert lake.read("source_file")["name"].to_pylist() == ["good.txt"]


def test_skip_bad_with_nothing_good_writes_nothing(given: Path) -> None:
    done = producer_index.load([truncated(given / "cut.txt")], skip_bad=True)
    assert (done.loaded, len(done.skipped), hashes()) == ([], 1, {})


def test_the_same_content_under_two_names_is_one_file(given: Path) -> None:
    first = export(given / "a.txt", {"NORTMm_yr": 14.5})
    second = given / "b.txt"
    second.write_bytes(first.read_bytes())
    done = producer_index.load([first, second])
    assert (done.loaded, done.repeated) == (["a.txt"], ["b.txt (same content as a.txt)"])
    assert n_lake_files() == 1
    assert in_lake() == {("rwl20", "NORTMm_yr"): {139: 14.5, 281: 14.5}}


def test_a_renamed_file_given_later_is_already_there(given: Path) -> None:
    first = export(given / "a.txt", {"NORTMm_yr": 14.5})
    producer_index.load([first])
    before = hashes()
    done = producer_index.load([first.rename(given / "b.txt")])
    assert (done.loaded, done.already) == ([], ["b.txt"])
    assert hashes() == before


def test_a_second_run_gives_the_same_bytes(given: Path) -> None:
    files = [export(given / f"{level}.txt", {"NORTMm_yr": 14.5}, level=level) for level in ("GWL15", "GWL20")]
    producer_index.load(files)
    before = hashes()
    assert len(before) == 7  # two files of values; cell, dataset, simulation, source_file, producer_index_header
    assert producer_index.load(files).already == ["GWL15.txt", "GWL20.txt"]
    assert hashes() == before


def test_the_order_of_the_files_does_not_matter(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [export(given / f"{level}.txt", {"NORTMm_yr": 14.5}, level=level) for level in ("GWL15", "GWL20")]
    producer_index.load(files)
    forwards = hashes()
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "other"))
    for path in reversed(files):  # and one call each
        producer_index.load([path])
    assert hashes() == forwards


def test_adding_one_file_leaves_the_others_untouched(given: Path) -> None:
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": 14.5})])
    (values,) = (paths.lake() / "producer_index").rglob("*.parquet")
    before = values.stat()
    producer_index.load([export(given / "b.txt", {"NORTMm_yr": 15.5}, level="GWL20")])
    assert values.stat() == before
    assert n_lake_files() == 2


def test_two_files_of_a_call_that_disagree_are_both_named(given: Path) -> None:
    first, second = export(given / "a.txt", {"NORTMm_yr": 14.5}), export(given / "b.txt", {"NORTMm_yr": 14.6})
    with pytest.raises(UserError) as caught:
        producer_index.load([first, second])
    message = str(caught.value)
    assert "b.txt and a.txt: both hold NORTMm_yr of ALADIN63_CNRM-CM5 at rwl20" in message
    assert hashes() == {}


def test_a_file_that_disagrees_with_the_lake_names_both(given: Path) -> None:
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": 14.5})])
    before = hashes()
    with pytest.raises(UserError, match=r"b\.txt and a\.txt, in the lake: both hold NORTMm_yr"):
        producer_index.load([export(given / "b.txt", {"NORTMm_yr": 14.6})])
    assert hashes() == before


def test_a_blank_and_a_value_disagree(given: Path) -> None:
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": ""})])
    with pytest.raises(UserError, match="both hold"):
        producer_index.load([export(given / "b.txt", {"NORTMm_yr": 0})])


def test_two_blanks_agree(given: Path) -> None:
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": ""})])
    done = producer_index.load([export(given / "b.txt", {"NORTMm_yr": "", "ATMm_yr": 1.5})])
    assert done.loaded == ["b.txt"]
    assert in_lake() == {("rwl20", "NORTMm_yr"): {139: None, 281: None}, ("rwl20", "ATMm_yr"): {139: 1.5, 281: 1.5}}


def test_two_runs_do_not_disagree(given: Path) -> None:
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": 14.5})])
    producer_index.load([tracc_export(given / "b.txt", "REMO2009_MPI-ESM", "GWL15", {139: {"NORTMm_yr": 9}})])
    assert n_lake_files() == 2


def test_an_equal_overlap_is_not_repeated(given: Path) -> None:
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": 14.5, "ATMm_yr": 1.5})])
    before = hashes()
    done = producer_index.load([export(given / "b.txt", {"NORTMm_yr": 14.5})])
    assert done.repeated == ["b.txt (every value already loaded from another file)"]
    assert hashes() == before


def test_only_what_is_new_of_an_overlapping_file_is_written(given: Path) -> None:
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": 14.5})])
    done = producer_index.load([export(given / "b.txt", {"NORTMm_yr": 14.5, "ATMm_yr": 1.5})])
    assert (done.loaded, done.n_values) == (["b.txt"], 2)  # ATMm_yr on two points
    assert in_lake() == {("rwl20", "NORTMm_yr"): {139: 14.5, 281: 14.5}, ("rwl20", "ATMm_yr"): {139: 1.5, 281: 1.5}}


def test_complementary_indices_of_a_run_are_both_kept(given: Path) -> None:
    files = [export(given / "a.txt", {"NORTMm_yr": 14.5}), export(given / "b.txt", {"NORRR_yr": 900})]
    assert producer_index.load(files).loaded == ["a.txt", "b.txt"]
    assert set(in_lake()) == {("rwl20", "NORTMm_yr"), ("rwl20", "NORRR_yr")}


def test_replace_puts_the_new_file_in_the_place_of_the_old_one(given: Path) -> None:
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": 14.5})])
    done = producer_index.load([export(given / "b.txt", {"NORTMm_yr": 14.6})], replace=True)
    assert done.loaded == ["b.txt"]
    assert in_lake() == {("rwl20", "NORTMm_yr"): {139: pytest.approx(14.6), 281: pytest.approx(14.6)}}


def test_replace_keeps_what_both_files_agree_on(given: Path) -> None:
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": 14.5, "ATMm_yr": 1.5})])
    producer_index.load([export(given / "b.txt", {"NORTMm_yr": 14.75, "ATMm_yr": 1.5})], replace=True)
    assert in_lake() == {("rwl20", "NORTMm_yr"): {139: 14.75, 281: 14.75}, ("rwl20", "ATMm_yr"): {139: 1.5, 281: 1.5}}


def test_replace_keeps_what_the_new_file_does_not_hold(given: Path) -> None:
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": 14.5, "NORRR_yr": 900})])
    producer_index.load([export(given / "b.txt", {"NORTMm_yr": 14.75})], replace=True)
    assert in_lake() == {("rwl20", "NORTMm_yr"): {139: 14.75, 281: 14.75}, ("rwl20", "NORRR_yr"): {139: 900, 281: 900}}


def test_replace_does_not_choose_between_two_new_files(given: Path) -> None:
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": 14.5})])
    before = hashes()
    with pytest.raises(UserError, match=r"c\.txt and b\.txt"):
        producer_index.load(
            [export(given / "b.txt", {"NORTMm_yr": 14.6}), export(given / "c.txt", {"NORTMm_yr": 14.7})], replace=True
        )
    assert hashes() == before


def test_fewer_points_in_one_level_of_a_run(given: Path) -> None:
    whole = export(given / "whole.txt", {"NORTMm_yr": 14.5}, level="GWL15", points=(139, 281, 282))
    cut = export(given / "cut.txt", {"NORTMm_yr": 15.5}, level="GWL20", points=(139, 281))
    with pytest.raises(UserError, match=r"cut\.txt: 2 points where whole\.txt, of the same run, has 3"):
        producer_index.load([whole, cut])
    assert hashes() == {}


def test_fewer_points_than_the_lake_has_for_the_run(given: Path) -> None:
    producer_index.load([export(given / "whole.txt", {"NORTMm_yr": 14.5}, points=(139, 281, 282))])
    with pytest.raises(UserError, match=r"cut\.txt: 2 points where .*whole\.txt"):
        producer_index.load([export(given / "cut.txt", {"NORTMm_yr": 15.5}, level="GWL20")])


def test_a_scenario_may_have_fewer_points_than_its_reference(given: Path) -> None:
    """DRIAS-2020: the agricultural reference has 8 981 points, its scenarios 8 602."""
    rows = {139: {"NORRRA": 402.07}, 282: {"NORRRA": 410.0}}
    producer_index.load(
        [
            agri_export(given / "reference.txt", "REF", "REF", rows),
            agri_export(given / "scenario.txt", "RCP8.5", "H1", {282: {"NORRRA": 400.0}}),
        ]
    )
    assert {context: len(cells) for (context, _), cells in in_lake().items()} == {"ref": 2, "rcp85_h1": 1}


def test_nothing_given_does_nothing() -> None:
    done = producer_index.load([])
    assert (done.loaded, done.already, done.repeated, done.skipped, done.n_values) == ([], [], [], [], 0)
    assert hashes() == {}


@pytest.mark.parametrize("model", ["../../../../x_y", "a/b_c"])
def test_a_model_that_is_a_path_is_refused(given: Path, data_root: Path, model: str) -> None:
    with pytest.raises(UserError, match="Modele is"):
        producer_index.load([tracc_export(given / "a.txt", model, "GWL15", {139: {"NORTMm_yr": 14.5}})])
    assert not data_root.exists()


def test_progress_names_every_file_read_and_written(given: Path) -> None:
    seen: list[str] = []
    producer_index.load([export(given / "a.txt", {"NORTMm_yr": 14.5})], progress=seen.append)
    assert seen == ["a.txt", "a.txt"]
