"""A tree of paths as a repository, a directory or a wheel holds it, with symlinks resolved inside it.

Paths have forward slashes and are relative to the tree's root.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from secretsync.core.errors import SourceError

_MOST_HOPS = 40
_LONGEST_PATH = 4096
"""Characters of a path that an operating system takes (PATH_MAX)."""
_MOST_LEVELS = 100
_MOST_STEPS = 1_000_000
"""Parts of paths that are followed through the symlinks of one tree."""
MOST_PLACES = 20_000
"""Files and directories of one package that are looked at, through whichever symlinks."""


class Kind(Enum):
    """What an entry of a tree is, as far as a source must tell entries apart."""

    FILE = "file"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"
    SPECIAL = "special"
    """A named pipe, a socket or a device."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies at a path of a tree; *target* is where a symlink leads, as it was written."""

    path: str
    kind: Kind = Kind.FILE
    target: str = ""


@dataclass(eq=False)
class TooManyPlaces(SourceError):
    """The package has more paths than any honest one, most likely by symlinks to directories of symlinks."""

    code = "too_many_places"

    module: str

    def __str__(self) -> str:
        return (
            f"{self.module} has more than {MOST_PLACES:,} paths, or symlinks that lead over more than "
            f"{_MOST_STEPS:,} directories: correct its symlinks, or exclude what does not belong to it"
        )


@dataclass(eq=False)
class UnsafePath(SourceError):
    """A path that no honest tree holds, or that two systems would read differently; *reason* says which."""

    code = "unsafe_path"

    path: str
    reason: str

    def __str__(self) -> str:
        path = self.path if len(self.path) < 200 else f"{self.path[:200]}…"
        return f"{path!r} {self.reason}; rename it in the source, or exclude it"


class Tree:
    """Every entry and every directory of a tree, with symlinks resolved inside it."""

    def __init__(self, entries: Iterable[Entry], module: str = "") -> None:
        self.module, self._steps = module, 0
        self._entries = {entry.path: entry for entry in entries}
        self._children: dict[str, list[str]] = {"": []}
        for path in sorted(self._entries):
            refuse_unusable_path(path)
            self._add(path)

    def _add(self, path: str) -> None:
        while path:
            parent = posixpath.dirname(path)
            is_known = parent in self._children
            self._children.setdefault(parent, []).append(path)
            if is_known:
                return
            path = parent

    def entry(self, path: str) -> Entry | None:
        """What lies at exactly *path*; None for a directory."""
        return self._entries.get(path)

    def directories(self) -> list[str]:
        """All directories, sorted by path."""
        return sorted(self._children)

    def packages(self) -> list[str]:
        """The directories, symlinked ones included, that hold an ``__init__.py``."""
        links = [path for path, entry in self._entries.items() if entry.kind is Kind.SYMLINK]
        return sorted(path for path in (*self._children, *links) if self.holds(path, "__init__.py"))

    def holds(self, directory: str, name: str) -> bool:
        """Whether *name* lies in *directory*, which may be a symlink to one."""
        real = self.resolve(directory)
        path = posixpath.join(real, name) if real is not None else ""
        return real in self._children and (path in self._entries or path in self._children)

    def names_in(self, directory: str) -> set[str]:
        """The names of what lies in *directory*."""
        return {posixpath.basename(path) for path in self.children(directory)}

    def children(self, directory: str) -> Sequence[str]:
        """The real paths of what lies in *directory*, which may be a symlink to one."""
        real = self.resolve(directory)
        return self._children.get(real, ()) if real is not None else ()

    def is_directory(self, path: str) -> bool:
        """Whether *path* is a directory, and no link to one."""
        return path in self._children

    def resolve(self, path: str) -> str | None:
        """The path without symlinks on the way; None where it leads out, in circles or nowhere.

        Raises TooManyPlaces.
        """
        if path in self._children:
            return path
        resolved, remaining, hops = "", path.split("/")[::-1], 0
        while remaining:
            part = remaining.pop()
            self._count_step()
            if part in ("", "."):
                continue
            if part == "..":
                if not resolved:
                    return None
                resolved = posixpath.dirname(resolved)
                continue
            step = posixpath.join(resolved, part)
            entry = self._entries.get(step)
            if entry is None or entry.kind is not Kind.SYMLINK:
                resolved = step
                continue
            hops += 1
            if hops > _MOST_HOPS or entry.target.startswith("/") or len(entry.target) > _LONGEST_PATH:
                return None
            remaining += entry.target.split("/")[::-1]
        return resolved if resolved in self._entries or resolved in self._children else None

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TooManyPlaces(self.module)


def refuse_unusable_path(path: str) -> None:
    """Raises UnsafePath for a path that climbs out of the tree, or that no operating system takes."""
    if path.startswith("/") or {"", ".", ".."} & set(path.split("/")):
        raise UnsafePath(path, "leads out of the tree")
    if len(path) > _LONGEST_PATH or path.count("/") >= _MOST_LEVELS:
        raise UnsafePath(path, f"has more than {_MOST_LEVELS} levels or {_LONGEST_PATH:,} characters")
