"""What is in a source archive: unpacked in memory, never built, never written to a disk."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, cast

from secretsync.core.errors import SourceError
from secretsync.core.foreign import Refusal, reading
from secretsync.sources.limited_file import HEADERS, LimitedFile
from secretsync.sources.tree import Entry, Kind

_MOST_MEMBERS = 10_000
_MOST_HEADERS = 100
"""Pax headers of one member: each is copied to every member that follows."""
_BLOCK = 512
_CHUNK = 1 << 16


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
    """The tree below the archive's one top folder, as PEP 625 has it. Raises UnusableArchive.

    *most_bytes* is what its files may have in all.
    """

    def refusal(reason: str) -> UnusableArchive:
        return UnusableArchive(path.name, reason)

    with path.open("rb") as file, reading(refusal), gzip.GzipFile(fileobj=file) as unpacked:
        stream = LimitedFile(
            cast("BinaryIO", unpacked), path.name, refusal, most_bytes=2 * most_bytes + _MOST_MEMBERS * 2 * _BLOCK
        )
        with tarfile.open(fileobj=cast("BinaryIO", stream), mode="r:") as archive:
            contents = _read(archive, stream, refusal, most_bytes)
        # tarfile takes an archive that was cut off for one that ends there
        stream.read_to_end()
        return contents


def _read(archive: tarfile.TarFile, stream: LimitedFile, refusal: Refusal, most_bytes: int) -> Archive:
    entries: dict[str, Entry] = {}
    contents: dict[str, bytes] = {}
    total = 0
    for member in _members(archive, stream, refusal):
        inside = member.name.strip("/").partition("/")[2]
        if member.isdir() or not inside:
            continue
        if inside in entries:
            raise refusal(f"it holds {inside[:200]!r} twice")
        if member.issym():
            entries[inside] = Entry(inside, Kind.SYMLINK, member.linkname)
            continue
        # The size comes before the bytes, so a bomb is refused before it is unpacked.
        total += member.size
        if total > most_bytes:
            raise refusal(f"unpacked it has more than {most_bytes:,} bytes; 'limits.bytes' of the package is the limit")
        if not member.isfile() or member.issparse():
            raise refusal(f"{inside[:200]!r} is neither a file nor a symlink")
        entries[inside] = Entry(inside)
        contents[inside] = _content(archive, member, stream)
    return Archive(tuple(entries.values()), contents)


def _members(archive: tarfile.TarFile, stream: LimitedFile, refusal: Refusal) -> Iterator[tarfile.TarInfo]:
    number = 0
    while member := _next(archive, stream):
        number += 1
        if number > _MOST_MEMBERS:
            raise refusal(f"it has more than {_MOST_MEMBERS:,} members")
        if member.size < 0 or len(member.pax_headers) > _MOST_HEADERS:
            raise refusal("its headers are not those of any honest archive")
        yield member


def _next(archive: tarfile.TarFile, stream: LimitedFile) -> tarfile.TarInfo | None:
    stream.allow(HEADERS)
    return archive.next()


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, stream: LimitedFile) -> bytes:
    stream.allow(member.size + _CHUNK)
    with cast("IO[bytes]", archive.extractfile(member)) as file:
        content = b"".join(iter(lambda: file.read(_CHUNK), b""))
    if len(content) != member.size:
        raise tarfile.ReadError("unexpected end of data")
    return content
