"""The whole page, run as Streamlit runs it, on the tiny release."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import data
from climart import paths
from tests.app.conftest import SYNTHETIC, VERSION, Page, write_release


def texts(test: AppTest) -> str:
    """All the words that a reader sees, tables apart."""
    elements = [*test.markdown, *test.subheader, *test.caption, *test.text, *test.info, *test.warning, *test.html]
    return "\n".join(str(element.proto.body) for element in elements)


def highest(test: AppTest) -> list[str]:
    """The names of the first list of highest values, in order."""
    tables = [str(one.proto.body) for one in test.html if "legend ends" in one.proto.body]
    return [unescape(name) for name in re.findall("<tr><td>(.*?)</td>", tables[0])] if tables else []


def map_data(test: AppTest) -> dict[str, Any]:
    """What the map component was given."""
    (found,) = [one.proto for one in test.get("bidi_component") if one.proto.json]
    data: dict[str, Any] = json.loads(found.json)
    return data


@pytest.mark.parametrize(("lang", "title"), [("fr", "Jours très chauds"), ("en", "Very hot days")])
@pytest.mark.parametrize("measure", ["level", "change"])
def test_opens_in_both_languages(page: Page, lang: str, title: str, measure: str) -> None:
    test = page.open(lang=lang, measure=measure)
    assert not test.exception
    assert test.subheader[0].value.startswith(title)
    assert highest(test) == ["Ain", "Aisne", "Allier"]
    assert VERSION in texts(test)


@pytest.mark.parametrize("kind", ["commune", "departement", "caisse", "country"])
@pytest.mark.parametrize("context", ["ref", "rwl20", "rwl40"])
def test_every_kind_and_context_opens(page: Page, kind: str, context: str) -> None:
    test = page.open(kind=kind, context=context)
    assert not test.exception
    assert map_data(test)["stamp"].startswith(f"{kind}//tx35/tracc/area/{context}/level")
    assert len(highest(test)) >= 1


def test_a_link_reopens_the_view(page: Page) -> None:
    test = page.open(kind="commune", caisse="caisse:est", indicator="rr_jja", context="rwl20", measure="change")
    assert test.selectbox(key="control-kind").value == "commune"
    assert test.selectbox(key="control-caisse").value == "caisse:est"
    assert test.selectbox(key="control-theme").value == "rain"
    assert test.selectbox(key="control-indicator").value == "rr_jja"
    assert highest(test) == ["<script>alert(1)</script> (02)", "Bourg (01)", "Petit-Bourg (01)"]


def test_choices_go_into_the_address(page: Page) -> None:
    test = page.open()
    test.selectbox(key="control-theme").select("rain").run()
    test.selectbox(key="control-kind").select("commune").run()
    test.selectbox(key="control-caisse").select("caisse:ouest").run()
    assert not test.exception
    assert test.query_params["indicator"] == "rr_jja"
    assert test.query_params["kind"] == "commune"
    assert test.query_params["caisse"] == "caisse:ouest"
    assert highest(test) == ["=1+1 (03)"]
    test.selectbox(key="control-caisse").select("all").run()
    assert "caisse" not in test.query_params
    assert len(highest(test)) == 4


def test_a_wrong_value_in_the_address_is_said_and_replaced(page: Page) -> None:
    test = page.open(indicator="tx99")
    assert [info.value for info in test.info] == [
        "« tx99 » n'existe pas pour l'indicateur : la valeur par défaut est montrée."
    ]
    assert test.query_params["indicator"] == "tx35"
    test.selectbox(key="control-kind").select("commune").run()
    assert not test.info


def test_a_caisse_without_values_says_why_and_shows_no_zero(page: Page) -> None:
    test = page.open(caisse="caisse:iles")
    assert not test.exception
    assert not highest(test)
    assert "Aucun de ces territoires n'a de valeur" in texts(test)
    assert "hors grille" in texts(test)


def test_a_departement_that_two_banks_may_serve_is_named(page: Page) -> None:
    assert "comptés dans une autre : Allier." in texts(page.open(caisse="caisse:est"))
    assert "comptés dans une autre" not in texts(page.open(caisse="caisse:ouest"))


def test_scenarios_have_their_own_slider(page: Page) -> None:
    test = page.open(dataset="drias_2020", context="rcp85_h1")
    assert test.selectbox(key="control-track").value == "rcp85"
    assert test.selectbox(key="control-track").options == ["Scénario RCP4.5", "Scénario RCP8.5"]
    assert "2021-2050" in str(test.get_by_key("control-context").proto)
    assert "Une seule simulation" in texts(test)


def test_a_demonstration_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(write_release(tmp_path, synthetic=True)))
    test = Page(tmp_path).open()
    assert [warning.value for warning in test.warning] == [SYNTHETIC]


def test_a_real_release_is_not_announced_as_a_demonstration(page: Page) -> None:
    assert not page.open().warning


def test_without_a_release_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    test = Page(tmp_path).open()
    assert not test.exception
    assert "Aucune version n'est publiée." in texts(test)
    assert "make mart" in texts(test)


@pytest.mark.parametrize("broken", ["climart.duckdb", "release.json"])
def test_an_unreadable_release_is_named(own_page: Page, broken: str) -> None:
    (own_page.root / "releases" / VERSION / broken).write_bytes(b"not what it should be")
    test = own_page.open(lang="en")
    assert not test.exception
    assert "cannot be read" in texts(test)
    assert VERSION in texts(test)
    assert not highest(test)


def test_a_session_stays_on_its_release(own_page: Page) -> None:
    test = own_page.open()
    (own_page.root / "releases" / "stable").unlink()
    test.selectbox(key="control-kind").select("commune").run()
    assert not test.exception
    assert len(highest(test)) == 4


def test_stable_never_leads_outside_the_releases(own_page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "2026.99.0"
    elsewhere.mkdir()
    link = own_page.root / "releases" / "stable"
    link.unlink()
    link.symlink_to(elsewhere)
    with pytest.raises(data.UnreadableRelease, match=r"2026\.99\.0"):
        data.open_release(data.stable_folder())
    assert paths.releases() in data.stable_folder().parents


def test_a_dataset_that_one_indicator_lacks_is_taken_again_by_the_next(page: Page) -> None:
    """Very hot days have two datasets in this release, summer rain one."""
    asked = {"dataset": "drias_2020", "track": "rcp85", "context": "rcp85_h1"}
    test = page.open(indicator="tx35", **asked)
    test.selectbox(key="control-theme").select("rain").run()
    assert test.query_params["dataset"] == "tracc"
    test.selectbox(key="control-theme").select("heat").run()
    assert {name: test.query_params[name] for name in asked} == asked
