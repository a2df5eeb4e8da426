"""Build the sample's embedded history of communes, once, at development time: ``data/reference/sample/``.

    python data/reference/build_sample_commune_history.py MOVEMENTS DECOUPAGE

MOVEMENTS is INSEE's file of the movements of communes since 1943 (COG 2026), DECOUPAGE the folder of the npm package
``@etalab/decoupage-administratif`` (6.0.0). Every movement is kept, with the columns that the reader reads: the sample
has every commune. The same inputs give the same bytes.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pandas as pd

OUT = Path(__file__).resolve().parent / "sample"
MOVEMENT_COLUMNS = [
    "MOD", "DATE_EFF", "TYPECOM_AV", "COM_AV", "LIBELLE_AV", "TYPECOM_AP", "COM_AP", "LIBELLE_AP",
]  # fmt: skip


def main(movements: Path, decoupage: Path) -> None:
    """Write ``commune_changes.csv.gz`` and ``commune_parts.csv.gz``."""
    changes = pd.read_csv(movements, dtype=str, usecols=MOVEMENT_COLUMNS)[MOVEMENT_COLUMNS]
    rows = pd.DataFrame(json.loads((decoupage / "data" / "communes.json").read_text(encoding="utf-8")))
    parts = rows[rows["type"] != "commune-actuelle"].sort_values(["type", "code"])
    parts = parts[["code", "nom", "type", "chefLieu", "commune"]]
    for frame, name in ((changes, "commune_changes"), (parts, "commune_parts")):
        content = frame.to_csv(index=False, lineterminator="\n").encode()
        (OUT / f"{name}.csv.gz").write_bytes(gzip.compress(content, compresslevel=9, mtime=0))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*(Path(argument) for argument in sys.argv[1:]))
