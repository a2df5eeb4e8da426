"""Numbers, units and dates as they are read."""

from __future__ import annotations

from datetime import date

import pytest

from app.formats import Measure, bare, day_of_year, long_date, number, quantity, rounded
from app.i18n import Lang, words

FR, EN = words("fr"), words("en")


@pytest.mark.parametrize(
    ("value", "decimals", "french", "english"),
    [
        (1234.5, 1, "1\u202f234,5", "1,234.5"),
        (-3.24, 1, "−3,2", "−3.2"),
        (-0.04, 1, "0,0", "0.0"),
        (1234567, 0, "1\u202f234\u202f567", "1,234,567"),
    ],
)
def test_number_in_both_languages(value: float, decimals: int, french: str, english: str) -> None:
    assert (number(value, decimals, FR), number(value, decimals, EN)) == (french, english)


def test_a_sign_is_shown_for_changes_and_never_on_nothing() -> None:
    assert [number(value, 0, FR, signed=True) for value in (2, -2, 0)] == ["+2", "−2", "0"]


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "shown"),
    [
        (2.5, "d/yr", 0, 3),  # halves go away from zero
        (-2.5, "d/yr", 0, -3),
        (94.6, "mm", 0, 95),
        (146.0, "mm", 0, 150),  # to the ten from 100 on
        (-125.0, "mm", 0, -130),
        (12.34, "°C", 1, 12.3),
    ],
)
def test_rounded_to_what_a_person_would_say(value: float, unit: str, decimals: int, shown: float) -> None:
    assert rounded(value, unit, decimals) == pytest.approx(shown)


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "measure", "lang", "text"),
    [
        (22.3, "d/yr", 0, "level", "fr", "22\u00a0jours/an"),
        (1.2, "d/yr", 0, "level", "fr", "1\u00a0jour/an"),
        (0.2, "d/yr", 0, "level", "fr", "<\u00a01\u00a0jour/an"),  # not nothing
        (0.0, "d/yr", 0, "level", "en", "0\u00a0days/year"),
        (1.0, "d/yr", 0, "level", "en", "1\u00a0day/year"),
        (3.24, "°C", 1, "change", "fr", "+3,2\u00a0°C"),
        (-4.0, "%", 0, "change", "fr", "−4\u00a0points"),
        (89.6, "DOY", 0, "level", "fr", "31 mars"),
        (-9.7, "DOY", 0, "change", "fr", "−10\u00a0jours"),
    ],
)
def test_quantity(value: float, unit: str, decimals: int, measure: Measure, lang: Lang, text: str) -> None:
    assert quantity(value, unit, decimals, measure, words(lang)) == text


def test_a_small_change_is_no_change() -> None:
    assert bare(0.2, "d/yr", 0, "change", FR) == "0"


@pytest.mark.parametrize(
    ("day", "french", "english"),
    [
        (1, "1er janvier", "1 January"),
        (90, "31 mars", "31 March"),
        (0, "31 décembre", "31 December"),  # of the year before
        (-9, "22 décembre", "22 December"),
        (366, "1er janvier", "1 January"),  # of the year after
    ],
)
def test_day_of_year(day: float, french: str, english: str) -> None:
    assert (day_of_year(day, FR), day_of_year(day, EN)) == (french, english)


def test_long_date() -> None:
    assert long_date(date(2026, 11, 21), FR) == "21 novembre 2026"
