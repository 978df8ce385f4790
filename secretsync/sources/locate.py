"""Which files of a tree are the policy package, and what each is called inside it."""

from __future__ import annotations

import fnmatch
import itertools
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretsync.core.errors import SourceError
from secretsync.sources.tree import MOST_PLACES, Entry, Kind, TooManyPlaces, Tree, UnsafePath

if TYPE_CHECKING:
    from pathspec import PathSpec, Pattern


def _any_of(*globs: str) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, globs)))


# Of version control, of CI and of Python itself: never part of a package.
_NEVER = _any_of(
    *(".git", ".gitignore", ".gitattributes", ".gitmodules", ".gitkeep", ".hg", ".hgignore", ".hgtags", ".svn"),
    *(".github", ".gitlab", ".gitlab-ci.yml", ".circleci", ".travis.yml", ".pre-commit-config.yaml"),
    *("__pycache__", "*.pyc", "*.pyo", "*.egg-info", "*.dist-info", ".ds_store"),
)
# Of a project, where the package is the repository's root: compared in lower case.
_OF_A_PROJECT = _any_of(
    *(".*", "readme*", "license*", "licence*", "copying*", "notice*", "authors*", "changelog*", "changes*"),
    *("contributing*", "code_of_conduct*", "security*", "codeowners", "pyproject.toml", "setup.py", "setup.cfg"),
    *("manifest.in", "tox.ini", "pytest.ini", "noxfile.py", "requirements*.txt", "makefile", "dockerfile*"),
    *("jenkinsfile", "*.lock", "build", "dist", "docs", "conftest.py"),
)
# Where copies of packages lie about that are not the source.
_NOT_SOURCES = frozenset({"build", "dist", "venv", "site-packages", "node_modules", "__pycache__"})
_PROJECT_FILES = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})


@dataclass(frozen=True, slots=True)
class Located:
    """The package's directory in the tree, and for each path in the package the path of its bytes in the tree."""

    directory: str
    files: Mapping[str, str]


@dataclass(eq=False)
class PackageNotFound(SourceError):
    """No directory of the tree is the module, or several are; *candidates* are directories that might be meant."""

    code = "package_not_found"

    module: str
    candidates: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        names = ", ".join(directory or "the root" for directory in self.candidates[:12]) or "none"
        return (
            f"{self.reason} Directories that hold a package: {names}. Correct moduleName, or point at one with "
            "#subdirectory="
        )


@dataclass(eq=False)
class EmptyPackage(SourceError):
    """The package was found, but none of its files is left."""

    code = "empty_package"

    module: str
    directory: str

    def __str__(self) -> str:
        directory = self.directory or "the root"
        return f"{self.module}: {directory} holds no file that include and exclude leave; correct these globs"


@dataclass(eq=False)
class LinkLeadsOut(SourceError):
    """A symlink of the package cannot be followed inside the tree."""

    code = "link_leads_out"

    path: str
    target: str

    def __str__(self) -> str:
        return (
            f"{self.path} is a symlink to {self.target[:200]!r}, which is not a file of the same tree; "
            "put the file there, or exclude it"
        )


@dataclass(eq=False)
class SpecialFileInPackage(SourceError):
    """A named pipe, a socket or a device lies in the package: it has no content to deliver."""

    code = "special_file_in_package"

    path: str

    def __str__(self) -> str:
        return f"{self.path!r} is a named pipe, a socket or a device, not a file: remove it, or exclude it"


@dataclass(eq=False)
class SubmoduleInPackage(SourceError):
    """A git submodule lies in the package; its files are in another repository."""

    code = "submodule_in_package"

    path: str

    def __str__(self) -> str:
        return f"{self.path} is a git submodule, whose files are in another repository; copy them in, or exclude it"


