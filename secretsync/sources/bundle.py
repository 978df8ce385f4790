"""From a tree, or from bytes, to a bundle: the steps and the last checks that sources share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from secretsync.config import Package
from secretsync.core.errors import SourceError
from secretsync.core.model import Bundle, File, Revision
from secretsync.sources.locate import locate
from secretsync.sources.tree import Entry
from secretsync.sources.version import confirmed_version, notes_on_generated_files, project_files, stated_version

_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"


@dataclass(eq=False)
class LfsPointer(SourceError):
    """A file is Git LFS's note of where its content is, not the content."""

    code = "lfs_pointer"

    path: str

    def __str__(self) -> str:
        return f"{self.path} is a Git LFS pointer, not the file itself; keep it in git as it is, or exclude it"


@dataclass(eq=False)
class PackageTooLarge(SourceError):
    """The package has more files or bytes than it may."""

    code = "package_too_large"

    module: str
    what: str
    actual: int
    limit: int

    def __str__(self) -> str:
        return (
            f"{self.module} has {self.actual:,} {self.what}, more than the {self.limit:,} it may have; "
            f"exclude what does not belong to it, or raise 'limits.{self.what}' of the package"
        )


def bundle_of_tree(
    package: Package,
    revision: Revision,
    entries: Iterable[Entry],
    read: Callable[[Sequence[str]], Mapping[str, bytes]],
    *,
    subdirectory: str = "",
    tag: tuple[str, str] = ("", ""),
    notes: tuple[str, ...] = (),
) -> Bundle:
    """The bundle of the package that lies in a project's tree, at or below *subdirectory*.

    *read* gives the contents of paths of the tree. The version is what the nearest pyproject.toml states, else *tag*:
    the words for a place, and the version that it states. Raises VersionMismatch, LfsPointer, PackageTooLarge and what
    locating the package can raise.
    """
    entries = tuple(entries)
    tree = {entry.path for entry in entries}
    located = locate(
        entries, package.module_name, subdirectory=subdirectory, include=package.include, exclude=package.exclude
    )
    refuse_too_many(package, len(located.files))
    projects = project_files(tree, located.directory)
    data = read([*located.files.values(), *projects])
    stated = {path: data[path] for path in projects if path in data}
    version, on_version = confirmed_version(
        package, [*((path, stated_version(text)) for path, text in stated.items()), tag]
    )
    bundle = make_bundle(
        package,
        revision,
        {path: data[source_path] for path, source_path in located.files.items()},
        version=version,
        notes=(*notes, *on_version, *notes_on_generated_files(stated, tree)),
    )
    return replace(bundle, directory=located.directory)


def make_bundle(
    package: Package,
    revision: Revision,
    contents: Mapping[str, bytes],
    *,
    version: str,
    module: str = "",
    notes: tuple[str, ...] = (),
) -> Bundle:
    """The bundle of *contents*, by path in the package. Raises LfsPointer, PackageTooLarge."""
    module = module or package.module_name
    _refuse_too_much(package, contents)
    for path, data in contents.items():
        if data.startswith(_LFS_POINTER):
            raise LfsPointer(path)
    files = tuple(File(path, data) for path, data in sorted(contents.items()))
    return Bundle(module, version, revision, files, notes)


def _refuse_too_much(package: Package, contents: Mapping[str, bytes]) -> None:
    refuse_too_many(package, len(contents))
    refuse_too_large(package, sum(map(len, contents.values())))


def refuse_too_large(package: Package, size: int) -> None:
    """Raises PackageTooLarge when a package of so many bytes, *size*, is more than its limit allows."""
    if size > package.limits.bytes:
        raise PackageTooLarge(package.module_name, "bytes", size, package.limits.bytes)


def refuse_too_many(package: Package, files: int) -> None:
    """Raises PackageTooLarge when a package of so many *files* is more than its limit allows."""
    if files > package.limits.files:
        raise PackageTooLarge(package.module_name, "files", files, package.limits.files)
