"""A repository, as pip names one: ``git+https://host/repo@ref#subdirectory=dir``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote

from secretsync.config.requirement.errors import UnusableRequirement
from secretsync.config.requirement.form import Requirement, Written
from secretsync.config.requirement.url import split_url

# as pip takes it, and git; servers name commits in lower case
_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
# what ssh refuses in a user's name
_NO_USER = re.compile(r"""['"`;&<>|(){}]""")
_SCHEMES = ("https", "http", "ssh", "file")
# What git itself refuses in a ref's name (git check-ref-format).
_NO_REF = re.compile(r"^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/$|\.$|\.lock$|^@$")


@dataclass(frozen=True, slots=True)
class GitRequirement(Requirement):
    """A repository; *ref* is empty for its default branch, *subdirectory* for its root."""

    url: str
    ref: str = ""
    subdirectory: str = ""


def read(written: Written) -> GitRequirement | None:
    """The repository of a URL that begins with ``git+``. Raises UnusableRequirement."""
    return _git(written.url) if written.url.startswith("git+") else None


def _git(text: str) -> GitRequirement:
    parts = split_url(text.removeprefix("git+"), text)
    if parts.scheme not in _SCHEMES:
        schemes = ", ".join(f"git+{scheme}" for scheme in _SCHEMES)
        raise UnusableRequirement(text, f"'git+{parts.scheme}' is not supported: there are {schemes}")
    path, at, ref = parts.path.rpartition("@")
    if not at:
        path, ref = parts.path, ""
    elif _NO_REF.search(ref) or not ref:
        raise UnusableRequirement(text, f"{ref!r} after '@' cannot be the name of a branch or a tag, nor a commit id")
    _refuse_odd_addresses(parts, path, text)
    ref = ref.lower() if _COMMIT.fullmatch(ref) else ref
    if parts.scheme in ("http", "https"):
        path = path.replace(" ", "%20")  # as forges show it, and curl does not take it
    return GitRequirement(f"{parts.scheme}://{parts.netloc}{path}", ref, _subdirectory(parts.fragment, text))


def _refuse_odd_addresses(parts: SplitResult, path: str, requirement: str) -> None:
    # ssh and git would read a leading '-' as one of their options.
    if parts.netloc.startswith("-") or (parts.hostname or "").startswith("-") or path.startswith(("-", "/-")):
        raise UnusableRequirement(requirement, "neither host nor path may begin with '-'")
    if _NO_USER.search(parts.username or ""):
        raise UnusableRequirement(requirement, "the name before '@' holds a character that ssh takes in no user's name")
    if parts.query:
        raise UnusableRequirement(requirement, "a repository's URL has no '?'")
    if not path.strip("/"):
        raise UnusableRequirement(requirement, "names a host and no repository")


def _subdirectory(fragment: str, requirement: str) -> str:
    # unlike a query, a fragment has no '+' for a space
    pairs = (pair.partition("=") for pair in fragment.split("&") if pair)
    options = {unquote(key): unquote(value) for key, _, value in pairs}
    subdirectory = options.pop("subdirectory", "").strip("/")
    options.pop("egg", None)
    if options:
        raise UnusableRequirement(requirement, f"'#{next(iter(options))}=' is not known; there is '#subdirectory='")
    if ".." in subdirectory.split("/"):
        raise UnusableRequirement(requirement, "the subdirectory leads out of the repository")
    return "/".join(part for part in subdirectory.split("/") if part not in ("", "."))
