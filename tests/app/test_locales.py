"""Every text in both languages, with the same places to fill; every word of the catalogue has its translation."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from string import Formatter

import yaml

from app import data, i18n, maps
from climart import paths

FR, EN = i18n.words("fr").texts, i18n.words("en").texts
SEED = paths.PROJECT / "dbt_project" / "seeds" / "indicators.csv"
EXPOSURE = SEED.with_name("exposure_measures.csv")
READ = {"dim_territory", "fct_indicator", "fct_exposure", "fct_score"}  # whose codes the views say in words
CONTRACTS = paths.PROJECT / "dbt_project" / "models" / "marts" / "_marts.yml"


def catalogue() -> list[dict[str, str]]:
    with SEED.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    assert len(FR) > 100
    assert FR.keys() == EN.keys()
    assert {key for key in FR if places(FR[key]) != places(EN[key])} == set()


def test_every_unit_theme_hazard_and_ramp_of_the_catalogue_is_known() -> None:
    rows = catalogue()
    assert len(rows) > 10
    assert {f"units.{row['unit']}.level" for row in rows} <= FR.keys()
    assert {row["theme"] for row in rows} <= set(data.THEMES)
    assert {f"themes.{row['theme']}" for row in rows} <= FR.keys()
    assert {f"hazards.{row['hazard']}" for row in rows} <= FR.keys()
    assert {f"windows.{row['aggregation_window']}" for row in rows} <= FR.keys()
    assert {row["ramp"] for row in rows} <= maps.RAMPS.keys()


def test_every_unit_and_theme_of_the_exposure_measures_is_known() -> None:
    with EXPOSURE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 10
    assert {f"units.{row['unit']}.level" for row in rows} <= FR.keys()
    assert {f"themes.{row['theme']}" for row in rows} <= FR.keys()
    assert {row["ramp"] for row in rows} <= maps.RAMPS.keys()


def test_every_reason_and_kind_of_the_marts_has_words() -> None:
    accepted: dict[str, set[str]] = {"reason": set(), "kind": set(), "method": set(), "geometry_method": set()}
    for model in yaml.safe_load(CONTRACTS.read_text(encoding="utf-8"))["models"]:
        for column in model["columns"]:
            if column["name"] not in accepted or model["name"] not in READ:
                continue
            for test in column.get("data_tests", []):
                if isinstance(test, dict) and "accepted_values" in test:
                    accepted[column["name"]] |= set(test["accepted_values"]["arguments"]["values"])
    assert accepted["reason"] and accepted["kind"]
    assert {f"reasons.{reason}" for reason in accepted["reason"]} <= FR.keys()
    assert {f"kinds.{kind}" for kind in accepted["kind"]} <= FR.keys()
    assert accepted["kind"] <= set(data.KINDS)
    assert {f"kind.{kind}" for kind in accepted["kind"]} <= FR.keys()
    assert {f"methods.{name}" for name in accepted["method"] | accepted["geometry_method"]} <= FR.keys()


def test_every_text_that_the_code_names_exists_and_no_other() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in Path(i18n.__file__).parent.rglob("*.py"))
    named = set(re.findall(r'words\(\s*"([a-z_]+\.[a-z_.]+)"', code))
    assert len(named) > 100
    assert named <= FR.keys()
    # A text that no code and no release can name is dead. Groups are filled in by code: f"views.{view}".
    groups = set(re.findall(r'f["\']([a-z_]+(?:\.[a-z_]+)*)\.\{', code)) | set(
        re.findall(r"known\(\s*[\"']([a-z_]+)", code)
    )
    groups |= {"methods", "months"}  # named through a variable
    plain = set(re.findall(r"[\"']([a-z_]+\.[a-z_.]+)[\"']", code))
    dead = {key for key in FR if key not in plain and not any(key.startswith(f"{group}.") for group in groups)}
    assert dead == set()


def test_an_unknown_code_of_a_newer_release_is_shown_as_it_is() -> None:
    assert i18n.words("fr").known("reasons", "not_thought_of") == "not_thought_of"
