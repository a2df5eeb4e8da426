"""Marts that several tests share: built once per session, whichever worker comes first."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from climart import paths
from tests.support import real_data

# A loaded machine is no defect: nothing is timed in a test, compiled functions' first call least of all.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """No test of this process reaches beyond loopback: it fails, and says where it wanted to go."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo
    own_names = {None, "", b"", "localhost", socket.gethostname()}

    def is_address(host: object) -> bool:
        try:
            ipaddress.ip_address(str(host).partition("%")[0])
        except ValueError:
            return False
        return True

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and self.type == socket.SOCK_STREAM:
            host = address[0]
            near = ipaddress.ip_address(host) if is_address(host) else None
            if host not in own_names and not (near and (near.is_loopback or near.is_unspecified)):
                raise AssertionError(f"a test reaches for {host}:{address[1]}; tests stay on loopback")
        connect(self, address)

    def guarded_resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in own_names and not is_address(host):
            raise AssertionError(f"a test asks for the address of {host}; tests stay on loopback")
        return resolve(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket, "getaddrinfo", guarded_resolve)
        yield


@dataclass(frozen=True)
class Mart:
    """A built and published data root."""

    root: Path
    said: dict[str, str]  # what each step printed

    @property
    def release(self) -> Path:
        return (self.root / "releases" / "stable").resolve()

    def row(
        self, territory: str, indicator: str, context: str, columns: str, weighting: str = "area"
    ) -> tuple[object, ...]:
        """Some columns of the one row of fct_indicator."""
        (found,) = self.query(
            f"select {columns} from fct_indicator "
            "where territory_id = ? and indicator_id = ? and context_id = ? and weighting = ?",
            [territory, indicator, context, weighting],
        )
        return found

    def query(self, sql: str, parameters: list[object] | None = None) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.release / "climart.duckdb"), read_only=True) as connection:
            return connection.execute(sql, parameters or []).fetchall()


def climart(root: Path, *arguments: object, code: int = 0) -> str:
    """Run the command line on a data root; its output. Fails unless it exits with ``code``."""
    done = subprocess.run(
        [sys.executable, "-m", "climart", *map(str, arguments)],
        env={**os.environ, "CLIMART_DATA": str(root), "COLUMNS": "200"},
        cwd=paths.PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, f"exit {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def tree_hash(folder: Path) -> dict[str, str]:
    """sha256 by relative path of every file under ``folder``."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _shared(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], dict[str, str]]) -> Mart:
    """A mart that all workers of the session read: the first to ask builds it, the others wait.

    With CLIMART_TEST_MARTS=folder it is kept there, and read again by the next session: whoever changes what marts are
    made of empties the folder.
    """
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    base = Path(os.environ.get("CLIMART_TEST_MARTS", base))
    root, said = base / name, base / f"{name}.json"
    with FileLock(base / f"{name}.lock"):
        if not said.exists():
            assert not root.exists(), f"the build of {name} failed in another test"
            root.mkdir()
            said.write_text(json.dumps(build(root)))
    return Mart(root, json.loads(said.read_text()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file of each shared mart first, so that two workers build one each; then what needs none; then the rest."""
    marts: dict[Path, set[str]] = {}
    for item in items:
        used = {"sample_mart", "national_mart"} & set(getattr(item, "fixturenames", ()))
        marts.setdefault(item.path, set()).update(used)
    first = {
        next((path for path, used in marts.items() if used == {name}), None): place
        for place, name in enumerate(("sample_mart", "national_mart"))
    }
    items.sort(key=lambda item: first.get(item.path, 2 + bool(marts[item.path])))


@pytest.fixture(scope="session")
def sample_mart(tmp_path_factory: pytest.TempPathFactory) -> Mart:
    """The mart of the embedded sample, built in two steps: without the last export, then with it."""
    return _shared(tmp_path_factory, "sample_mart", _build_sample)


def _build_sample(root: Path) -> dict[str, str]:
    said = {"sample": climart(root, "sample", root / "sample")}
    exports = sorted((root / "sample" / "drias").glob("*.txt"))
    massifs = root / "sample" / "massifs"
    said["territories"] = climart(
        root, "ingest", "territories", root / "sample" / "territories", "--massifs", massifs / "massifs.geojson"
    )
    zones = sorted((root / "sample" / "zones").iterdir())
    said["zones"] = climart(root, "ingest", "zones", *zones, "--source", "sample_zones")
    parcels = sorted((root / "sample" / "land").iterdir())
    said["land"] = climart(root, "ingest", "land", *parcels, "--source", "sample_rpg")
    raster = root / "sample" / "elevation" / "elevation.tif"
    climart(root, "ingest", "elevation", raster, "--source", "sample_elevation")
    said["netcdf"] = climart(root, "ingest", "netcdf", root / "sample" / "netcdf")
    said["observed"] = climart(root, "ingest", "observed", root / "sample" / "observed")
    climart(root, "ingest", "ski-areas", massifs / "ski_areas.csv", "--source", "sample_ski_areas")
    said["snow"] = climart(root, "ingest", "snow", root / "sample" / "snow")
    said["first ingest"] = climart(root, "ingest", "drias", *exports[:-1])
    said["first build"] = climart(root, "build")
    said["first publish"] = climart(root, "publish")
    said["second ingest"] = climart(root, "ingest", "drias", exports[-1])
    said["second build"] = climart(root, "build")
    said["second publish"] = climart(root, "publish")
    return said


@pytest.fixture(scope="session")
def national_mart(tmp_path_factory: pytest.TempPathFactory) -> Mart:
    """The national mart, from the 51 real TRACC exports, the 3 sound DRIAS-2020 ones and the real contours."""
    real_data()
    return _shared(tmp_path_factory, "national_mart", _build_national)


def _build_national(root: Path) -> dict[str, str]:
    data = real_data()
    return {
        "territories": climart(
            root, "ingest", "territories", data / "admin", "--massifs", data / "snow" / "massifs.shp"
        ),
        "zones": climart(
            root, "ingest", "zones", *(p for kind in ("csv", "json") for p in (data / "agriculture").glob(f"*.{kind}"))
        ),
        "ingest": climart(root, "ingest", "drias", data / "drias" / "tracc2023"),
        "drias2020": climart(root, "ingest", "drias", data / "drias" / "drias2020", "--skip-bad"),
        "catnat": climart(
            root, "ingest", "observed", "georisques_catnat_counts", data / "hazard" / "gazetteer_catnat.json.gz"
        ),
        "pprn": climart(root, "ingest", "observed", "anct_pprn", data / "hazard" / "pprn_communes_anct_2024.xlsx"),
        "flats": climart(
            root, "ingest", "observed", "dvf_flats", data / "exposure" / "gazetteer_dvf_communes_2023_2025.csv"
        ),
        "housing": climart(root, "ingest", "observed", "insee_iris_housing", data / "exposure" / "iris_2021.parquet"),
        "bdiff": climart(
            root, "ingest", "observed", "bdiff", data / "hazard" / "bdiff_incendies_2014_2024_france_entiere.csv"
        ),
        "drought": climart(
            root, "ingest", "observed", "drought_orders", data / "hazard" / "arretes_secheresse_vigieau_2024.csv"
        ),
        "build": climart(root, "build"),
        "publish": climart(root, "publish"),
    }
