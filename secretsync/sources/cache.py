"""Where fetched things are kept: the configured folder, or a temporary one where that is in the way.

What lies there is a convenience: it never decides whether a package can be fetched, and it does not grow for ever.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from secretsync.core.errors import SourceError
from secretsync.core.files import make_folder
from secretsync.core.model import Bundle, Revision, Source

FORGOTTEN_AFTER = 30 * 86400.0
"""Seconds after which what nobody has asked for goes."""

_MAY_BE_READ = 3600.0
_WRITABLE_BY_OTHERS = 0o022
_ADMINISTRATOR = 0
_PRIVATE = 0o700
_OWN_FOLDERS = frozenset({"archives", "digests", "git", "rucio", "sites", "wheels"})
"""What secretsync makes in a cache."""

T = TypeVar("T")
OpenIn = Callable[[Path, tuple[str, ...]], Source]
"""Opens a source that keeps things in a folder, and whose bundles carry these notes."""


class CacheFailed(SourceError):
    """A cache could not be used; *reason* is a part of a sentence, *remedy* says what to do."""

    code = "cache_failed"
    reason = "it cannot be used"
    remedy = "correct its permissions, make room, or name another folder with 'cache'"


@dataclass(eq=False)
class NotOurs(CacheFailed):
    """Others could put something into the folder that is then run or deployed; *reason* says how."""

    code = "cache_not_ours"

    folder: Path
    reason: str = "it belongs to another user, or is a symlink"
    remedy: str = "remove it, or name another folder with 'cache'"

    def __str__(self) -> str:
        return f"the cache's folder {self.folder} is not used, as {self.reason}: {self.remedy}"


@dataclass(eq=False)
class CacheUnwritable(CacheFailed):
    """A folder of the cache can neither be made nor used; *reason* is the system's word."""

    code = "cache_unwritable"

    folder: Path
    reason: str

    def __str__(self) -> str:
        return f"the cache's folder {self.folder} cannot be used: {self.reason}; {self.remedy}"


@dataclass(eq=False)
class NoFolder(SourceError):
    """There is no folder at all to fetch to."""

    code = "no_folder"

    folder: Path
    reason: str

    def __str__(self) -> str:
        return (
            f"neither the cache {self.folder} nor a temporary folder can be written: {self.reason}; make room, "
            "name another folder with 'cache', or set TMPDIR"
        )


class CachedSource:
    """A source that keeps what it fetched on a *shelf*; where that fails, on one that the process ends with."""

    def __init__(self, shelf: Path, open_in: OpenIn) -> None:
        self._shelf, self._open_in = shelf, open_in
        self._source = open_in(shelf, ())

    def resolve(self) -> Revision:
        """The revision that the source names; without the cache where its folder cannot be used."""
        return self._call(lambda source: source.resolve())

    def fetch(self, revision: Revision) -> Bundle:
        """The bundle at *revision*; without the cache where its folder cannot be used."""
        return self._call(lambda source: source.fetch(revision))

    def _call(self, question: Callable[[Source], T]) -> T:
        """The answer; a shelf that is in the way is done without. Raises NoFolder."""
        try:
            return question(self._source)
        except CacheFailed as error:
            reason, remedy = error.reason, error.remedy
        except OSError as error:
            reason, remedy = error.strerror or str(error), CacheFailed.remedy
        try:
            self._source = self._open_in(temporary_folder(), (_note(self._shelf, reason, remedy),))
            return question(self._source)
        except CacheUnwritable as error:
            raise NoFolder(self._shelf, error.reason) from None
        except OSError as error:
            raise NoFolder(self._shelf, error.strerror or str(error)) from None


def private_folder(folder: Path) -> Path:
    """*folder* in the cache, or in another private folder; made where it is not there, for this user alone.

    The umask has no say. One that others could write to is emptied first. Raises NotOurs, CacheUnwritable.
    """
    try:
        make_folder(folder.parent)
        _refuse_planted_root(folder.parent)
        make_folder(folder)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise NotOurs(folder)
        if stat.S_IMODE(status.st_mode) != _PRIVATE:
            folder.chmod(_PRIVATE)
        if status.st_mode & _WRITABLE_BY_OTHERS:
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        raise CacheUnwritable(folder, error.strerror or str(error)) from None
    return folder


def _refuse_planted_root(root: Path) -> None:
    """What others put into the cache's own folder would be run or deployed: it must be ours or the administrator's.

    One to which others can write is taken from them where it holds nothing but what secretsync makes; else somebody
    has named a folder that serves for more, and it is left as it is.
    """
    status = root.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise NotOurs(root, "it is a symlink", f"name the folder that it leads to, {root.resolve()}, with 'cache'")
    if status.st_uid not in (os.geteuid(), _ADMINISTRATOR):
        raise NotOurs(root, "it belongs to another user")
    if status.st_mode & _WRITABLE_BY_OTHERS and not status.st_mode & stat.S_ISVTX:
        if status.st_uid != os.geteuid() or not {path.name for path in root.iterdir()} <= _OWN_FOLDERS:
            remedy = f"run 'chmod go-w {root}', or name a folder below it with 'cache'"
            raise NotOurs(root, "other users can write to it", remedy)
        root.chmod(_PRIVATE)


def prune_cache(folder: Path, *, limit: int) -> None:
    """Remove files below *folder* that nobody has used in a month, then the oldest, until *limit* bytes are left.

    What was used within the hour stays: another process may be reading it.
    """
    now, total = time.time(), 0
    for used, size, path in sorted(_files(folder), reverse=True):
        total += size
        if used < now - FORGOTTEN_AFTER or (total > limit and used < now - _MAY_BE_READ):
            path.unlink(missing_ok=True)
            with suppress(OSError):  # others may lie beside it
                path.parent.rmdir()


def mark_used(path: Path) -> Path:
    """*path*, which is not to be forgotten for now."""
    with suppress(OSError):
        os.utime(path)
    return path


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    for path in folder.rglob("*"):
        # another process may be tidying up as well
        with suppress(FileNotFoundError):
            status = path.lstat()
            if not path.is_dir():
                yield status.st_mtime, status.st_size, path


def _note(shelf: Path, reason: str, remedy: str) -> str:
    return f"the cache {shelf} cannot be used ({reason}); everything is fetched anew each time: {remedy}"


@cache
def temporary_folder() -> Path:
    """One for all packages of this process."""
    folder = Path(mkdtemp(prefix="secretsync-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
