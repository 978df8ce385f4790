"""Files of YAML in a directory: which objects they hold, and how a file changes without being seen half written.

Looked at are the files right in the directory and those below its folder named after the namespace; an object without
a namespace belongs to the one that was asked for. Hidden files, and YAML that is no object, are passed over.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from secretsync.cluster.errors import UnusableManifest
from secretsync.core import files
from secretsync.core.files import HALF_WRITTEN, write_in
from secretsync.core.foreign import SAFE_LOADER, read_yaml, reading
from secretsync.core.model import Manifest
from secretsync.core.yaml_edit import Step

_SUFFIXES = (".yaml", ".yml")


class _Loader(SAFE_LOADER):  # type: ignore[misc]  # which of two classes it is, is known at run time
    """Timestamps stay text, as in the API's JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class LocatedManifest:
    """An object and where it stands: the *document*-th of the file at *path*, and *steps* into it for a List's item."""

    path: Path
    text: str = field(repr=False)
    document: int
    steps: tuple[Step, ...]
    manifest: Manifest = field(repr=False)
    alone: bool

    @property
    def version(self) -> str:
        """Changes with every byte of the file; stands for the API's resourceVersion."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ManifestFolder:
    """The folder *root*; where it is a copy that nobody knows, *named* is its path where it was copied from.

    *origin* says where that is, as in `` on branch main of https://…``.
    """

    root: Path
    named: Path | None = None
    origin: str = ""

    def shown(self, path: Path) -> str:
        """*path*, which is in this folder, as people know it."""
        return str((self.named or self.root) / path.relative_to(self.root))

    def unusable(self, path: Path, problem: str) -> UnusableManifest:
        """The error that *path* cannot serve."""
        return UnusableManifest(self.shown(path) + self.origin, problem)

    def find(self, namespace: str, kinds: Sequence[str], name: str | None = None) -> list[LocatedManifest]:
        """The objects of *kinds* (of this *name*) in *namespace*. Raises UnusableManifest where one is there twice."""
        located: dict[tuple[int, str], LocatedManifest] = {}
        for path in self._files(namespace):
            for candidate in self._objects(path, namespace):
                kind, own_name = candidate.manifest["kind"], candidate.manifest["metadata"]["name"]
                if kind not in kinds or name not in (None, own_name):
                    continue
                key = kinds.index(kind), own_name
                if key in located:
                    raise self.unusable(
                        path, f"{kind} {own_name!r} is in {self.shown(located[key].path)} as well: remove one of them"
                    )
                located[key] = candidate
        return [located[key] for key in sorted(located)]

    def write(self, path: Path, text: str) -> None:
        """Put *text* at *path* below *root*, in place of what is there; a reader sees the one or the other.

        No symlink is followed, and none is written through. Raises UnusableManifest.
        """
        with self._folder_of(path, make=True) as folder:
            for leftover in _half_written(folder, path.name):  # the lock is ours: whoever wrote it has ended
                os.unlink(leftover, dir_fd=folder)
            write_in(folder, path.name, text, _mode_of_file(folder, path.name))

    def delete(self, path: Path) -> None:
        """Delete the file at *path* below *root*. Raises UnusableManifest."""
        with self._folder_of(path) as folder:
            os.unlink(path.name, dir_fd=folder)

    def read(self, path: Path) -> str:
        """The text of the file at *path* below *root*. Raises UnusableManifest."""
        with self._folder_of(path) as folder:
            if (mode := os.lstat(path.name, dir_fd=folder).st_mode) and stat.S_ISLNK(mode):
                raise self.unusable(path, "is a symlink, which is not followed: put the file itself there")
            if not stat.S_ISREG(mode):
                raise self.unusable(path, "is not a regular file: remove it")
            descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file:
                try:
                    return file.read().decode()
                except UnicodeDecodeError:
                    raise self.unusable(path, "is not UTF-8 text: correct or remove it") from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time. The lock is the directory's own, so that no file is left behind in a repository."""
        with ExitStack() as locks:
            try:
                self.root.mkdir(parents=True, exist_ok=True)
                locks.enter_context(files.locked(self.root))
            except OSError as error:
                raise self.unusable(self.root, f"is not a directory that can be written to: {error.strerror}") from None
            yield

    @contextmanager
    def _folder_of(self, path: Path, *, make: bool = False) -> Iterator[int]:
        """A descriptor of the folder that *path* is in; on the way from *root* no symlink is followed.

        What goes wrong with the file inside of this is an UnusableManifest too.
        """
        with ExitStack() as opened:
            try:
                folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
                opened.callback(os.close, folder)
                for name in path.parent.relative_to(self.root).parts:
                    if make:
                        with suppress(FileExistsError):
                            os.mkdir(name, dir_fd=folder)
                    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                    opened.callback(os.close, folder)
                yield folder
            except OSError as error:
                reason = error.strerror or type(error).__name__
                if error.errno in (errno.ENOTDIR, errno.ELOOP) and path.parent.is_symlink():
                    raise self.unusable(path.parent, "is a symlink, which is not followed: make it a folder") from None
                raise self.unusable(path, f"cannot be {'written' if make else 'read'}: {reason}") from None

    def _files(self, namespace: str) -> Iterator[Path]:
        if not self.root.exists():
            return
        try:
            yield from (path for path in sorted(self.root.iterdir()) if _is_manifest(path) and not _is_folder(path))
            if (self.root / namespace).is_symlink():
                raise self.unusable(self.root / namespace, "is a symlink, which is not followed: make it a folder")
            for folder, folders, names in os.walk(self.root / namespace):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                yield from (path for path in (Path(folder, name) for name in sorted(names)) if _is_manifest(path))
        except OSError as error:
            raise self.unusable(self.root, f"cannot be listed as a folder: {error.strerror}") from None

    def _objects(self, path: Path, namespace: str) -> list[LocatedManifest]:
        text = self.read(path)
        with reading(lambda reason: self.unusable(path, f"cannot be read, as {reason}: correct or remove it")):
            try:
                documents = _parsed(text)
            except yaml.YAMLError as error:
                problem = f"is not YAML that can be read{_why(error)}: correct or remove it"
                raise self.unusable(path, problem) from None
        alone = sum(document is not None for document in documents) == 1
        return [
            LocatedManifest(path, text, number, steps, _in_namespace(manifest, namespace), alone and not steps)
            for number, document in enumerate(documents)
            for steps, manifest in _items(document)
            if manifest["metadata"].get("namespace", namespace) == namespace
        ]


