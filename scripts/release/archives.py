"""Archives whose bytes depend on the content alone: one time, one owner, one order, two modes."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
import zipfile

_EXECUTABLE = 0o100
_FILE, _PROGRAM = 0o644, 0o755
_REGULAR = 0o100000


def normalised_tarball(data: bytes, epoch: int) -> bytes:
    """The files of a ``.tar.gz``, in the order of their names, all of the time *epoch* (seconds)."""
    plain = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as source,
        tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted((member for member in source if member.isfile()), key=lambda member: member.name):
            entry = tarfile.TarInfo(member.name)
            entry.size, entry.mtime = member.size, epoch
            entry.mode = _PROGRAM if member.mode & _EXECUTABLE else _FILE
            target.addfile(entry, source.extractfile(member))
    return gzip.compress(plain.getvalue(), mtime=epoch)


def normalised_wheel(data: bytes, epoch: int) -> bytes:
    """The files of a wheel in the order that they have (RECORD is last), all of the time *epoch* (seconds)."""
    result = io.BytesIO()
    date = time.gmtime(epoch)[:6]
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(result, "w") as target:
        for member in source.infolist():
            entry = zipfile.ZipInfo(member.filename, date)
            entry.create_system = 3  # Unix, whatever the machine: installers read modes there
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (_REGULAR | _FILE) << 16
            target.writestr(entry, source.read(member))
    return result.getvalue()
