"""The walls of the architecture: who may import whom."""

from __future__ import annotations

import ast

from climart import paths

ROOMS = ("climart", "ingest", "mart", "app")
SHARED = {"climart.paths", "climart.errors", "climart.files", "climart.spreadsheet"}
MAY_IMPORT = {"ingest": {"ingest"}, "mart": {"mart"}, "app": {"app"}}


def imports_of(room: str) -> dict[str, set[str]]:
    found = {}
    for path in sorted((paths.PROJECT / room).rglob("*.py")):
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= (
                    {f"{node.module}.{alias.name}" for alias in node.names} if node.module in ROOMS else {node.module}
                )
        found[str(path.relative_to(paths.PROJECT))] = {n for n in names if n.split(".")[0] in ROOMS}
    return found


def test_each_room_imports_only_itself_and_the_shared_modules() -> None:
    n_seen = 0
    for room, allowed in MAY_IMPORT.items():
        for path, names in imports_of(room).items():
            n_seen += len(names)
            foreign = {
                name
                for name in names
                if name.split(".")[0] not in allowed and not any(name.startswith(s) for s in SHARED)
            }
            assert not foreign, f"{path} imports {sorted(foreign)}"
    assert n_seen > 20  # the scan found something


def test_shared_modules_import_nothing_of_ours() -> None:
    found = imports_of("climart")
    for name in SHARED:
        assert found[name.replace(".", "/") + ".py"] == set()
