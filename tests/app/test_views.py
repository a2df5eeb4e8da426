"""Every view in both languages on each kind of release, and in each view what its reader does."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import get_args

import duckdb
import pandas as pd
import pytest
import yaml
from streamlit.testing.v1 import AppTest

from app import data, portfolio, session, state
from app.i18n import LANGUAGES, Lang, words
from app.state import VIEWS, View
from mart import join
from tests.app.conftest import APP, VERSION, Page
from tests.app.test_pages import texts
from tests.conftest import Mart

BOTH = pytest.mark.parametrize("lang", LANGUAGES)
EVERY = pytest.mark.parametrize("view", VIEWS)


def opens(root: Path, view: View, lang: Lang, monkeypatch: pytest.MonkeyPatch, **params: str) -> AppTest:
    """The view, which stands without an error, in its language, with its release named."""
    monkeypatch.setenv("CLIMART_DATA", str(root))
    test = Page(root).open(view=view, lang=lang, **params)
    assert not test.exception
    assert not test.error
    spoken = words(lang)
    said = texts(test)
    assert f"**{spoken(f'views.{view}')}**" in said
    assert spoken("foot.hazard") in said
    return test


@BOTH
@EVERY
def test_every_view_opens_on_the_tiny_release(
    tiny: Path, view: View, lang: Lang, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = opens(tiny, view, lang, monkeypatch, territory="commune:01001", other="commune:02001")
    assert VERSION in texts(test)


@BOTH
@EVERY
def test_every_view_opens_on_the_sample(
    sample_mart: Mart, view: View, lang: Lang, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens(sample_mart.root, view, lang, monkeypatch, territory="commune:73065", other="departement:73")


@pytest.mark.real_data
@BOTH
@EVERY
def test_every_view_opens_on_the_national_release(
    national_mart: Mart, view: View, lang: Lang, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens(national_mart.root, view, lang, monkeypatch, kind="commune", territory="commune:73065", other="massif:10")


@pytest.mark.parametrize("kind", ["massif", "massif_band", "ski_area", "region"])
def test_the_sample_opens_on_kinds_that_few_indicators_have(
    sample_mart: Mart, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(sample_mart.root))
    test = Page(sample_mart.root).open()
    options = test.selectbox(key="control-kind").options
    label = words("fr").known("kinds", kind)
    if label not in options:
        assert (kind,) not in sample_mart.query("select distinct kind from dim_territory")
        return
    test.selectbox(key="control-kind").select(kind).run()
    assert not test.exception
    assert test.query_params["kind"] == kind


@EVERY
def test_a_deep_link_reopens_its_view(page: Page, view: View) -> None:
    address = {
        "view": view, "lang": "en", "kind": "commune", "caisse": "caisse:est", "indicator": "rr_jja",
        "dataset": "tracc", "weighting": "area",
        "track": "warming_level", "context": "rwl20", "against": "rwl40", "measure": "change",
        "pair": "territories", "territory": "commune:01001", "other": "commune:02001",
    }  # fmt: skip
    test = page.open(**address)
    assert not test.exception
    assert {name: one if isinstance(one, str) else one[0] for name, one in test.query_params.items()} == address
    assert not test.info  # nothing was refused


def test_navigation_keeps_what_was_chosen(page: Page) -> None:
    test = page.open(kind="commune", indicator="rr_jja", context="rwl20")
    for view in reversed(VIEWS):
        test.button(key=f"view-{view}").click().run()
        assert not test.exception
        assert (test.query_params["view"], test.query_params["indicator"]) == (view, "rr_jja")
    assert test.selectbox(key="control-kind").value == "commune"


def test_a_territory_that_does_not_exist_is_said(page: Page) -> None:
    test = page.open(view="territoire", territory="commune:99999")
    assert "« commune:99999 » n'existe pas pour le territoire" in "\n".join(one.value for one in test.info)
    assert "territory" not in test.query_params


def test_every_code_of_the_sample_has_its_words(sample_mart: Mart) -> None:
    """A reason, kind or unit that the app does not know would be shown as it is written in the release."""
    asked = {
        "reasons": "select reason from fct_indicator union select reason from fct_exposure union "
        "select reason from fct_score union select reason from fct_class union select reason from dim_territory",
        "kind": "select kind from dim_territory",
        "kinds": "select kind from dim_territory",
        "methods": "select method from fct_indicator union select geometry_method from dim_territory",
        "weightings": "select weighting from fct_indicator union select mode from fct_score",
        "status": "select validation_status from dim_dataset",
        "hazards": "select hazard from dim_indicator union select score_id from dim_hazard",
    }
    texts_fr = words("fr").texts
    for group, query in asked.items():
        codes = {str(code) for (code,) in sample_mart.query(query) if code is not None}
        assert codes, group
        assert {code for code in codes if f"{group}.{code}" not in texts_fr} == set(), group


def test_a_choice_has_one_value_per_territory(sample_mart: Mart) -> None:
    """Of every score, on both axes (its reference is one of each), and of every measure of exposure: never two rows."""
    release = data.open_release(sample_mart.release)
    catalogue, places = release.catalogue, release.places("commune")
    offered = sorted(o for o in catalogue.offered if o[1].startswith((data.SCORE, data.EXPOSURE)))
    assert {o[1].partition(":")[0] for o in offered} == {"score", "exposure"}
    axes = {"ref": ("warming_level", "emission")}
    for dataset, indicator, context, weighting in offered:
        for axis in axes.get(context, (catalogue.contexts[context].axis,)):
            selection = data.Selection(indicator, dataset, context, weighting, axis)
            assert len(release.figures("commune", selection)) == len(places), selection
            if indicator.startswith(data.SCORE):
                assert len(release.classes("commune", selection)) == len(places), selection
    release.connection.close()


def test_a_portfolio_is_counted_by_score_on_the_sample(sample_mart: Mart, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores are what the portfolio opens with: every amount is in a class, or said to be in none."""
    monkeypatch.setenv("CLIMART_DATA", str(sample_mart.root))
    test = Page(sample_mart.root).open(view="portefeuille")
    test.file_uploader[0].set_value(("livre.csv", b"code;encours\n73065;1000,50\n75101;200\n99999;1\n", "text/csv"))
    test.run()
    assert not test.exception
    tables = [str(one.proto.body) for one in test.html if 'class="figures heat"' in one.proto.body]
    worse = sample_mart.query("select count(*) from dim_hazard where high_is = 'worse'")[0][0]
    unstudied = next(one.value for one in test.caption if one.value.startswith("Non étudié là où sont les montants"))
    assert len(tables) + len(unstudied.split(", ")) == worse
    for table in tables:  # down each column, the shares of the matched amounts are the whole
        rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(<th scope.*?)</tr>", table)]
        for cells in zip(*rows, strict=True):
            shares = [re.search(r"<small>(\d+)", cell) for cell in cells]
            assert 98 <= sum(int(share.group(1)) for share in shares if share) <= 101, table


