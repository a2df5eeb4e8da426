"""Archives within limits: what announces too much is not read, what is not as announced is refused."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from climart.errors import UserError
from ingest import archives
from ingest.readers import ensembles
from tests.ensembles import tar

CONTENT = b"0" * 100_000


def zipped(path: Path, announced: int = len(CONTENT), method: int = zipfile.ZIP_DEFLATED) -> Path:
    """An archive of 100 000 zeros, of which its directory announces another size."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("zeros.txt", CONTENT)
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")  # of the central directory; the uncompressed size is 24 bytes further
    assert struct.unpack_from("<I", data, entry + 24) == (len(CONTENT),)
    struct.pack_into("<I", data, entry + 24, announced)
    path.write_bytes(data)
    return path


def read(path: Path, limit: int) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archives.read(archive, archive.getinfo("zeros.txt"), limit)


def unpacked(path: Path, target: io.BytesIO, limit: int) -> None:
    with zipfile.ZipFile(path) as archive:
        archives.unpack(archive, archive.getinfo("zeros.txt"), target, limit)


def test_a_member_is_read_up_to_the_limit(tmp_path: Path) -> None:
    path, target = zipped(tmp_path / "a.zip"), io.BytesIO()
    assert read(path, 100_000) == CONTENT
    unpacked(path, target, 100_000)
    assert target.getvalue() == CONTENT


def test_a_larger_one_is_refused_unread(tmp_path: Path) -> None:
    said = r"a\.zip, zeros\.txt: 3,000,000,000 bytes once unpacked, expected 1,000,000,000 at most"
    path, target = zipped(tmp_path / "a.zip", announced=3_000_000_000), io.BytesIO()
    with pytest.raises(UserError, match=said):
        read(path, 1_000_000_000)
    with pytest.raises(UserError, match=said):
        unpacked(path, target, 1_000_000_000)
    assert target.getvalue() == b""


@pytest.mark.parametrize("announced", [10, 200_000])
def test_one_that_is_not_of_the_size_it_announces_is_refused(tmp_path: Path, announced: int) -> None:
    path, target = zipped(tmp_path / "a.zip", announced), io.BytesIO()
    with pytest.raises(UserError, match=r"a\.zip, zeros\.txt: a broken member .*Fetch the archive again"):
        read(path, 1_000_000)
    with pytest.raises(UserError, match=r"a\.zip, zeros\.txt: a broken member"):
        unpacked(path, target, 1_000_000)
    assert len(target.getvalue()) <= announced  # never more than that


def test_of_a_tar_only_what_is_wanted_is_read_and_held_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tar(tmp_path / "a.tar", {"folder/large.pdf": b"x" * 65, "folder/small.csv": b"x" * 64})
    monkeypatch.setattr(archives, "MAX_TABLE", 64)
    found = list(ensembles.members(path, lambda name: name.suffix == ".csv"))
    assert found == [(PurePosixPath("folder/large.pdf"), None), (PurePosixPath("folder/small.csv"), b"x" * 64)]
    with pytest.raises(UserError, match=r"a\.tar, folder/large\.pdf: 65 bytes once unpacked, expected 64 at most"):
        list(ensembles.members(path, lambda name: True))
