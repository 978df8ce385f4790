"""Forges: where a branch becomes a request that a person merges. One file for each, and a line of FORGES."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from secretsync.cluster.repository.errors import ForgeUnknown

__all__ = ["FORGES", "Forge", "Request", "forge_of", "newest"]


@dataclass(frozen=True)
class Request:
    """A merge or pull request, by its *number* and the *url* that people open; *commit* is the newest of its branch."""

    number: int
    url: str
    commit: str = ""
    is_open: bool = True
    merged: bool = False

    def declines(self, commit: str) -> bool:
        """Whether a person closed it without a merge, when its branch was at *commit*."""
        return not self.is_open and not self.merged and self.commit == commit


def newest(requests: Sequence[Request]) -> Request | None:
    """Of *requests*, the newest first, the one that is open, else the first; None where there is none."""
    return next((request for request in requests if request.is_open), requests[0] if requests else None)


class Forge(Protocol):
    """The verbs of a forge's API; each raises ForgeRefused."""

    def find(self, branch: str, base: str) -> Request | None:
        """The request that would merge *branch*: one that is open, else the last one; None where there was none."""

    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        """Open one; *body* is Markdown."""

    def update(self, request: Request, title: str, body: str) -> None:
        """Replace its title and description."""

    def close(self, request: Request, reason: str) -> None:
        """Say *reason* in a comment, and close it."""


FORGES: Mapping[str, tuple[str, ...]] = {
    "github": ("github",),
    "gitlab": ("gitlab",),
    "gitea": ("gitea", "forgejo", "codeberg"),
}
"""Each forge, a module of this package, and the words of a host's name that tell it."""


def forge_of(url: str) -> str:
    """The forge at *url*, by its host's name. Raises ForgeUnknown."""
    host = urlsplit(url).hostname or url
    forge = next((name for name, hosts in FORGES.items() if any(host_part in host for host_part in hosts)), None)
    if forge is None:
        raise ForgeUnknown(host)
    return forge
