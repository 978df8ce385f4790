"""Files of a commit as files on disk: one copy that is only read and is kept for the next pass, and one to change."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from secretsync.sources.cache import CacheUnwritable, private_folder

_KEPT = 3600.0
"""Seconds for which a copy stays that is not the newest: another process may still read it."""

_READ, _CHANGED = "at-", "work-"


class Layout:
    """The files of *commit* at or below *paths*, in a folder of *scratch*.

    The copy that is read is shared by all passes and processes on the same commit, so nobody may change it: `change`
    makes another of links to its files, and who changes a file there replaces it.
    """

    def __init__(
        self, commit: str, paths: Sequence[str], scratch: Path, read: Callable[..., Mapping[str, bytes]]
    ) -> None:
        """*read* has the files at or below the paths that it is given."""
        self._scratch, self._work = scratch, ""
        self._forget: Callable[[], object] | None = None
        key = hashlib.sha256("\n".join([commit, *sorted(paths)]).encode()).hexdigest()[:24]
        self._base = scratch / f"{_READ}{key}"
        if not self._base.is_dir():
            self._lay_out(read(*paths))

    @property
    def root(self) -> Path:
        """The folder that has the files now."""
        return Path(self._work) if self._work else self._base

    @property
    def changing(self) -> bool:
        """Whether files may be changed."""
        return bool(self._work)

    def change(self) -> Path:
        """The folder in which files may be changed, each by another in its place. Raises CacheUnwritable."""
        if not self._work:
            with _writing(self._scratch):
                self._work = tempfile.mkdtemp(prefix=_CHANGED, dir=self._scratch)
                self._forget = weakref.finalize(self, shutil.rmtree, self._work, ignore_errors=True)
                shutil.copytree(self._base, self._work, copy_function=os.link, dirs_exist_ok=True)
        return self.root

    def changes(self) -> dict[str, bytes | None]:
        """What differs from the commit, by path: the bytes of each file, None for one that is gone."""
        if not self._work:
            return {}
        before, now = (dict(_inodes(folder)) for folder in (self._base, self.root))
        changed: dict[str, bytes | None] = dict.fromkeys(before.keys() - now.keys())
        for name in now:
            if before.get(name) != now[name]:
                data = (self.root / name).read_bytes()
                if name not in before or (self._base / name).read_bytes() != data:
                    changed[name] = data
        return changed

    def close(self) -> None:
        """Forget what was changed."""
        if self._forget:
            self._forget()
        self._work, self._forget = "", None

    def _lay_out(self, files: Mapping[str, bytes]) -> None:
        private_folder(self._scratch)
        with _writing(self._scratch):
            self._remove_old()
            folder = Path(tempfile.mkdtemp(prefix=_CHANGED, dir=self._scratch))
            try:
                for name, data in files.items():
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name).write_bytes(data)
                folder.rename(self._base)
            except OSError:
                shutil.rmtree(folder, ignore_errors=True)
                if not self._base.is_dir():  # else another process was faster
                    raise

    def _remove_old(self) -> None:
        """Copies of other commits, and what a process left that was killed."""
        for folder in self._scratch.iterdir():
            if folder.name.startswith((_READ, _CHANGED)):
                with suppress(FileNotFoundError):
                    if time.time() - folder.stat().st_mtime > _KEPT:
                        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Raises CacheUnwritable where *folder* cannot be written to."""
    try:
        yield
    except OSError as error:
        raise CacheUnwritable(folder, error.strerror or type(error).__name__) from None


def _inodes(folder: Path) -> Iterator[tuple[str, int]]:
    """Each file below *folder* by its path, with what tells whether it is the same; hidden files are left out."""
    for parent, _, names in os.walk(folder):
        for name in names:
            if not name.startswith("."):
                path = Path(parent, name)
                yield path.relative_to(folder).as_posix(), path.lstat().st_ino
