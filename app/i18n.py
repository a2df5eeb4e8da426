"""The words of the dashboard: one YAML file per language in ``locales/``, the same keys in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import yaml

Lang = Literal["fr", "en"]
LANGUAGES: Final[tuple[Lang, ...]] = ("fr", "en")
LOCALES: Final = Path(__file__).resolve().parent / "locales"


@dataclass(frozen=True)
class Words:
    """The texts of one language. ``words("map.france", name="Savoie", value="2")`` fills the text's braces."""

    lang: Lang
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text of ``key``. Raises KeyError: a missing text is a fault of ours, held by a test."""
        text = self.texts[key]
        return text.format(**values) if values else text

    def known(self, group: str, code: str) -> str:
        """The words of a code that the release gives (a kind, a reason); the code itself if it is newer than we are."""
        return self.texts.get(f"{group}.{code}", code)

    def own(self, french: str, english: str) -> str:
        """The one of two texts that is in this language (labels that the release itself carries)."""
        return french if self.lang == "fr" else english


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """``{"a": {"b": "x"}}`` as ``("a.b", "x")``."""
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name}.")
        else:
            yield name, str(value)


@lru_cache
def words(lang: Lang) -> Words:
    """The texts of a language."""
    tree = yaml.safe_load((LOCALES / f"{lang}.yml").read_text(encoding="utf-8"))
    return Words(lang, dict(flatten(tree)))
