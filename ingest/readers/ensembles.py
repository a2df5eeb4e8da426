"""What the readers of published ensembles share: the pieces that they give, and archives read without unpacking."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from climart.errors import UserError
from ingest import archives

LEVEL = "level"  # the statistic of a value that is no change
TOLERANCE = 0.01  # of an interval's order: the values are rounded, or durations of single precision


@dataclass(frozen=True)
class Piece:
    """One index at one season and context: an interval per place, NaN where the producer gives none."""

    source_file_id: str
    index_code: str
    season: str
    statistic: str
    context_id: str
    unit: str | None
    is_cell: bool  # places are cells of the 8 km grid, else codes of communes
    places: npt.NDArray[Any]  # int32 or str
    low: npt.NDArray[np.float32]
    median: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    n_runs: npt.NDArray[np.int16] | None = None  # of each place, where they differ


def members(
    path: Path, wanted: Callable[[PurePosixPath], bool]
) -> Iterator[tuple[PurePosixPath, bytes] | tuple[PurePosixPath, None]]:
    """The regular files of a tar, one after another, with the content of those that are wanted, in memory: nothing is
    unpacked, so no name can lead anywhere.

    Raises UserError for a file that is no tar, one that is cut, or a wanted file larger than a table may be.
    """
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if not member.isfile():
                    continue
                if not wanted(name):
                    yield name, None
                    continue
                archives.check_size(path.name, member.name, member.size, archives.MAX_TABLE)
                content = archive.extractfile(member)
                data = content.read(member.size) if content else b""
                if len(data) != member.size:
                    raise tarfile.ReadError(f"{member.name} is cut at {len(data)} bytes of {member.size}")
                yield name, data
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UserError(f"{path.name}: not a whole tar archive ({error}). Fetch it again.") from error
