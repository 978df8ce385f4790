"""What is in a wheel: read with ``installer``, checked against its RECORD, never unpacked onto a disk."""

from __future__ import annotations

import stat
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from installer.sources import WheelFile

from secretsync.core.errors import SourceError
from secretsync.core.foreign import Refusal, reading
from secretsync.sources.limited_file import HEADERS, LimitedFile
from secretsync.sources.version import version_of

_MOST_MEMBERS = 10_000
_LONGEST_LINE = 400
"""Characters of a line of RECORD on average: a path, a digest, a size."""


@dataclass(eq=False)
class UnusableWheel(SourceError):
    """The file is no wheel that an installer would take; *reason* says why."""

    code = "unusable_wheel"

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file} cannot be used: {self.reason}; tell who published it, or require another version"


def read_wheel(path: Path, *, most_bytes: int) -> dict[str, bytes]:
    """Every file of the wheel at *path*, without its dist-info. Raises UnusableWheel.

    *most_bytes* is what its files may have in all.
    """

    def refusal(reason: str) -> UnusableWheel:
        return UnusableWheel(path.name, reason)

    with path.open("rb") as file, reading(refusal):
        limited = LimitedFile(file, path.name, refusal, most_bytes=most_bytes + HEADERS)
        with zipfile.ZipFile(cast("IO[bytes]", limited)) as archive:
            _refuse_tricks(archive, refusal, most_bytes)
            limited.allow(most_bytes + _MOST_MEMBERS * HEADERS)  # each member is read in pieces, and twice
            return _contents(archive, refusal)


def _contents(archive: zipfile.ZipFile, refusal: Refusal) -> dict[str, bytes]:
    wheel = WheelFile(archive)
    stated, named = version_of(wheel.dist_info_dir.removesuffix(".dist-info").rpartition("-")[2]), wheel.version
    if stated and stated != version_of(named):
        raise refusal(f"its name says version {named}, and what it holds is {stated}")
    _refuse_large_record(archive, f"{wheel.dist_info_dir}/RECORD", refusal)
    try:
        wheel.validate_record()
    except WheelFile.validation_error:
        raise refusal("its files are not those that its RECORD lists") from None
    return {
        record[0]: stream.read()
        for record, stream, _ in wheel.get_contents()
        if not record[0].startswith(f"{wheel.dist_info_dir}/")
    }


def _refuse_tricks(archive: zipfile.ZipFile, refusal: Refusal, most_bytes: int) -> None:
    """Sizes are what the directory of the zip states; zipfile never unpacks more than that."""
    items = archive.infolist()
    if len(items) > _MOST_MEMBERS:
        raise refusal(f"it has more than {_MOST_MEMBERS:,} members")
    if (total := sum(item.file_size for item in items)) > most_bytes:
        limit = f"{most_bytes:,}, the 'limits.bytes' of the package"
        raise refusal(f"unpacked it has {total:,} bytes, more than {limit}")
    for name, times in Counter(item.filename for item in items).items():
        if times > 1:
            raise refusal(f"it holds {name[:200]!r} {times} times")
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise refusal(f"{name[:200]!r} leads out of it")
    for item in items:
        if stat.S_ISLNK(item.external_attr >> 16):
            raise refusal(f"{item.filename[:200]!r} is a symlink, which wheels cannot hold")
        if item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise refusal(f"{item.filename[:200]!r} is compressed in a way that wheels are not")


def _refuse_large_record(archive: zipfile.ZipFile, path: str, refusal: Refusal) -> None:
    """A line for each file, and none of them long: each costs the reader more memory than it has bytes."""
    most_lines = len(archive.infolist()) + 1
    if (
        archive.getinfo(path).file_size > most_lines * _LONGEST_LINE
        or len(archive.read(path).splitlines()) > most_lines
    ):
        raise refusal("its RECORD lists more than its files")
