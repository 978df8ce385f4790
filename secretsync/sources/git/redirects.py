"""Where a redirect leads, and whether credentials may go along. A calculation on two URLs."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

_ASKED = "/info/refs"
_PORTS = {"http": 80, "https": 443}


def repository_at(url: str, location: str) -> str:
    """The repository that a redirect from *url* names; empty where *location* is no repository, a sign-in for instance.

    *location* is the ``Location`` of an answer to ``URL/info/refs?service=git-upload-pack``, which git asks first.
    """
    requested = f"{url.rstrip('/')}{_ASKED}"
    parts = urlsplit(urljoin(requested, location))
    return shown(parts).removesuffix(_ASKED) if location and parts.path.endswith(_ASKED) else ""


def may_follow(url: str, target: str) -> bool:
    """Whether credentials for *url* may be sent to *target*: it is of the same origin, or its upgrade to https."""
    before, after = urlsplit(url), urlsplit(target)
    same_host = before.hostname == after.hostname and after.username is None
    if before.scheme == after.scheme:
        return same_host and _port(before) == _port(after)
    return same_host and (before.scheme, after.scheme) == ("http", "https")


def shown(parts: SplitResult) -> str:
    """The URL without its query, which may hold what opens something."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _port(parts: SplitResult) -> int | None:
    return parts.port or _PORTS.get(parts.scheme)
