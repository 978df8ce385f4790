"""Which version a tree is, and whether that is the one that was expected. A calculation."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from secretsync.config import Package
from secretsync.core.errors import SourceError


@dataclass(eq=False)
class VersionMismatch(SourceError):
    """The configuration says which version this is, and it is another one."""

    code = "version_mismatch"

    module: str
    expected: str
    found: str
    place: str

    def __str__(self) -> str:
        return (
            f"{self.module}: version {self.expected} was expected, but {self.place} is {self.found}; "
            "correct 'version' or 'requirement'"
        )


def confirmed_version(package: Package, statements: Iterable[tuple[str, str]]) -> tuple[str, tuple[str, ...]]:
    """The first version that a place states, and a note where one was expected and none is stated.

    Raises VersionMismatch.
    """
    for place, version in statements:
        if version:
            confirm_version(package, version, place)
            return version, ()
    if not package.version:
        return "", ()
    unchecked = (
        f"{package.module_name}: version {package.version} was not checked, since neither a pyproject.toml "
        "nor a version tag states one"
    )
    return "", (unchecked,)


def confirm_version(package: Package, found: str, place: str) -> None:
    """Raises VersionMismatch when the configuration expects another version than *found* in *place*."""
    if package.version and not same_version(package.version, found):
        raise VersionMismatch(package.module_name, package.version, found, place)


def same_version(one: str, other: str) -> bool:
    """``1.4`` is ``1.4.0``, as PEP 440 has it; what is no version must be the same text."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def project_files(tree: Container[str], directory: str) -> list[str]:
    """The pyproject files of *tree* that can speak for the package in *directory*, the nearest first."""
    places = []
    while True:
        if (place := posixpath.join(directory, "pyproject.toml")) in tree:
            places.append(place)
        if not directory:
            return places
        directory = posixpath.dirname(directory)


def stated_version(pyproject: bytes) -> str:
    """A static ``[project] version``; empty where there is none, or where only a build knows it."""
    try:
        version = tomllib.loads(pyproject.decode())["project"]["version"]
    except (ValueError, KeyError, TypeError):
        return ""
    return version if isinstance(version, str) else ""


def tagged_version(ref: str) -> str:
    """``0.3.1`` of ``v0.3.1`` or ``policy-0.3.1``; empty for a ref that names no version."""
    match = re.fullmatch(r"(?:[A-Za-z][A-Za-z_-]*[-_/])?v?(\d+(?:\.\d+)+\w*)", ref)
    return match[1] if match else ""


def notes_on_generated_files(projects: Mapping[str, bytes], tree: Container[str]) -> tuple[str, ...]:
    """What to tell where a build would write a file that *tree* lacks; *projects* are pyproject files by path."""
    missing = [_ungenerated_file(data, posixpath.dirname(place), tree) for place, data in projects.items()]
    return tuple(
        f"{path} is written by a build and is not in the tree; if the package imports it, say 'build: wheel'"
        for path in missing
        if path
    )


def _ungenerated_file(pyproject: bytes, directory: str, tree: Container[str]) -> str:
    """The version file that a build would write, where *tree* lacks it; empty otherwise.

    The keys are setuptools_scm's (version_file, write_to) and hatch-vcs's (version-file).
    """
    try:
        tools = tomllib.loads(pyproject.decode()).get("tool", {})
        scm = tools.get("setuptools_scm", {})
        hook = tools.get("hatch", {}).get("build", {}).get("hooks", {}).get("vcs", {})
        named = scm.get("version_file") or scm.get("write_to") or hook.get("version-file") or ""
        path = posixpath.join(directory, named) if named else ""
    except (ValueError, AttributeError, TypeError):
        return ""
    return path if path and path not in tree else ""
