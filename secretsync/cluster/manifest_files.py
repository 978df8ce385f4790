"""Files of YAML in a directory: which objects they hold, and how a file changes without being seen half written.

Looked at are the files right in the directory and those below its folder named after the namespace; an object without
a namespace belongs to the one that was asked for. Hidden files, and YAML that is no object, are passed over.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from secretsync.cluster.errors import UnusableManifest
from secretsync.core.model import Manifest
from secretsync.core.template_annotations import Step

_SUFFIXES = (".yaml", ".yml")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml is optional
    """Timestamps stay text, as in the API's JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Found:
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


def find(root: Path, namespace: str, kinds: Sequence[str], name: str | None = None) -> list[Found]:
    """The objects of *kinds* (and of this *name*) in *namespace*; one that is there twice is an UnusableManifest."""
    found: dict[tuple[int, str], Found] = {}
    for path in _files(root, namespace):
        for candidate in _objects(root, path, namespace):
            kind, own_name = candidate.manifest["kind"], candidate.manifest["metadata"]["name"]
            if kind not in kinds or name not in (None, own_name):
                continue
            key = kinds.index(kind), own_name
            if key in found:
                raise UnusableManifest(path, f"{kind} {own_name!r} is in {found[key].path} as well: remove one of them")
            found[key] = candidate
    return [found[key] for key in sorted(found)]


def write(path: Path, text: str) -> None:
    """Put *text* at *path*, in place of what is there; a reader sees the one or the other. Raises UnusableManifest."""
    half = path.with_name(f".{path.name}.half-written")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            half.chmod(path.stat().st_mode & 0o777)
        half.replace(path)
    except OSError as error:
        raise UnusableManifest(path, f"cannot be written: {error.strerror}") from None


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """One writer at a time. The lock is the directory's own, so that no file is left behind in a repository."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UnusableManifest(root, f"is not a directory that can be written to: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _files(root: Path, namespace: str) -> Iterator[Path]:
    if not root.exists():
        return
    try:
        yield from (path for path in sorted(root.iterdir()) if _is_manifest(path) and not path.is_dir())
        for folder, folders, names in os.walk(root / namespace):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (path for path in (Path(folder, name) for name in sorted(names)) if _is_manifest(path))
    except OSError as error:
        raise UnusableManifest(root, f"cannot be listed: {error.strerror}") from None


def _is_manifest(path: Path) -> bool:
    return path.suffix in _SUFFIXES and not path.name.startswith(".")


def _objects(root: Path, path: Path, namespace: str) -> list[Found]:
    text = _text(root, path)
    try:
        documents = list(yaml.load_all(text, _Loader))
    except yaml.YAMLError as error:
        raise UnusableManifest(path, f"is not YAML that can be read{_place(error)}: correct or remove it") from None
    alone = sum(document is not None for document in documents) == 1
    return [
        Found(path.resolve(), text, number, steps, _in_namespace(manifest, namespace), alone and not steps)
        for number, document in enumerate(documents)
        for steps, manifest in _items(document)
        if manifest["metadata"].get("namespace", namespace) == namespace
    ]


def _in_namespace(manifest: Manifest, namespace: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def _items(document: Any) -> Iterator[tuple[tuple[Step, ...], Manifest]]:
    if not isinstance(document, dict):
        return
    if document.get("kind") == "List" and isinstance(document.get("items"), list):
        for number, item in enumerate(document["items"]):
            for steps, manifest in _items(item):
                yield ("items", number, *steps), manifest
    elif isinstance(document.get("metadata"), dict) and "kind" in document and "name" in document["metadata"]:
        yield (), document


def _text(root: Path, path: Path) -> str:
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(root.resolve()):
            raise UnusableManifest(path, f"is a symlink that leads out of {root}: put the file itself there")
        if not real.is_file():
            raise UnusableManifest(path, "is not a regular file: remove it")
        return real.read_bytes().decode()
    except UnicodeDecodeError:
        raise UnusableManifest(path, "is not UTF-8 text: correct or remove it") from None
    except (OSError, RuntimeError) as error:
        raise UnusableManifest(
            path, f"cannot be read: {getattr(error, 'strerror', None) or 'a loop of symlinks'}"
        ) from None


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
