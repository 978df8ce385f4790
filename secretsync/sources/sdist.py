"""What is in a source archive: unpacked in memory, never built, never written to a disk."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from secretsync.core.errors import SourceError
from secretsync.sources.locate import Entry, Kind

_MOST_MEMBERS = 100_000


@dataclass(eq=False)
class UnusableArchive(SourceError):
    """The file is no source archive that an honest tool makes; *reason* says why."""

    code = "unusable_archive"

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file} cannot be used: {self.reason}; tell who published it, or require another version"


@dataclass(frozen=True, slots=True)
class Archive:
    """The tree of an archive, and the bytes of its files."""

    entries: tuple[Entry, ...]
    contents: dict[str, bytes] = field(repr=False)


def read_sdist(path: Path, *, most_bytes: int) -> Archive:
    """The tree below the archive's one top folder, as PEP 625 has it. Raises UnusableArchive."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            return _read(path.name, archive, most_bytes)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UnusableArchive(path.name, f"it is damaged ({type(error).__name__})") from None


def _read(file: str, archive: tarfile.TarFile, most_bytes: int) -> Archive:
    entries: dict[str, Entry] = {}
    contents: dict[str, bytes] = {}
    total = 0
    for number, member in enumerate(archive):
        if number > _MOST_MEMBERS:
            raise UnusableArchive(file, f"it has more than {_MOST_MEMBERS:,} members")
        _, _, inside = member.name.strip("/").partition("/")
        if member.isdir() or not inside:
            continue
        if inside in entries:
            raise UnusableArchive(file, f"it holds {inside!r} twice")
        if member.issym():
            entries[inside] = Entry(inside, Kind.SYMLINK, member.linkname)
            continue
        # The size comes before the bytes, so a bomb is refused before it is unpacked.
        total += member.size
        if total > most_bytes:
            raise UnusableArchive(file, f"unpacked it has more than {most_bytes:,} bytes")
        stream = archive.extractfile(member) if member.isfile() else None
        if stream is None:
            raise UnusableArchive(file, f"{inside!r} is neither a file nor a symlink")
        entries[inside] = Entry(inside)
        contents[inside] = stream.read()
    return Archive(tuple(entries.values()), contents)
