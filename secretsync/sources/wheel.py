"""What is in a wheel: read with ``installer``, checked against its RECORD, never unpacked onto a disk."""

from __future__ import annotations

import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from installer.exceptions import InstallerError
from installer.sources import WheelFile

from secretsync.core.errors import SourceError


@dataclass(eq=False)
class UnusableWheel(SourceError):
    """The file is no wheel that an installer would take; *reason* says why."""

    code = "unusable_wheel"

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file} cannot be used: {self.reason}; tell who published it, or require another version"


def read_wheel(path: Path, *, most_bytes: int) -> dict[str, bytes]:
    """Every file of the wheel at *path*, without its dist-info. Raises UnusableWheel."""
    try:
        with _opened(path, most_bytes) as wheel:
            return {
                record[0]: stream.read()
                for record, stream, _ in wheel.get_contents()
                if not record[0].startswith(f"{wheel.dist_info_dir}/")
            }
    except (zipfile.BadZipFile, InstallerError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise UnusableWheel(path.name, f"it is damaged ({type(error).__name__})") from None


@contextmanager
def _opened(path: Path, most_bytes: int) -> Iterator[WheelFile]:
    with zipfile.ZipFile(path) as archive:
        _refuse_tricks(path.name, archive, most_bytes)
        wheel = WheelFile(archive)
        try:
            wheel.validate_record()
        except WheelFile.validation_error:
            raise UnusableWheel(path.name, "its files are not those that its RECORD lists") from None
        yield wheel


def _refuse_tricks(file: str, archive: zipfile.ZipFile, most_bytes: int) -> None:
    """Sizes are what the directory of the zip states; zipfile never unpacks more than that."""
    items = archive.infolist()
    if (total := sum(item.file_size for item in items)) > most_bytes:
        raise UnusableWheel(file, f"unpacked it has {total:,} bytes, more than {most_bytes:,}")
    for name, times in Counter(item.filename for item in items).items():
        if times > 1:
            raise UnusableWheel(file, f"it holds {name!r} {times} times")
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise UnusableWheel(file, f"{name!r} leads out of it")
    for item in items:
        if stat.S_ISLNK(item.external_attr >> 16):
            raise UnusableWheel(file, f"{item.filename!r} is a symlink, which wheels cannot hold")
