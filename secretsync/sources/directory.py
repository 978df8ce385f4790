"""A policy package in a local directory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from secretsync.config import Package
from secretsync.config.requirement import DirectoryRequirement
from secretsync.core.errors import SecretSyncError, SourceError
from secretsync.core.model import Bundle, Revision, digest
from secretsync.sources.bundle import bundle_of_tree, refuse_too_large
from secretsync.sources.tree import Entry, Kind, refuse_unusable_path

_NEVER_ENTERED = frozenset({".git", ".hg", ".svn", "__pycache__", ".venv", "node_modules", ".tox"})


@dataclass(eq=False)
class UnreadableDirectory(SourceError):
    """The directory, or a file of it, cannot be read."""

    code = "unreadable_directory"

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; correct 'requirement' of the package, or the permissions"


class NoDirectory(UnreadableDirectory):
    """The configuration names a directory that is not there; a path begins where the configuration lies."""

    code = "no_directory"
    category = "configuration"

    def __str__(self) -> str:
        return f"there is no directory {self.path}: make it, or correct 'requirement' of the package"


@dataclass(eq=False)
class DirectoryChanged(SourceError):
    """Somebody wrote to the directory between two looks at it."""

    code = "directory_changed"

    path: str

    def __str__(self) -> str:
        return f"{self.path} changed while it was read; run again when nobody writes to it"


@dataclass(eq=False)
class NotForPip(SecretSyncError):
    """A local directory is not there while an image is built."""

    code = "not_for_pip"

    module: str
    path: str

    def __str__(self) -> str:
        return (
            f"{self.module} comes from the directory {self.path}, which is not there while an image is built: "
            "push it to a repository or an index, or copy what 'secretsync export --to DIR' writes into the image"
        )


class DirectorySource:
    """The directory as it is now; its revision is the digest of the package's files."""

    def __init__(
        self,
        package: Package,
        requirement: DirectoryRequirement,
        *,
        cache: Path,  # noqa: ARG002 - what lies on this machine is not fetched
        base: Path,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._package, self._written, self._notes = package, requirement.path, notes
        self._folder = base / requirement.path

    @staticmethod
    def pinned(requirement: DirectoryRequirement, bundle: Bundle) -> str:
        """Raises NotForPip: a directory has no revision that pip could install."""
        raise NotForPip(bundle.module, requirement.path)

    @staticmethod
    def package_name(requirement: DirectoryRequirement) -> str:
        """The name of the directory."""
        return Path(requirement.path).resolve().name

    def resolve(self) -> Revision:
        """Hash the package's files. Raises UnreadableDirectory and what locating it can raise."""
        return self._read().revision

    def fetch(self, revision: Revision) -> Bundle:
        """The files, if they are still what they were. Raises DirectoryChanged."""
        bundle = self._read()
        if bundle.revision != revision:
            raise DirectoryChanged(self._written)
        return bundle

    def _read(self) -> Bundle:
        try:
            return self._bundle()
        except OSError as error:
            if not self._folder.is_dir():
                raise NoDirectory(str(self._folder.absolute()), error.strerror or "") from None
            raise UnreadableDirectory(str(self._folder.absolute()), error.strerror or str(error)) from None

    def _bundle(self) -> Bundle:
        written = Revision(self._written, "", "")
        bundle = bundle_of_tree(self._package, written, _entries(self._folder), self._contents, notes=self._notes)
        return replace(bundle, revision=replace(written, id=f"sha256:{digest(bundle.files)}"))

    def _contents(self, paths: Sequence[str]) -> dict[str, bytes]:
        # the sizes come before the bytes
        refuse_too_large(self._package, sum((self._folder / path).stat().st_size for path in paths))
        return {path: (self._folder / path).read_bytes() for path in paths}


def _entries(folder: Path, prefix: str = "") -> Iterator[Entry]:
    """All that lies below *folder*. Raises UnsafePath where it is nested too deeply."""
    if prefix:
        refuse_unusable_path(prefix.rstrip("/"))
    for item in sorted(os.scandir(folder), key=lambda item: item.name):
        path = prefix + item.name
        if item.is_symlink():
            yield Entry(path, Kind.SYMLINK, str(Path(item.path).readlink()))
        elif item.is_dir():
            if item.name not in _NEVER_ENTERED:
                yield from _entries(Path(item.path), f"{path}/")
        else:
            yield Entry(path, Kind.FILE if item.is_file() else Kind.SPECIAL)
