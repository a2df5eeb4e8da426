"""Runs dbt on the lake: seeds, models and tests, in one go. The only writer of the warehouse."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from climart import paths
from climart.errors import BuildFailed, UserError
from climart.files import atomic_text

Progress = Callable[[int, int, str], None]
TERRITORY_TABLES = {
    "cell_weight": "territories",
    "territory_change": "history of communes",
    "territory_weighting": "people by territory",
}
_STEP = re.compile(r"(\d+) of (\d+) (?:START|PASS|OK|ERROR|FAIL|SKIP|WARN)\b.*?((?:main\.)?[a-z]\w+) \.*")


@dataclass(frozen=True)
class Built:
    """What a build did: ``unchanged`` where the lake and the models are those of the last build."""

    unchanged: bool
    n_steps: int
    rebuilt_runs: int
    n_runs: int


def build(*, full_refresh: bool = False, progress: Progress = lambda *_: None) -> Built:
    """Build and test the warehouse from the lake. A run whose inputs have not changed is not computed again.

    Raises UserError if the lake lacks something, BuildFailed (with dbt's own words) if a model or a data test fails.
    """
    _check_lake()
    fingerprint = _fingerprint(_lake_files(), _project_files())
    record = paths.warehouse().with_suffix(".json")
    before = json.loads(record.read_text()) if record.exists() and paths.warehouse().exists() else {}
    if not full_refresh and before.get("inputs") == fingerprint:
        return Built(True, 0, 0, before["n_runs"])
    models = _fingerprint(_project_files())
    # Another SQL, or a build that did not finish: what was computed before does not stand.
    full_refresh = full_refresh or before.get("models") != models
    record.unlink(missing_ok=True)
    known = set() if full_refresh else _fingerprints_of_runs()
    commit = code_commit()
    about = {
        "CLIMART_CODE_COMMIT": commit or "",
        "CLIMART_INPUTS_SHA256": fingerprint,
        "CLIMART_MODELS_SHA256": models,
    }
    n_steps = _dbt(["build", *(["--full-refresh"] if full_refresh else [])], about, progress)
    after = _fingerprints_of_runs()
    made = {"inputs": fingerprint, "models": models, "n_runs": len(after), "code_commit": commit}
    atomic_text(record, json.dumps(made))
    return Built(False, n_steps, len(after - known), len(after))


def _check_lake() -> None:
    for table, content in TERRITORY_TABLES.items():
        if not (paths.lake() / f"{table}.parquet").exists():
            raise UserError(
                f"The lake has no {content}: run `climart ingest territories DIR` first (CLIMART_DATA/lake)."
            )
    if not any((paths.lake() / table).exists() for table in ("producer_index", "cell_year")):
        raise UserError(
            "The lake has no climate: run `climart ingest drias FILE…` or `climart ingest netcdf FILE…` first "
            "(CLIMART_DATA/lake)."
        )


def _lake_files() -> list[Path]:
    return sorted(path for path in paths.lake().rglob("*.parquet") if not path.name.startswith("."))


def _project_files() -> list[Path]:
    kinds = {".sql", ".py", ".yml", ".csv"}
    files = paths.DBT_PROJECT.rglob("*")
    return sorted(p for p in files if p.suffix in kinds and "target" not in p.relative_to(paths.DBT_PROJECT).parts)


def _fingerprint(*groups: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in (path for group in groups for path in group):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _fingerprints_of_runs() -> set[str]:
    if not paths.warehouse().exists():
        return set()
    with duckdb.connect(str(paths.warehouse()), read_only=True) as warehouse:
        tables = {name for (name,) in warehouse.execute("select table_name from duckdb_tables()").fetchall()}
        if "int_territory_indicators" not in tables:
            return set()
        return {f for (f,) in warehouse.execute("select distinct fingerprint from int_territory_indicators").fetchall()}


def code_commit() -> str | None:
    """The checkout's commit, ``+changes`` after it where files differ from it; None outside a checkout."""
    git = shutil.which("git")
    if git is None or not (paths.PROJECT / ".git").exists():
        return None

    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([git, "-C", str(paths.PROJECT), *arguments], capture_output=True, text=True, check=False)

    commit = ask("rev-parse", "HEAD").stdout.strip()
    changed = ask("status", "--porcelain", "--untracked-files=no").stdout.strip()
    return f"{commit}+changes" if commit and changed else commit or None


def _dbt(arguments: list[str], about: dict[str, str], progress: Progress) -> int:
    """Run dbt as its own process (a DuckDB file has one writer); its lines become progress, its errors an exception."""
    target = paths.data_root() / ".dbt"
    environment = {
        **os.environ,
        **about,
        "CLIMART_LAKE": str(paths.lake()),
        "CLIMART_WAREHOUSE": str(paths.warehouse()),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    command = [
        sys.executable, "-m", "dbt.cli.main", *arguments,
        "--project-dir", str(paths.DBT_PROJECT), "--profiles-dir", str(paths.DBT_PROJECT),
        "--target-path", str(target / "target"), "--log-path", str(target / "logs"), "--no-use-colors",
    ]  # fmt: skip
    lines: list[str] = []
    total = 0
    with subprocess.Popen(
        command,
        env=environment,
        cwd=paths.DBT_PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if step := _STEP.search(line):
                total = int(step[2])
                progress(int(step[1]), total, step[3].removeprefix("main."))
    if process.returncode:
        first = next((i for i, line in enumerate(lines) if "Failure in" in line or "Encountered an error" in line), -20)
        raise BuildFailed(
            "a model or a data test failed; nothing is published.\n"
            + "\n".join(line for line in lines[first:] if line.strip())
            + f"\nUnder CLIMART_DATA/{target.name}: target/compiled has the SQL of each test, logs has dbt's log."
        )
    return total
