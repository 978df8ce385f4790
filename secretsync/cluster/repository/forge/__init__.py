"""Forges: where a branch becomes a request that a person merges. One file for each, and a line of FORGES."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from secretsync.cluster.repository.errors import ForgeUnknown

__all__ = ["FORGES", "Forge", "Request", "forge_of"]


@dataclass(frozen=True)
class Request:
    """An open merge or pull request, by its *number* and the *url* that people open."""

    number: int
    url: str


class Forge(Protocol):
    """The verbs of a forge's API; each raises ForgeRefused."""

    def find(self, branch: str, base: str) -> Request | None:
        """The open request that would merge *branch*; None where there is none."""

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