def test_a_portfolio_is_matched_as_the_join_kit_does(sample_mart: Mart, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = ["73065", "1001", " 75101 ", "COMMUNE:69123", "99999", "", "2A004", "01039", "14697", "69381", "73999"]
    codes += [
        str(code) for (code,) in sample_mart.query("select code from dim_commune_crosswalk order by code limit 60")
    ]
    points = [("45.57", "5.92"), ("5.92", "45.57"), ("0", "0"), ("91", "2"), ("48.0", "-30"), ("x", "1"), ("", "")]
    monkeypatch.setenv("CLIMART_DATA", str(sample_mart.root))
    release = data.open_release(sample_mart.release)
    places = release.places("commune")
    known = portfolio.directory(places["code"].tolist(), release.outlines("commune"), release.former_codes())
    rows, causes = portfolio.code_rows(pd.Series(codes), known)
    mine = [None if row < 0 else places["territory_id"][row] for row in rows]
    theirs = join.join(pd.DataFrame({"code": codes}), "code", indicators=["tx35"]).table
    assert mine == [
        None if why in ("blank_code", "unknown_code", "ambiguous_split", "abolished") else name
        for name, why in zip(
            theirs["climart_territory_id"].to_pylist(), theirs["climart_cause"].to_pylist(), strict=True
        )
    ]
    # A commune without values is matched here: what it lacks is said by indicator.
    said = [None if cause == portfolio.MATCHED else cause for cause in causes]
    assert said == [
        None if why in ("no_geometry", "outside_grid") else why for why in theirs["climart_cause"].to_pylist()
    ]
    latitudes, longitudes = (portfolio.numbers(pd.Series([point[axis] for point in points])) for axis in (0, 1))
    rows, causes, swapped = portfolio.point_rows(latitudes, longitudes, known)
    theirs = join.join(pd.DataFrame(points, columns=["lat", "lon"]), "lat,lon", indicators=["tx35"]).table
    mine = [None if row < 0 else places["territory_id"][row] for row in rows]
    assert mine == theirs["climart_territory_id"].to_pylist()
    assert mine[0] and mine[0] == mine[1] and swapped == 1
    release.connection.close()


# ---------------------------------------------------------------- what a reader does


def test_territoire_finds_a_place_by_its_name(page: Page) -> None:
    test = page.open(view="territoire")
    assert "Chercher un territoire" in texts(test)
    test.text_input(key="find-territory").input("petit bourg").run()
    (box,) = [one for one in test.selectbox if str(one.key).startswith("found-territory")]
    assert box.options == ["Petit-Bourg · Commune 01002"]
    box.select("commune:01002").run()
    assert not test.exception
    assert test.subheader[0].value == "Petit-Bourg (01)"
    said = texts(test).replace("\u00a0", " ")
    assert "Jours très chauds : 1 jour/an à la référence, 22 jours/an à +4 °C (2100)" in said
    assert "entre 20 et 25 selon 17 simulations" in said
    assert "Le contour de ce territoire est approché." in said
    assert "Cette version ne contient ni événements passés ni exposition." in said


def test_territoire_shows_a_hostile_name_as_text(page: Page) -> None:
    test = page.open(view="territoire", territory="commune:02001")
    assert not test.exception
    assert test.subheader[0].value == "<script>alert(1)</script> (02)"
    assert not [one for one in test.html if "<script" in one.proto.body]


def test_territoire_without_outline_gives_its_reason(page: Page) -> None:
    said = texts(page.open(view="territoire", territory="commune:03002"))
    assert "Aucune valeur pour ce territoire : non étudié (contour inconnu)." in said


def test_comparer_lists_the_indicators_whose_class_changes(page: Page) -> None:
    test = page.open(view="comparer", territory="departement:01")
    assert test.selectbox(key="control-against").value == "ref"
    said = unescape(texts(test)).replace("\u00a0", " ")
    # Ain: 1 → 22 very hot days (1 to 2 → 20 to 30), 200 → 150 mm (180 and more → 140 to 180), day 100 → 90.
    assert "Indicateurs dont la classe change : Ain" in said
    assert {"20 à 30", "180 et plus", "140 à 180"} <= set(re.findall(r"<small>(.*?)</small>", said))
    test.selectbox(key="control-against").select("rwl40").run()
    assert [one.value for one in test.info] == ["Choisir deux contextes différents."]


def test_comparer_sets_two_territories_on_one_scale(page: Page) -> None:
    test = page.open(view="comparer", pair="territories", territory="departement:01", other="departement:02")
    assert test.subheader[0].value == "Ain et Aisne"
    assert len([one for one in test.html if "data:image/svg" in one.proto.body]) >= 3


def test_classement_filters_and_sorts(page: Page) -> None:
    test = page.open(view="classement", kind="commune", indicator="rr_jja")

    def names() -> list[str]:
        table: pd.DataFrame = test.dataframe[0].value
        return list(table.iloc[:, 0])

    assert names() == ["Bourg (01)", "Petit-Bourg (01)", "<script>alert(1)</script> (02)", "=1+1 (03)"]
    test.segmented_control(key="ranking-order").set_value("lowest").run()
    assert names()[0] == "=1+1 (03)"
    test.text_input(key="ranking-name").input("BOURG").run()
    assert names() == ["Bourg (01)", "Petit-Bourg (01)"]
    test.text_input(key="ranking-name").input("").run()
    test.checkbox(key="ranking-agreed").check().run()  # Aisne: 9 runs of 17
    assert "<script>alert(1)</script> (02)" not in names()
    test.text_input(key="ranking-name").input("nowhere").run()
    assert [one.value for one in test.info] == ["Aucun territoire ne répond à ces filtres. En retirer un."]


BOOK = "Code commune;Encours;Libellé\n01001;1 000,60;a\n1002;200;b\n99999;5;c\n02001;-3;d\n02001;x;e\n03001;400;=1+1\n"


def test_portefeuille_counts_every_line_and_amount(page: Page) -> None:
    test = page.open(view="portefeuille")
    assert "Votre fichier reste en mémoire" in texts(test)
    test.file_uploader[0].set_value(("livre.csv", BOOK.encode("cp1252"), "text/csv")).run()
    assert not test.exception
    said = unescape(texts(test)).replace("\u202f", " ").replace("\u00a0", " ")
    lines = dict(re.findall(r'<tr[^>]*><th scope="row">([^<]*)</th><td>([^<]*)</td><td>[^<]*</td></tr>', said))
    assert lines["Reconnues"] == "3" and lines["Code commune inconnu"] == "1" and lines["Tout le fichier"] == "6"
    assert lines["Montant négatif"] == "1" and lines["Montant illisible"] == "1"
    # 1 200.6 in the two communes of Ain (20 to 30 days at +4 °C), 400 in the one of Allier (below 1).
    heat = next(str(one.proto.body) for one in test.html if "Jours très chauds" in one.proto.body)
    row = re.search(r"20 à 30</th>(.*?)</tr>", heat)
    assert row and re.findall(r">([^<>]+)<br><small>(\d+)", row.group(1).replace("\u202f", " "))[-1] == ("1 201", "75")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", "vide"),
        ("a.csv", b"a;b\n1;2\n", "codes communes"),
        ("a.xlsx", b"a;b\n1;2\n", "XLSX"),
        ("a.csv", b"," * 10_000_000, "colonnes"),
        ("a.csv", ";".join(f"c{n}" for n in range(300)).encode() + b"\n", "300 colonnes"),
    ],
)
def test_portefeuille_refuses_in_words_and_goes_on(page: Page, name: str, content: bytes, expected: str) -> None:
    test = page.open(view="portefeuille")
    test.file_uploader[0].set_value((name, content, "text/csv")).run()
    assert not test.exception
    assert expected in " ".join([*(one.value for one in test.error), texts(test)])
    test.file_uploader[0].set_value(("livre.csv", BOOK.encode(), "text/csv")).run()
    assert not test.exception and not test.error
    assert "Montants par aléa, classe et contexte" in texts(test)


