"""The registry of sources: what it reads, what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from climart import paths
from climart.errors import UserError
from ingest import lake, registry

GOOD = {
    "id": "some_source",
    "title_fr": "Une source",
    "title_en": "A source",
    "producer": "Producer",
    "licence": "Licence Ouverte 2.0",
    "citation": "Producer, A source, Licence Ouverte 2.0",
    "homepage": "",
    "version": "1",
    "cadence": "none",
    "validation_status": "validated",
    "resolution_km": 8,
    "expected_size": {"bytes": 1000, "basis": "a test"},
    "reader": "drias",
    "order": "on a portal",
    "drias_text": {"experience": "SOME2030", "producers": ["P"], "contexts": {"GWL15": "rwl20"}},
}


def source_file(tmp_path: Path, content: dict[str, object], name: str = "some_source.yml") -> Path:
    path = tmp_path / name
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def test_a_good_file(tmp_path: Path) -> None:
    source = registry.load(source_file(tmp_path, GOOD))
    assert (source.id, source.licence, source.validation_status) == ("some_source", "Licence Ouverte 2.0", "validated")
    assert source.drias_text is not None
    assert source.drias_text.contexts == {"GWL15": "rwl20"}


@pytest.mark.parametrize("key", ["id", "title_fr", "title_en", "producer", "licence", "citation", "validation_status"])
def test_a_missing_key_is_refused_by_name(tmp_path: Path, key: str) -> None:
    path = source_file(tmp_path, {k: v for k, v in GOOD.items() if k != key})
    with pytest.raises(UserError, match=rf"some_source\.yml: {key}: Field required"):
        registry.load(path)


def test_an_empty_licence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"some_source\.yml: licence: "):
        registry.load(source_file(tmp_path, GOOD | {"licence": ""}))


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"some_source\.yml: license: Extra inputs"):
        registry.load(source_file(tmp_path, GOOD | {"license": "MIT"}))


def test_an_unknown_key_deeper_is_refused(tmp_path: Path) -> None:
    announced = {"experience": "SOME2030", "producers": ["P"], "contexts": {"GWL15": "rwl20"}, "gcms": {}}
    with pytest.raises(UserError, match=r"some_source\.yml: drias_text\.gcms: Extra inputs"):
        registry.load(source_file(tmp_path, GOOD | {"drias_text": announced}))


def test_every_fault_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"licence: .*; colour: "):
        registry.load(source_file(tmp_path, GOOD | {"licence": "", "colour": "red"}))


def test_an_unknown_validation_status_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"some_source\.yml: validation_status: .*'synthetic'"):
        registry.load(source_file(tmp_path, GOOD | {"validation_status": "perfect"}))


def test_an_id_that_is_not_the_files_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"another\.yml: id is 'some_source', expected 'another'"):
        registry.load(source_file(tmp_path, GOOD, "another.yml"))


@pytest.mark.parametrize("name", ["Some", "../some", "a b"])
def test_an_id_that_would_not_do_as_a_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"some_source\.yml: id: String should match"):
        registry.load(source_file(tmp_path, GOOD | {"id": name}))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some_source.yml"
    path.write_text("")
    with pytest.raises(UserError, match=r"some_source\.yml"):
        registry.load(path)


def test_what_is_not_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some_source.yml"
    path.write_text("id: [some_source\ntitle_fr: x\n")
    with pytest.raises(UserError, match=r"some_source\.yml, line 2"):
        registry.load(path)


def test_the_sources_of_the_project() -> None:
    found = registry.sources()
    assert {"drias_2020", "drias_tracc2023", "sample_tracc2023"} <= set(found)
    assert all(source.licence and source.citation for source in found.values())
    assert len(found) == len(list(paths.SOURCES.iterdir()))


def test_the_sample_can_never_pass_for_the_real_thing() -> None:
    sample = registry.for_drias_text("TRACC2023", "CLIMART")
    assert (sample.id, sample.validation_status) == ("sample_tracc2023", "synthetic")
    assert sample.notice_fr.startswith("démonstration : valeurs simulées")
    for producer in ("MF_DCSC", "MF-DCSC"):
        assert registry.for_drias_text("TRACC2023", producer).id == "drias_tracc2023"
        assert registry.for_drias_text("EUROCORDEX2020", producer).id == "drias_2020"


def test_no_two_sources_announce_themselves_alike() -> None:
    announced = [
        (source.drias_text.experience, producer)
        for source in registry.sources().values()
        if source.drias_text
        for producer in source.drias_text.producers
    ]
    assert len(announced) == len(set(announced)) >= 5


@pytest.mark.parametrize(("experience", "producer"), [("TRACC2023", "IPSL"), ("FEU_METEO2022", "MF_DCSC")])
def test_an_unknown_experience(experience: str, producer: str) -> None:
    with pytest.raises(KeyError):
        registry.for_drias_text(experience, producer)


def test_record_dataset_writes_one_row_however_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    source = registry.load(source_file(tmp_path, GOOD))
    for _ in range(2):
        registry.record_dataset(source)
    registry.record_dataset(registry.sources()["drias_2020"])
    rows = lake.read("dataset").to_pylist()
    assert [row["dataset_id"] for row in rows] == ["drias_2020", "some_source"]
    assert (rows[1]["licence"], rows[1]["citation"], rows[1]["resolution_km"]) == (GOOD["licence"], GOOD["citation"], 8)
