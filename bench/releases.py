"""Readers beside a writer: 20 processes read while 5 releases are published; then publishes are killed at random.

    python -m bench.releases

Every reader opens ``stable`` of CLIMART_DATA again and again and checks that the database, the Parquet footers and
release.json are of one version. The warehouse is published as versions 2099.*, which are removed at the end.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from climart import paths
from mart import release

N_READERS, N_RELEASES, N_KILLS = 20, 5, 8
READER = """
import json, pathlib, sys, time
import duckdb
root, n = pathlib.Path(sys.argv[1]), 0
while not (root / ".enough").exists() or n == 0:
    folder = (root / "stable").resolve(strict=True)
    version = json.loads((folder / "release.json").read_text())["version"]
    with duckdb.connect(str(folder / "climart.duckdb"), read_only=True, config={"threads": 1}) as c:
        (rows,), = c.execute("select count(*) from fct_indicator").fetchall()
        parquet = str(folder / "parquet" / "fct_indicator.parquet")
        footer = c.execute("select decode(value) from parquet_kv_metadata(?) where decode(key) = 'version'",
                           [parquet]).fetchall()
        (again,), = c.execute("select count(*) from read_parquet(?)", [parquet]).fetchall()
    assert version == folder.name == footer[0][0] and rows == again > 0, (folder, version, footer, rows, again)
    n += 1
    time.sleep(0.5)
print(n)
"""


def publish(version: str) -> list[str]:
    """The command that publishes ``version``."""
    return [sys.executable, "-m", "climart", "publish", "--version", version]


def main() -> None:
    root, stable = paths.releases(), release.named("stable")
    enough = root / ".enough"
    enough.unlink(missing_ok=True)
    made: list[Path] = []
    readers = [
        subprocess.Popen([sys.executable, "-c", READER, str(root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(N_READERS)
    ]
    try:
        for i in range(N_RELEASES):
            subprocess.run(publish(f"2099.1.{i}"), check=True, stdout=subprocess.DEVNULL)
            made.append(root / f"2099.1.{i}")
        enough.touch()
        said = [reader.communicate() for reader in readers]
        faults = [error.decode()[-500:] for reader, (_, error) in zip(readers, said, strict=True) if reader.returncode]
        n_reads = sum(int(out or 0) for out, _ in said)
        print(f"{N_READERS} readers, {N_RELEASES} releases: {n_reads} reads, {len(faults)} faults")
        print("\n".join(faults), end="")
        rng, kept, last = random.Random(8), 0, release.named("stable")
        for i in range(N_KILLS):
            version = f"2099.2.{i}"
            made.append(root / version)
            process = subprocess.Popen(publish(version), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.5, 20))
            process.kill()
            process.wait()
            now = release.named("stable")
            kept += now in (last, root / version) and release.verify(now) == []
            last = now
        print(f"{N_KILLS} publishes killed: stable was whole after {kept} of them")
    finally:
        for reader in readers:
            reader.kill()  # those that an error left running
        enough.unlink(missing_ok=True)
        release.make_stable(stable)
        for folder in [*made, *root.glob(".draft-2099*")]:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({"stable": release.named("stable").name}))


if __name__ == "__main__":
    main()
