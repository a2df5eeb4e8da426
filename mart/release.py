"""Releases on disk: find, list, check, and move ``stable``."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from climart import paths
from climart.errors import UserError
from climart.files import atomic_text, sha256_of

VERSION = re.compile(r"\d{4}\.\d{1,2}\.\d+")


def folders() -> list[Path]:
    """Every release, oldest version first."""
    root = paths.releases()
    found = [path for path in root.iterdir() if VERSION.fullmatch(path.name)] if root.is_dir() else []
    return sorted(found, key=_order)


def _order(folder: Path) -> tuple[int, ...]:
    return tuple(map(int, folder.name.split(".")))


def stable() -> Path | None:
    """The folder that ``stable`` points to, resolved; None before the first release."""
    link = paths.releases() / "stable"
    return link.resolve(strict=True) if link.is_symlink() else None


def named(version: str) -> Path:
    """The folder of a version, or of ``stable``. Raises UserError if there is none."""
    folder = stable() if version == "stable" else paths.releases() / version
    if folder is None or (version != "stable" and not VERSION.fullmatch(version)) or not folder.is_dir():
        raise UserError(f"there is no release {version}. `climart releases` lists them.")
    return folder


def found(name: str) -> Path:
    """The release that a text names: a version, ``stable``, or a path to a release's folder."""
    path = Path(name)
    return path.resolve() if (path / "release.json").is_file() else named(name)


def describe(folder: Path) -> dict[str, Any]:
    """What ``release.json`` says. Raises UserError where the folder is no release."""
    path = folder / "release.json"
    if not path.is_file():
        raise UserError(f"{folder}: no release.json there. Expected the folder of a release.")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def roll_back(version: str | None = None) -> Path:
    """Point ``stable`` to ``version``, by default to the release before it; checked first. Returns its folder.

    Raises UserError where there is no such release, or its bytes have changed.
    """
    current = stable()
    if version is None:
        before = [folder for folder in folders() if current is not None and _order(folder) < _order(current)]
        if not before:
            raise UserError("there is no release before stable. `climart releases` lists them.")
        folder = before[-1]
    else:
        folder = named(version)
    if faults := verify(folder):
        raise UserError(f"release {folder.name} has changed, so stable stays:\n" + "\n".join(faults))
    make_stable(folder)
    return folder


def make_stable(folder: Path) -> None:
    """Point ``stable`` (a relative symlink, with ``stable.json`` beside it) to ``folder``, atomically."""
    root = paths.releases()
    with TemporaryDirectory(dir=root, prefix=".stable-") as scratch:
        link = Path(scratch) / "stable"
        link.symlink_to(folder.name)
        link.replace(root / "stable")
    atomic_text(root / "stable.json", json.dumps({"version": folder.name}) + "\n")


def write_checksums(folder: Path) -> None:
    """``SHA256SUMS`` of every file of a release, in the format of sha256sum."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    atomic_text(folder / "SHA256SUMS", "".join(lines))


def verify(folder: Path) -> list[str]:
    """What differs between a release and its ``SHA256SUMS``: empty if every byte is as it was published."""
    sums = folder / "SHA256SUMS"
    if not sums.is_file():
        raise UserError(f"{folder.name}: no SHA256SUMS there. Is it a release?")
    expected = {name: digest for digest, name in (line.split("  ", 1) for line in sums.read_text().splitlines())}
    present = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file() and p != sums}
    faults = [f"{name}: missing" for name in sorted(expected.keys() - present.keys())]
    faults += [f"{name}: not in SHA256SUMS" for name in sorted(present.keys() - expected.keys())]
    for name in sorted(expected.keys() & present.keys()):
        if sha256_of(present[name]) != expected[name]:
            faults.append(f"{name}: changed since it was published")
    return faults


def fsync_tree(folder: Path) -> None:
    """Make sure that every file of ``folder`` is on the disk before the folder gets its name."""
    for path in folder.rglob("*"):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
