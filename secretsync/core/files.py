"""Files that other processes read and write as well: each sees all of a file or nothing, and one at a time writes."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HALF_WRITTEN = ".half-written"
"""How the name of a file ends that is being written; it begins with a dot and the name of the file that it becomes."""

_WAIT_FOR_OTHERS = 0.1


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
