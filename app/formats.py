"""Numbers as a person reads them: « 1 234,5 », « −3,2 °C », « 31 mars ». No false precision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from math import floor
from typing import Final, Literal

from app.i18n import Words

Measure = Literal["level", "change"]

NARROW_SPACE: Final = "\u202f"
NO_BREAK_SPACE: Final = "\u00a0"
MINUS: Final = "−"
# Units that are days counted from a date: the figure is read as a date.
DATE_STARTS: Final[Mapping[str, date]] = {"DOY": date(2001, 1, 1), "d since 1 Aug": date(2001, 8, 1)}


def rounded(value: float, unit: str, decimals: int) -> float:
    """The value at the precision that is shown: ``decimals``, but millimetres to the ten from 100 on.

    Halves go away from zero, as a reader expects (2.5 days are 3 days).
    """
    step = 10.0 if unit == "mm" and abs(value) >= 100 else 10.0**-decimals
    steps = floor(abs(value) / step + 0.5 + 1e-9)
    return (steps if value >= 0 else -steps) * step


def number(value: float, decimals: int, words: Words, signed: bool = False) -> str:
    """``1234.5`` as « 1 234,5 » (narrow no-break space) or "1,234.5"; a real minus sign; ``signed`` adds the plus."""
    body = f"{abs(value):,.{decimals}f}"
    if words.lang == "fr":
        body = body.replace(",", NARROW_SPACE).replace(".", ",")
    is_zero = not body.strip("0.,")
    sign = "" if is_zero else MINUS if value < 0 else "+" if signed else ""
    return sign + body


def is_date(unit: str, measure: Measure) -> bool:
    """Whether a figure is read as a date: the level of a unit that counts days from one."""
    return unit in DATE_STARTS and measure == "level"


def compact(value: float, words: Words) -> str:
    """A large amount at three figures: « 513 M », « 2,65 Md », « 12,3 k »; below ten thousand as it is."""
    for size, name in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if abs(value) >= size and abs(value) >= 1e4:
            scaled = value / size
            decimals = 0 if abs(scaled) >= 99.5 else 1 if abs(scaled) >= 9.95 else 2
            return with_unit(number(scaled, decimals, words), words(f"amounts.{name}"))
    return number(value, 0, words)


def day_of_year(value: float, words: Words, unit: str = "DOY") -> str:
    """Day 90 as « 31 mars ». Day 1 is the unit's first day; 0 and less fall before it."""
    day = DATE_STARTS[unit] + timedelta(days=floor(value + 0.5) - 1)
    first = "first" if day.day == 1 else "other"
    return words(f"dates.{first}", day=day.day, month=words(f"months.{day.month}"))


def bare(value: float, unit: str, decimals: int, measure: Measure, words: Words) -> str:
    """The number without its unit; a date stands for itself. A level that is small but not nothing is « < 1 »."""
    if is_date(unit, measure):
        return day_of_year(value, words, unit)
    shown = rounded(value, unit, decimals)
    if measure == "level" and shown == 0 and value > 0:
        smallest: float = 10.0**-decimals
        return f"<{NO_BREAK_SPACE}{number(smallest, decimals, words)}"
    return number(shown, decimals, words, signed=measure == "change")


def unit_form(unit: str, form: str, words: Words) -> str:
    """A form of a unit (level, level_one, change, change_one, export); the unit as it is if it is newer than we are."""
    return words.texts.get(f"units.{unit}.{form}", unit)


def unit_words(unit: str, measure: Measure, words: Words, value: float | None = None) -> str:
    """The unit in words, singular where the language wants it (French: below 2; English: 1). A date has none."""
    form = "change" if measure == "change" else "level"
    if value is not None:
        size = abs(value)
        single = size < 2 if words.lang == "fr" else size == 1
        form += "_one" if single else ""
    return unit_form(unit, form, words)


def with_unit(text: str, unit_text: str) -> str:
    """A number and its unit, never broken over two lines."""
    return f"{text}{NO_BREAK_SPACE}{unit_text}".rstrip(NO_BREAK_SPACE)


def quantity(value: float, unit: str, decimals: int, measure: Measure, words: Words) -> str:
    """The number with its unit in words: « 22 jours/an », « +3,2 °C », « 31 mars »."""
    shown = rounded(value, unit, decimals)
    return with_unit(bare(value, unit, decimals, measure, words), unit_words(unit, measure, words, shown))


def long_date(when: date, words: Words) -> str:
    """« 21 novembre 2026 »."""
    first = "first" if when.day == 1 else "other"
    return f"{words(f'dates.{first}', day=when.day, month=words(f'months.{when.month}'))} {when.year}"
