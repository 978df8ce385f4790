"""Which version a tree is, and whether that is the one that was expected. A calculation."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretsync.config import Package
from secretsync.core.deferred_imports import deferred_imports
from secretsync.core.errors import SourceError

# a version of a tag alone is asked for where no file is read
with deferred_imports("secretsync.sources.pyproject"):
    from secretsync.sources.pyproject import read_project

if TYPE_CHECKING:
    from packaging.version import Version

    from secretsync.sources.pyproject import Project

_LONGEST = 200
"""Characters of a version: packaging takes seconds for one of millions, and fails for a number of thousands."""


@dataclass(eq=False)
class VersionMismatch(SourceError):
    """The configuration says which version this is, and it is another one."""

    code = "version_mismatch"

    module: str
    expected: str
    stated: str
    path: str

    def __str__(self) -> str:
        return (
            f"{self.module}: version {self.expected} was expected, but {self.path} is {self.stated}; "
            "correct 'version' or 'requirement'"
        )


@dataclass(eq=False)
class UnreadableProject(SourceError):
    """A pyproject.toml cannot be read; *reason* says why. What it would say is done without."""

    code = "unreadable_project"

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} states neither a version nor what a build writes: {self.reason}; correct the file"


def confirmed_version(package: Package, statements: Iterable[tuple[str, str]]) -> tuple[str, tuple[str, ...]]:
    """The first version that a place states, and a note where one was expected and none is stated.

    Raises VersionMismatch.
    """
    for path, version in statements:
        if version:
            confirm_version(package, version, path)
            return version, ()
    if not package.version:
        return "", ()
    unchecked = (
        f"{package.module_name}: version {package.version} was not checked, since neither a pyproject.toml "
        "nor a version tag states one"
    )
    return "", (unchecked,)


def confirm_version(package: Package, stated: str, path: str) -> None:
    """Raises VersionMismatch when the configuration expects another version than *stated* in *path*."""
    if package.version and not same_version(package.version, stated):
        raise VersionMismatch(package.module_name, package.version, stated, path)


def same_version(first: str, second: str) -> bool:
    """``1.4`` is ``1.4.0``, as PEP 440 has it; what is no version must be the same text."""
    versions = version_of(first), version_of(second)
    return first == second if None in versions else versions[0] == versions[1]


def version_of(text: str) -> Version | None:
    """The version that *text* is; None for what is none, or is longer than any honest one."""
    from packaging.version import InvalidVersion, Version

    if len(text) > _LONGEST:
        return None
    try:
        return Version(text)
    except InvalidVersion:
        return None


def project_files(tree: Container[str], directory: str) -> list[str]:
    """The pyproject files of *tree* that can speak for the package in *directory*, the nearest first."""
    paths = []
    while True:
        if (path := posixpath.join(directory, "pyproject.toml")) in tree:
            paths.append(path)
        if not directory:
            return paths
        directory = posixpath.dirname(directory)


def stated_version(pyproject: bytes) -> str:
    """A static ``[project] version``; empty where there is none, or where only a build knows it."""
    try:
        return _project("pyproject.toml", pyproject).version
    except UnreadableProject:
        return ""


def tagged_version(ref: str) -> str:
    """``0.3.1`` of ``v0.3.1`` or ``policy-0.3.1``; empty for a ref that names no version."""
    match = re.fullmatch(r"(?:[A-Za-z][A-Za-z_-]*[-_/])?[vV]?((?:\d+!)?\d+(?:\.\d+)+\S*)", ref[: _LONGEST + 1])
    return match[1] if match and version_of(match[1]) else ""


def notes_on_generated_files(projects: Mapping[str, bytes], tree: Container[str]) -> tuple[str, ...]:
    """What to tell where a build would write a file that *tree* lacks; *projects* are pyproject files by path."""
    notes = (_note_on_project(path, data, tree) for path, data in projects.items())
    return tuple(note for note in notes if note)


def _note_on_project(project_path: str, pyproject: bytes, tree: Container[str]) -> str:
    try:
        version_file = _project(project_path, pyproject).version_file
    except UnreadableProject as error:
        return str(error)
    path = posixpath.join(posixpath.dirname(project_path), version_file)
    if not version_file or path in tree:
        return ""
    return f"{path} is written by a build and is not in the tree; if the package imports it, say 'build: wheel'"


def _project(path: str, pyproject: bytes) -> Project:
    return read_project(pyproject, lambda reason: UnreadableProject(path, reason))
