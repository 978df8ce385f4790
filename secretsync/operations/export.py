"""A bundle as a directory that Python imports from: in a volume that an init container fills, or in an image."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from secretsync.core.errors import SecretSyncError
from secretsync.core.files import locked
from secretsync.core.model import Bundle

_FILE, _DIRECTORY = 0o644, 0o755  # Rucio's server reads them as another user


@dataclass(eq=False)
class NotWrittenByFetch(SecretSyncError):
    """Something else is where the package should go."""

    code = "not_written_by_fetch"

    path: Path

    def __str__(self) -> str:
        return f"{self.path} is there and 'secretsync export' did not write it: move it away, or name another --to"


@dataclass(eq=False)
class NotWritten(SecretSyncError):
    """The package could not be written; what was there before is there still."""

    code = "not_written"

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path} was not written: {self.reason}; make room, correct its permissions, or name another --to"


def write_importable(bundle: Bundle, folder: Path) -> Path:
    """Put the package at ``folder/<module>``, in one step, and return that path.

    The path is a symbolic link, as the files of the kubelet's volumes are: whoever looks there sees the whole package
    as it was, or the whole one as it is. Raises NotWrittenByFetch, NotWritten.
    """
    package_folder = folder / bundle.module
    try:
        _make(folder)
        with locked(folder):  # another process that fetches to the same folder waits
            if os.path.lexists(package_folder) and not _is_ours(package_folder, bundle.module):
                raise NotWrittenByFetch(package_folder)
            # what is there now stays until the next time: somebody may be reading it
            _remove_all_but(package_folder.resolve(), bundle.module)
            _lead(package_folder, _written(bundle, folder))
    except OSError as error:
        raise NotWritten(package_folder, error.strerror or str(error)) from None
    return package_folder


def _is_ours(package_folder: Path, module: str) -> bool:
    """Whether it is a link that we made, and no link or folder of somebody else's."""
    return package_folder.is_symlink() and str(package_folder.readlink()).startswith(_prefix(module))


def _written(bundle: Bundle, folder: Path) -> Path:
    fresh = Path(mkdtemp(prefix=_prefix(bundle.module), dir=folder))
    fresh.chmod(_DIRECTORY)
    for file in bundle.files:
        path = fresh / file.path
        for parent in reversed(path.relative_to(fresh).parents):
            _make(fresh / parent)
        path.write_bytes(file.data)
        path.chmod(_FILE)
    return fresh


def _lead(package_folder: Path, fresh: Path) -> None:
    """Let the package's name mean *fresh*; relative, so that the folder can be moved and mounted elsewhere."""
    link = fresh.with_name(f"{fresh.name}-link")
    link.symlink_to(fresh.name)
    link.replace(package_folder)


def _remove_all_but(current: Path, module: str) -> None:
    """Nobody else is at work: every other copy is an earlier package's, or that of a process that was killed."""
    for outdated in current.parent.glob(f"{_prefix(module)}*"):
        if outdated.is_symlink():
            outdated.unlink()
        elif outdated != current:
            shutil.rmtree(outdated)


def _prefix(module: str) -> str:
    """A module's name has no dot: two modules never share a prefix."""
    return f".{module}."


def _make(folder: Path) -> None:
    """A folder that all can enter, whatever the umask; one that is there stays as it is."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(_DIRECTORY)
