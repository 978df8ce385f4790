"""An archive of a stranger, for libraries that read as much of it as the archive itself tells them to."""

from __future__ import annotations

import os
from typing import BinaryIO

from secretsync.core.foreign import Refusal

_CHUNK = 1 << 16
HEADERS = 1024 * 1024
"""Bytes of an honest archive's directory, or of one member's headers."""


class LimitedFile:
    """*file*, of which only as many bytes are read as `allow` allows, and none beyond *most_bytes* from its begin.

    ``zipfile`` reads an archive's directory in one piece, and ``tarfile`` the long names, the pax headers and the maps
    of sparse files, whatever size the archive gives for them. To skip a member of a compressed archive is to unpack it.
    """

    def __init__(self, file: BinaryIO, name: str, refusal: Refusal, *, most_bytes: int) -> None:
        self._file, self.name, self._refusal, self._most = file, name, refusal, most_bytes
        self._allowed = HEADERS

    def allow(self, most_bytes: int) -> None:
        """From now on so many bytes may be read."""
        self._allowed = most_bytes

    def read(self, size: int | None = -1) -> bytes:
        """At most *size* bytes. Raises the refusal where more is read in all than headers may hold."""
        allowed = self._allowed + 1
        data = self._file.read(allowed if size is None or size < 0 else min(size, allowed))
        self._allowed -= len(data)
        if self._allowed < 0:
            raise self._refusal("its headers are larger than those of any honest archive")
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to *offset*. Raises the refusal where it lies beyond what may be read."""
        if whence == os.SEEK_SET:
            self._refuse_beyond(offset)
        return self._file.seek(offset, whence)

    def read_to_end(self) -> None:
        """Unpack what is left, for the checksum at the end of it."""
        while self._file.read(_CHUNK):
            self._refuse_beyond(self._file.tell())

    def tell(self) -> int:
        """The position in the file, in bytes."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Whether the file underneath can seek."""
        return self._file.seekable()

    def _refuse_beyond(self, position: int) -> None:
        if position > self._most:
            raise self._refusal(f"it has more than {self._most:,} bytes; 'limits.bytes' of the package is the limit")
