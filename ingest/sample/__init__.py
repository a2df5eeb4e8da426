"""The embedded sample: what a newcomer sees without a network. Deterministic, in the producers' own formats.

Real codes and names on approximate outlines (``geography``), a simulated climate whose départements look like
the real TRACC-2023 ensemble (``climate``), as DRIAS text exports (``drias``). The readers of real files read
it; nothing in the project treats it apart. Another producer's format is one more module here, and one more
field of ``SampleFiles``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.sample import climate, drias, geography


@dataclass(frozen=True)
class SampleFiles:
    """What ``generate`` wrote: the territories folder, its files, the DRIAS exports."""

    territories: Path
    territory_files: tuple[Path, ...]
    drias: tuple[Path, ...]


def generate(out: Path, progress: Callable[[str], None] | None = None) -> SampleFiles:
    """Write the sample into ``out/territories`` and ``out/drias``; the same bytes at every call.

    progress: called with a short text (English) at the start of each step.
    """
    say = progress or (lambda _: None)
    say("territories")
    departements = geography.outlines()
    territory_files = geography.write_territories(out / "territories", departements)
    say("climate")
    shares = geography.cell_shares(departements)
    fields = climate.simulate(shares, [str(code) for code in departements.index])
    say("DRIAS exports")
    exports = drias.write_exports(out / "drias", fields, shares)
    return SampleFiles(out / "territories", territory_files, exports)
