"""The walls of the architecture: who may import whom."""

from __future__ import annotations

import ast
import socket

import pytest

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


NETWORK = {"requests", "urllib3", "urllib.request", "http.client", "httpx", "aiohttp", "socket", "cdsapi", "ftplib"}


def test_tests_stay_on_loopback() -> None:
    for reach in (
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),  # TEST-NET-1, RFC 5737
        lambda: socket.create_connection(("producer.invalid", 80), timeout=1),
    ):
        with pytest.raises(AssertionError, match="tests stay on loopback"):
            reach()


def test_nothing_is_fetched_at_display_time() -> None:
    """The dashboard and the releases have no means of reaching a producer."""
    n_seen = 0
    for room in ("app", "mart"):
        for path in sorted((paths.PROJECT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                n_seen += len(names)
                reaching = {n for n in names if any(n == lib or n.startswith(f"{lib}.") for lib in NETWORK)}
                assert not reaching, f"{path.relative_to(paths.PROJECT)} imports {sorted(reaching)}"
    assert n_seen > 20  # the scan found something