def _mode_of_file(folder: int, name: str) -> int | None:
    """The permissions of the regular file *name*; None where there is none."""
    try:
        mode = os.lstat(name, dir_fd=folder).st_mode
    except FileNotFoundError:
        return None
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else None


def _half_written(folder: int, name: str) -> list[str]:
    return [
        leftover
        for leftover in os.listdir(folder)
        if leftover.startswith(f".{name}.") and leftover.endswith(HALF_WRITTEN)
    ]


def _is_manifest(path: Path) -> bool:
    return path.suffix in _SUFFIXES and not path.name.startswith(".")


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


@lru_cache(maxsize=2048)
def _parsed(text: str) -> tuple[Any, ...]:
    """The documents of a file, which every verb reads and few change: the same text is parsed once."""
    return tuple(read_yaml(text, _Loader))


def _in_namespace(manifest: Manifest, namespace: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def _items(document: Any) -> Iterator[tuple[tuple[Step, ...], Manifest]]:
    if not isinstance(document, dict):
        return
    if document.get("kind") == "List" and isinstance(document.get("items"), list):
        for number, item in enumerate(document["items"]):
            for steps, manifest in _items(item):
                yield ("items", number, *steps), manifest
    elif isinstance(named := document.get("metadata"), dict) and _are_texts(document.get("kind"), named.get("name")):
        yield (), document


def _are_texts(*values: Any) -> bool:
    return all(isinstance(value, str) and value for value in values)


def _why(error: yaml.YAMLError) -> str:
    if mark := getattr(error, "problem_mark", None):
        return f" (line {mark.line + 1}, column {mark.column + 1})"
    problem = getattr(error, "problem", None)
    return f", as {problem}" if problem else ""