def locate(
    entries: Iterable[Entry],
    module: str,
    *,
    subdirectory: str = "",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Located:
    """Find the directory that Rucio imports as *module* at or below *subdirectory*, and the files of it.

    *include* and *exclude* are globs as in .gitignore, on the path in the package. Raises PackageNotFound,
    EmptyPackage, LinkLeadsOut, SubmoduleInPackage, TooManyPlaces, UnsafePath.
    """
    tree = Tree(entries, module)
    directory = _directory_of(tree, module, subdirectory)
    is_root = directory == subdirectory and posixpath.basename(directory) != module
    located_files = _files_of(tree, directory, _Choice(include, exclude, is_root=is_root), itertools.count())
    files = dict(sorted(located_files))
    if not files:
        raise EmptyPackage(module, directory)
    _refuse_twins(files)
    return Located(directory, files)


def _directory_of(tree: Tree, module: str, subdirectory: str) -> str:
    """By name where the conventions put it, by name anywhere, else the root itself, whose name is free."""
    packages = [path for path in tree.packages() if _is_below(path, subdirectory)]
    usual = [posixpath.join(subdirectory, module), posixpath.join(subdirectory, "src", module)]
    matching = [path for path in usual if path in packages]
    if not matching and posixpath.basename(subdirectory) == module and subdirectory in packages:
        return subdirectory
    matching = matching or _outermost(path for path in packages if posixpath.basename(path) == module)
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise PackageNotFound(module, tuple(matching), f"{len(matching)} directories are called {module}.")
    if _root_is_the_package(tree, subdirectory, packages):
        return subdirectory
    # beside a policy package, tests and tools are none
    meant = [path for path in packages if _holds_policies(tree, path)] or packages
    raise PackageNotFound(module, tuple(_outermost(meant)), _nothing_found_reason(tree, module, subdirectory))


def _is_below(path: str, directory: str) -> bool:
    """At or below *directory*, and not in a place where copies of packages lie about."""
    if directory and path != directory and not path.startswith(f"{directory}/"):
        return False
    inside = path[len(directory) :].strip("/").split("/")
    return not any(part in _NOT_SOURCES or part.startswith(".") for part in inside)


def _outermost(directories: Iterable[str]) -> list[str]:
    """Without those inside another one; the root covers nothing, its ``__init__.py`` often means nothing."""
    outermost: list[str] = []
    for directory in sorted(directories, key=lambda path: path.split("/")):
        if not outermost or not outermost[-1] or not directory.startswith(f"{outermost[-1]}/"):
            outermost.append(directory)
    return outermost


def _root_is_the_package(tree: Tree, root: str, packages: Sequence[str]) -> bool:
    """A root with policy modules is one; without them, only if it is no project and nothing else is one."""
    if root not in packages:
        return False
    if _holds_policies(tree, root):
        return True
    other_packages = [path for path in packages if path != root and _holds_policies(tree, path)]
    return not other_packages and not _PROJECT_FILES & tree.names_in(root)


def _holds_policies(tree: Tree, directory: str) -> bool:
    return any(
        tree.holds(directory, f"{part}.py") or tree.holds(posixpath.join(directory, part), "__init__.py")
        for part in ("permission", "schema")
    )


def _nothing_found_reason(tree: Tree, module: str, subdirectory: str) -> str:
    if subdirectory and tree.resolve(subdirectory) is None:
        return f"There is no directory {subdirectory}."
    for directory in tree.directories():
        if posixpath.basename(directory) == module and _is_below(directory, subdirectory):
            return f"{directory} has no __init__.py: Python would prefer any older copy of {module} that has one."
    return f"No directory {module} holds an __init__.py."


class _Choice:
    """What never belongs to a package, and the operator's globs, asked for a path in the package."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str], *, is_root: bool) -> None:
        self._is_root = is_root
        self._include, self._exclude = _globs(include), _globs(exclude)

    def takes(self, path: str) -> bool:
        """Whether the file *path*, which is not left out, is one of those that were asked for."""
        return self._include is None or self._include.match_file(path)

    def leaves_out(self, path: str) -> bool:
        """Whether *path*, whose directory is not left out, is excluded, as a file or as a directory."""
        name = path.rpartition("/")[2].lower()
        if _NEVER.match(name):
            return True
        if self._is_root and "/" not in path and _OF_A_PROJECT.match(name):
            return True
        return self._exclude is not None and (self._exclude.match_file(path) or self._exclude.match_file(f"{path}/"))


def _globs(patterns: Sequence[str]) -> PathSpec[Pattern] | None:
    if not patterns:
        return None
    from pathspec import PathSpec

    return PathSpec.from_lines("gitignore", patterns)


def _files_of(
    tree: Tree, directory: str, choice: _Choice, counter: Iterator[int], prefix: str = "", parents: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """Each file below *directory* that is chosen: its path in the package, and where its bytes are."""
    for path in tree.children(directory):
        if next(counter) >= MOST_PLACES:
            raise TooManyPlaces(tree.module)
        inside = prefix + posixpath.basename(path)
        if choice.leaves_out(inside):
            continue
        resolved = tree.resolve(path)
        if resolved is None or resolved in parents:
            raise LinkLeadsOut(path, _target(tree, path))
        if tree.is_directory(resolved):
            yield from _files_of(tree, resolved, choice, counter, f"{inside}/", (*parents, resolved))
        elif _kind(tree, resolved) is Kind.SUBMODULE:
            raise SubmoduleInPackage(resolved)
        elif _kind(tree, resolved) is Kind.SPECIAL and choice.takes(inside):
            raise SpecialFileInPackage(resolved)
        elif choice.takes(inside):
            _refuse_unprintable(inside)
            yield inside, resolved


def _target(tree: Tree, path: str) -> str:
    entry = tree.entry(path)
    return entry.target if entry else path


def _kind(tree: Tree, path: str) -> Kind:
    entry = tree.entry(path)
    return entry.kind if entry else Kind.FILE


def _refuse_unprintable(path: str) -> None:
    if "\\" in path or not path.isprintable():
        raise UnsafePath(path, "holds a backslash, a control character or bytes that are not UTF-8")


def _refuse_twins(files: Iterable[str]) -> None:
    """Two names that a file system may take for one would let one file replace the other unseen."""
    seen: dict[str, str] = {}
    for path in files:
        folded = unicodedata.normalize("NFC", path).casefold()
        if folded in seen:
            raise UnsafePath(path, f"differs from {seen[folded]!r} only in case or in the form of its letters")
        seen[folded] = path
