"""Members of archives within limits: what an archive announces is checked before anything is read, and no more than
that is read.

A damaged or hostile archive may announce, or hide, many times its own size.
"""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from climart.errors import UserError

MB = 10**6
# Far above what is known or likely, and what two cores and a few GB of memory bear. Of one member, in bytes.
MAX_TABLE = 64 * MB  # a text table of a tar, held in memory: the longest known has 19 161 short lines, about 1 MB
MAX_WORKBOOK = 200 * MB  # held in memory, then parsed
MAX_UNPACKED = 4000 * MB  # to the disk, piece by piece: a shapefile's parts end at 2 GB and its table at 4 GB


def check_size(archive: str, member: str, size: int, limit: int) -> None:
    """Raises UserError where a member announces more bytes than ``limit``."""
    if size > limit:
        raise UserError(
            f"{archive}, {member}: {size:,} bytes once unpacked, expected {limit:,} at most. It was "
            "not read: if it is what it should be, the limit in ingest/archives.py must be raised."
        )


def read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    """The content of a member of a ZIP. Raises UserError if it is larger than ``limit`` or than it announces, or
    broken."""
    with _opened(archive, member, limit) as content:
        return content.read(member.file_size)


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: IO[bytes], limit: int) -> None:
    """Write a member of a ZIP to a file. Raises UserError as ``read`` does."""
    with _opened(archive, member, limit) as content:
        shutil.copyfileobj(content, target)


@contextmanager
def _opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> Iterator[IO[bytes]]:
    """The member, to be read whole; zipfile ends it at the size it announces, where it compares the checksums."""
    name = Path(archive.filename or "").name
    check_size(name, member.filename, member.file_size, limit)
    try:
        with archive.open(member) as content:
            yield content
            if (n_read := content.tell()) != member.file_size:
                raise zipfile.BadZipFile(f"{n_read} bytes of the {member.file_size} announced")
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"{name}, {member.filename}: a broken member ({error}). Fetch the archive again.") from error
