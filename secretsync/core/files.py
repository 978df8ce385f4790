"""Files that other processes read and write as well: each sees all of a file or nothing, and one at a time writes."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 8 * 1024 * 1024
"""Bytes of a file that somebody names: a key, a certificate, a kubeconfig, a list of hashes."""

HALF_WRITTEN = ".half-written"
"""How the name of a file ends that is being written; it begins with a dot and the name of the file that it becomes."""

_WAIT_FOR_OTHERS = 0.1


@contextmanager
def opened_regular(path: Path, most_bytes: int = MOST_BYTES) -> Iterator[BinaryIO]:
    """The file at *path*, or where a symlink there leads, as Kubernetes mounts them; it never waits for a pipe.

    Raises OSError, whose strerror says why: no regular file, more than *most_bytes*, or the system's reason.
    """
    _refuse_irregular(path.stat(), most_bytes)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
        _refuse_irregular(os.fstat(descriptor), most_bytes)
        yield file


def _refuse_irregular(status: os.stat_result, most_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if status.st_size > most_bytes:
        raise OSError(errno.EFBIG, f"more than {most_bytes:,} bytes")


def read_regular(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """What the file at *path* holds. Raises OSError as `opened_regular` does."""
    with opened_regular(path, most_bytes) as file:
        return _read_at_most(file, most_bytes)


def read_limited(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """What is read at *path*, which may be a pipe of the caller's shell. Raises OSError, also for more bytes."""
    with path.open("rb") as file:
        return _read_at_most(file, most_bytes)


def _read_at_most(file: BinaryIO, most_bytes: int) -> bytes:
    content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"more than {most_bytes:,} bytes")
    return content


def make_folder(folder: Path) -> None:
    """Make *folder* where there is none, and what is missing above it, for this user alone whatever the umask."""
    for path in (*reversed(folder.parents), folder):
        if not os.path.lexists(path):
            with suppress(FileExistsError):  # another process may have been faster
                path.mkdir(mode=0o700)
                path.chmod(0o700)


def write_atomically(path: Path, text: str, mode: int = 0o600) -> Path:
    """Put *text* at *path* in one step; the folder is made, for this user alone, where there is none."""
    make_folder(path.parent)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        write_in(folder, path.name, text, mode)
    finally:
        os.close(folder)
    return path


def write_in(folder: int, name: str, text: str, mode: int | None) -> None:
    """Put *text* at *name* in the folder of that descriptor, in one step; a symlink there is replaced.

    *mode* None: what the umask leaves of a new file's permissions.
    """
    half = f".{name}.{secrets.token_hex(8)}{HALF_WRITTEN}"
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            if mode is not None:
                os.fchmod(descriptor, mode)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.replace(half, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(half, dir_fd=folder)
        raise


@contextmanager
def locked(path: Path, timeout: float | None = None) -> Iterator[int]:
    """Hold *path* against other processes: a folder, or a file, which is made where there is none.

    Yields its descriptor: the kernel lets go when all that have it have ended. Raises TimeoutError when another has
    held it for *timeout* seconds (None: it is waited for), and OSError.
    """
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, timeout)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, timeout: float | None) -> None:
    if timeout is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError from None
            time.sleep(_WAIT_FOR_OTHERS)
        else:
            return
