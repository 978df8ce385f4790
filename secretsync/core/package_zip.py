"""A package as one zip that Python imports from, and the zip of a live Secret read back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass

from secretsync.core.errors import SecretSyncError
from secretsync.core.foreign import reading
from secretsync.core.model import Bundle

UNPACKED_LIMIT = 48 * 1024 * 1024
"""Bytes that the files of a zip in a Secret may have: a text file shrinks to a quarter, so a package has far less."""

_END = zipfile.stringEndArchive  # type: ignore[attr-defined]


@dataclass(eq=False)
class UnreadableZip(SecretSyncError):
    """What a Secret holds as the package's zip is none that we write; *reason* says why."""

    code = "unreadable_zip"

    name: str
    reason: str

    def __str__(self) -> str:
        return f"the zip in Secret {self.name!r} cannot be read: {self.reason}; delete the Secret, and run again"


def zip_bytes(bundle: Bundle) -> bytes:
    """The package as a zip that Python imports from; directories have entries of their own.

    Without them a folder that has no ``__init__.py`` is lost to zipimport.
    """
    paths = {f"{bundle.module}/{file.path}": file.data for file in bundle.files}
    folders = {folder for path in paths for folder in _parents(path)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(folders | set(paths)):
            # 1980 is the zip format's first year: the date must not depend on the day of packing
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = (0o40755 << 16 | 0x10) if path.endswith("/") else 0o100644 << 16
            entry.compress_type = zipfile.ZIP_STORED if path.endswith("/") else zipfile.ZIP_DEFLATED
            archive.writestr(entry, paths.get(path, b""))
    return buffer.getvalue()


def _is_plain(value: bytes) -> bool:
    """Whether a zip has nothing before, after or beside its entries: programs differ in which of two they read."""
    return value[:4] in (b"PK\3\4", _END[:4]) and value[-22:-18] == _END[:4] and value[-42:-38] != b"PK\6\7"


def _names(entries: Iterable[zipfile.ZipInfo]) -> list[str]:
    files = {entry.filename for entry in entries}
    return sorted(files | {folder for path in files for folder in _parents(path)})


def _parents(path: str) -> Iterable[str]:
    parts = path.split("/")[:-1]
    return ("/".join(parts[: n + 1]) + "/" for n in range(len(parts)))


def members(secret: str, value: bytes) -> list[tuple[str, bytes]]:
    """The files of a live zip. Raises UnreadableZip for what we do not write: anybody may have written it."""
    with reading(lambda reason: UnreadableZip(secret, reason)), zipfile.ZipFile(io.BytesIO(value)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if not _is_plain(value) or [entry.filename for entry in archive.infolist()] != _names(entries):
            raise UnreadableZip(secret, "it is not as secretsync writes one")
        if sum(entry.file_size for entry in entries) > UNPACKED_LIMIT:
            raise UnreadableZip(secret, f"unpacked it has more than {UNPACKED_LIMIT:,} bytes")
        if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
            raise UnreadableZip(secret, "it is compressed in another way than secretsync does")
        return [(entry.filename, archive.read(entry)) for entry in entries]
