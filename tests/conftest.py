"""Marts that several tests share: built once per session."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, settings

from climart import paths
from tests.support import real_data

# A loaded machine is no defect: nothing is timed in a test, compiled functions' first call least of all.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@dataclass(frozen=True)
class Mart:
    """A built and published data root."""

    root: Path
    said: dict[str, str]  # what each step printed

    @property
    def release(self) -> Path:
        return (self.root / "releases" / "stable").resolve()

    def row(self, territory: str, indicator: str, context: str, columns: str) -> tuple[object, ...]:
        """Some columns of the one row of fct_indicator."""
        (found,) = self.query(
            f"select {columns} from fct_indicator where territory_id = ? and indicator_id = ? and context_id = ?",
            [territory, indicator, context],
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


@pytest.fixture(scope="session")
def sample_mart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mart]:
    """The mart of the embedded sample, built in two steps: without the last export, then with it."""
    root = tmp_path_factory.mktemp("sample_mart")
    said = {"sample": climart(root, "sample", root / "sample")}
    exports = sorted((root / "sample" / "drias").glob("*.txt"))
    massifs = root / "sample" / "massifs"
    said["territories"] = climart(
        root, "ingest", "territories", root / "sample" / "territories", "--massifs", massifs / "massifs.geojson"
    )
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
    yield Mart(root, said)


@pytest.fixture(scope="session")
def national_mart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mart]:
    """The national mart, from the 51 real TRACC exports, the 3 sound DRIAS-2020 ones and the real contours."""
    data, root = real_data(), tmp_path_factory.mktemp("national_mart")
    said = {
        "territories": climart(
            root, "ingest", "territories", data / "admin", "--massifs", data / "snow" / "massifs.shp"
        ),
        "ingest": climart(root, "ingest", "drias", data / "drias" / "tracc2023"),
        "drias2020": climart(root, "ingest", "drias", data / "drias" / "drias2020", "--skip-bad"),
        "catnat": climart(
            root, "ingest", "observed", "georisques_catnat_counts", data / "hazard" / "gazetteer_catnat.json.gz"
        ),
        "pprn": climart(root, "ingest", "observed", "anct_pprn", data / "hazard" / "pprn_communes_anct_2024.xlsx"),
        "bdiff": climart(
            root, "ingest", "observed", "bdiff", data / "hazard" / "bdiff_incendies_2014_2024_france_entiere.csv"
        ),
        "build": climart(root, "build"),
        "publish": climart(root, "publish"),
    }
    yield Mart(root, said)
