"""The files of a dataset that play a part of their own (a perimeter, a grid of people), told apart by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from climart.errors import UserError

# What a shapefile is made of, besides the .shp that names it.
COMPANIONS = {".dbf", ".shx", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".qmd"}


def by_part(paths: Sequence[Path], patterns: Mapping[str, str]) -> tuple[list[Path], dict[str, Path]]:
    """The main files, and the one file of each part whose pattern a name matches.

    A pattern for ``main`` keeps the main files that it matches and leaves the others out. Raises UserError where two
    files match a part, or no main file is left.
    """
    parts: dict[str, Path] = {}
    main: list[Path] = []
    for path in paths:
        if path.suffix.lower() in COMPANIONS or path.name.endswith(".shp.xml"):
            continue
        part = next(
            (part for part, pattern in patterns.items() if fnmatch(path.name.lower(), pattern.lower())), "other"
        )
        if part == "main" or (part == "other" and "main" not in patterns):
            main.append(path)
        elif part == "other":
            continue
        elif part in parts:
            raise UserError(f"{path.name} and {parts[part].name} both match {patterns[part]!r} ({part}): give one.")
        else:
            parts[part] = path
    if not main:
        raise UserError(
            f"none of {', '.join(path.name for path in paths)} is a main file ({patterns.get('main', '*')})."
        )
    return main, parts