def test_methode_searches_the_dictionary(page: Page) -> None:
    test = page.open(view="methode")
    test.text_input(key="method-search").input("gelée").run()
    assert not test.exception
    said = texts(test)
    assert "Dernière gelée" in said and "Jours très chauds" not in said
    test.text_input(key="method-search").input("agreement").run()
    assert list(test.dataframe[0].value.iloc[:, 1]) == ["agreement"]


# ---------------------------------------------------------------- sign-in


def test_before_signing_in_nothing_is_read(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("the release was opened before the sign-in")

    test = AppTest.from_file(str(APP), default_timeout=30)
    test.secrets["auth"] = {"redirect_uri": "http://localhost/oauth2callback", "cookie_secret": "x"}
    monkeypatch.setattr(session, "release", opened)
    test.run()
    assert not test.exception
    assert [one.label for one in test.button] == ["S'identifier"]
    assert not test.get("bidi_component")


# ---------------------------------------------------------------- an older release, a newer one


def test_a_release_without_runs_says_so(own_page: Page) -> None:
    with duckdb.connect(str(own_page.root / "releases" / VERSION / "climart.duckdb")) as connection:
        connection.execute("drop table fct_indicator_run; alter table fct_indicator drop column robustness")
        connection.execute("alter table dim_territory drop column population")
    test = own_page.open(view="territoire", territory="commune:01001")
    assert not test.exception
    assert "Les simulations de cet indicateur ne sont pas connues une à une." in texts(test)
    test = own_page.open(view="comparer", kind="commune")
    assert not test.exception
    assert "ne contient pas les simulations une à une" in " ".join(one.value for one in test.info)


def test_a_second_weighting_and_a_new_kind_are_offered(own_page: Page) -> None:
    with duckdb.connect(str(own_page.root / "releases" / VERSION / "climart.duckdb")) as connection:
        connection.execute(
            "insert into fct_indicator select * replace ('people' as weighting, q50 + 1 as q50) from fct_indicator "
            "where weighting = 'area' and indicator_id = 'tx35' and dataset_id = 'tracc'"
        )
        connection.execute("update dim_territory set kind = 'hamlet' where territory_id = 'commune:01002'")
    test = own_page.open(kind="hamlet", weighting="people")
    assert not test.exception
    assert "hamlet" in test.selectbox(key="control-kind").options
    assert test.selectbox(key="control-weighting").value == "people"


def test_a_source_that_could_not_be_refreshed_is_said(own_page: Page) -> None:
    with duckdb.connect(str(own_page.root / "releases" / VERSION / "climart.duckdb")) as connection:
        connection.execute("alter table dim_dataset add column fetched_at timestamptz")
        connection.execute("alter table dim_dataset add column is_stale boolean")
        connection.execute("alter table dim_dataset add column stale_reason varchar")
        connection.execute(
            "update dim_dataset set is_stale = true, stale_reason = 'unreachable', "
            "fetched_at = '2026-05-12 10:00:00+00' where dataset_id = 'tracc'"
        )
    said = "Cette source n'a pas pu être actualisée (le producteur ne répond pas)."
    test = own_page.open(dataset="tracc")
    assert next(one.value for one in test.warning if one.value.startswith(said)).endswith("du 12 mai 2026.")
    assert not [one for one in own_page.open(dataset="drias_2020").warning if one.value.startswith(said)]
    assert said in unescape(texts(own_page.open(view="methode")))


def test_the_query_to_paste_is_that_of_what_is_shown(sample_mart: Mart, monkeypatch: pytest.MonkeyPatch) -> None:
    """An indicator, a score, a measure of exposure: each query runs on the release and gives départements."""
    monkeypatch.setenv("CLIMART_DATA", str(sample_mart.root))
    for indicator in ("tx35", "score:heat", "exposure:catnat_n_total"):
        test = Page(sample_mart.root).open(view="methode", indicator=indicator)
        sql = next(one.value for one in test.code if one.language == "sql")
        found = sample_mart.query(sql)
        assert len(found) > 90 and str(found[0][0]).startswith("departement:"), indicator


# ---------------------------------------------------------------- the choice


def test_the_views_are_those_of_the_locale() -> None:
    assert set(VIEWS) == set(get_args(View))
    text = (APP.parent / "locales" / "fr.yml").read_text(encoding="utf-8")
    assert set(yaml.safe_load(text)["views"]) == set(VIEWS)


def test_a_kind_without_the_indicator_takes_another_and_back(page: Page) -> None:
    catalogue = data.open_release((page.root / "releases" / "stable").resolve()).catalogue
    chosen = replace(state.default(catalogue), kind="commune", indicator="rr_jja")
    fewer = replace(catalogue, studied=catalogue.studied - {("commune", "rr_jja")})
    assert state.of_kind(chosen, fewer).indicator == "tx35"
    assert state.of_indicator(chosen, fewer).kind == "departement"
