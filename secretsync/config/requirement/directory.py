"""A local directory: a path, as pip tells one from a name."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from secretsync.config.requirement.errors import UnusableRequirement
from secretsync.config.requirement.form import Requirement, Written


@dataclass(frozen=True, slots=True)
class DirectoryRequirement(Requirement):
    """A local directory, as it was written: relative to whatever names it."""

    path: str


def read(written: Written) -> DirectoryRequirement | None:
    """The directory of a path or a file: URL. Raises UnusableRequirement."""
    return _directory(written.text) if _is_path(written.text) else None


def _is_path(text: str) -> bool:
    """As pip decides: a path has a separator or begins with a dot; other URLs have one too."""
    if text.startswith(("https:", "http:")):
        return False
    return text.startswith((".", "/", "file:")) or ("/" in text and "@" not in text)


def _directory(text: str) -> DirectoryRequirement:
    if not text.startswith("file:"):
        return DirectoryRequirement(text)
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost"):
        raise UnusableRequirement(text, "a file: URL has three slashes: file:///path")
    return DirectoryRequirement(unquote(parts.path))
