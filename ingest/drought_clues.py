"""Which département a drought-restriction order is of: the file does not say, but its numbers and names do.

An alert zone belongs to one département and an order is a département's, so orders that share a zone are of the same
one. The rules are data (``drought_clues.yml``); a guess is never forced.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CLUES = ("number", "framework", "file")  # the texts of an order, the strongest first
# Of the votes of orders that share zones; under it they disagree: three against one is enough, two against one is not.
MIN_AGREEMENT = 0.75
DEPARTEMENT = r"97[12346]|2[AB]|0[1-9]|1\d|2[1-9]|[3-8]\d|9[0-5]"
# A date goes on: 13 MARS 2023, 24-03-2023, 12 04 2023, 1 of 1er.
NO_DATE = r"(?!\d|[-_ ./]*(?:JANV|FEV|MARS|AVRIL|MAI|JUIN|JUIL|AOUT|SEPT|OCT|NOV|DEC)|[-_ ./]\d\d[-_ ./]\d)"


@dataclass(frozen=True)
class Order:
    """What an order writes of itself, and the zones that it is about. ``told``: the département that a column gives."""

    number: str
    framework: str
    file: str
    zones: frozenset[str]
    told: str | None = None


@dataclass(frozen=True)
class Owner:
    """The département of an order and what says so, or why there is none (``no_clue``, ``clues_disagree``)."""

    departement: str | None
    evidence: str | None = None  # column, number, framework, file, shared_zone
    reason: str | None = None


@dataclass(frozen=True)
class Told:
    """The départements that a text names: by code or by name, and by a name that is a river's too.

    ``shared``: it is of several départements, named or not.
    """

    surely: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()
    shared: bool = False


@dataclass(frozen=True)
class _Rules:
    versions: re.Pattern[str]
    codes: tuple[re.Pattern[str], ...]
    regions: re.Pattern[str]
    region_departements: Mapping[str, str]
    several: re.Pattern[str]
    shared: re.Pattern[str]
    of_rivers: re.Pattern[str]
    not_names: re.Pattern[str]
    names: tuple[tuple[re.Pattern[str], str], ...]  # the longest first: Lot-et-Garonne is not Lot
    rivers: frozenset[str]
    not_clues: frozenset[str]


def owners(orders: Mapping[str, Order]) -> dict[str, Owner]:
    """The owner of each order, by its id.

    The texts of all orders that share zones, through others too, speak together. A text that tells one département is
    a vote, one that tells several a choice: who is elected is in every choice. Where nobody votes, what all choices
    have in common is taken if it is one. What a column tells of an order holds for it, and is a vote for the others.
    """
    found: dict[str, Owner] = {}
    for members in _sharing_zones(orders):
        votes = {name: _votes(orders[name]) for name in members}
        choices = [choice for name in members for choice in _choices(orders[name])]
        departement = _elected(votes.values(), choices)
        for name in members:
            told_so = orders[name].told
            if told_so is not None:
                found[name] = Owner(told_so, "column")
            elif departement is not None:
                own = (clue for clue, vote in votes[name].items() if vote[0] == departement)
                found[name] = Owner(departement, next(own, "shared_zone"))
            else:
                found[name] = Owner(None, reason="clues_disagree" if any(votes.values()) or choices else "no_clue")
    return {name: found[name] for name in orders}


@cache
def told(text: str) -> Told:
    """What a text of an order says of its département."""
    rules = _rules()
    text = rules.versions.sub("", plain(text))
    listed = {code for found in rules.several.finditer(text) for code in re.split("[-/]", found[1])}
    named = listed | {found[1] for pattern in rules.codes for found in pattern.finditer(text)}
    named |= {rules.region_departements[found[1]] for found in rules.regions.finditer(text)}
    perhaps: set[str] = set()
    rest = rules.not_names.sub(" ", text)
    for pattern, code in () if rules.of_rivers.search(text) else rules.names:
        rest, n_found = pattern.subn(" ", rest)
        if n_found and code not in rules.not_clues:
            (perhaps if code in rules.rivers else named).add(code)
    return Told(frozenset(named), frozenset(perhaps), rules.shared.search(text) is not None)


def plain(text: str) -> str:
    """A text in capitals, without accents or spaces around it."""
    letters = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).upper().strip()


def departement_of(text: str) -> str | None:
    """The code that a cell gives as a code (6 for 06) or as a name; None where it is neither."""
    code = plain(text).zfill(2)
    if re.fullmatch(DEPARTEMENT, code):
        return code
    return {plain(name): known for name, known in names().items()}.get(plain(text))


def names() -> dict[str, str]:
    """The code of every département, by its name."""
    return dict(_content()["names"])


def _votes(order: Order) -> dict[str, tuple[str, bool]]:
    """By clue, the one département that it tells, and whether surely. A text of several départements has no vote."""
    if order.told:
        return {"column": (order.told, True)}
    votes: dict[str, tuple[str, bool]] = {}
    for clue in CLUES:
        said = told(getattr(order, clue))
        named = said.surely or said.perhaps
        if len(named) == 1 and not said.shared:
            votes[clue] = (next(iter(named)), bool(said.surely))
    return votes


def _choices(order: Order) -> list[frozenset[str]]:
    """The départements among which the owner is: of each text that tells several; of its number, shared or not."""
    if order.told:
        return []
    texts = [(clue, told(getattr(order, clue))) for clue in CLUES]
    return [
        said.surely or said.perhaps
        for clue, said in texts
        if len(said.surely) > 1 or (clue == "number" and said.shared and (said.surely or said.perhaps))
    ]


def _elected(votes: Iterable[dict[str, tuple[str, bool]]], choices: Sequence[frozenset[str]]) -> str | None:
    """Who has enough of the sure votes (of all, where none is sure) and is in every choice."""
    cast = [vote for of_order in votes for vote in of_order.values()]
    heard = [departement for departement, surely in cast if surely] or [departement for departement, _ in cast]
    possible = frozenset.intersection(*choices) if choices else None
    if not heard:
        alone = possible and len(possible) == 1 and all(len(choice) > 1 for choice in choices)
        return next(iter(possible)) if possible and alone else None
    departement, n_votes = Counter(heard).most_common(1)[0]
    enough = n_votes >= MIN_AGREEMENT * len(heard)
    return departement if enough and (possible is None or departement in possible) else None


def _sharing_zones(orders: Mapping[str, Order]) -> list[list[str]]:
    """Orders in groups: any two that share a zone are in the same one."""
    parent = {name: name for name in orders}

    def top(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    first: dict[str, str] = {}
    for name, order in orders.items():
        for zone in order.zones:
            parent[top(name)] = top(first.setdefault(zone, name))
    groups: dict[str, list[str]] = {}
    for name in orders:
        groups.setdefault(top(name), []).append(name)
    return list(groups.values())


@cache
def _content() -> dict[str, Any]:
    return dict(yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")))


@cache
def _rules() -> _Rules:
    content = _content()
    once = f"(?:{DEPARTEMENT})"

    def compiled(pattern: str, code: str = f"({DEPARTEMENT})") -> re.Pattern[str]:
        return re.compile(pattern.replace("<code>", code).replace("<bare>", code + NO_DATE))

    names = sorted(content["names"].items(), key=lambda item: -len(item[0]))
    return _Rules(
        versions=re.compile(content["versions"]),
        codes=tuple(compiled(rule["pattern"]) for rule in content["codes"]),
        regions=re.compile(content["regions"]["pattern"]),
        region_departements=content["regions"]["departements"],
        several=compiled(content["several"], once),
        shared=re.compile(content["shared"]),
        of_rivers=re.compile(content["of_rivers"]),
        not_names=re.compile("|".join(content["not_names"])),
        names=tuple((_name(name), code) for name, code in names),
        rivers=frozenset(content["rivers"]),
        not_clues=frozenset(content["not_clues"]),
    )


def _name(name: str) -> re.Pattern[str]:
    """A whole word, or words with anything but letters between them."""
    words = re.split(r"[^A-Z]+", plain(name))
    return re.compile(r"(?<![A-Z])" + r"[^A-Z0-9]{1,3}".join(words) + r"(?![A-Z])")
