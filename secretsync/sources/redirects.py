"""Where a redirect leads, and whether it may be followed. A calculation on URLs."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

ANYWHERE = "*"
"""In place of hosts that may be redirected to: any, for a file whose digest is known."""

_REFS = "/info/refs"
_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, as RFC 6454 compares them."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme.lower(), (parts.hostname or "").lower(), port or _PORTS.get(parts.scheme.lower(), 0)


def stays(start: str, target: str) -> bool:
    """Whether *target* is at the place that *start* is at: of the same origin, or its upgrade to https."""
    scheme, host, port = origin(start)
    return origin(target) == (scheme, host, port) or (scheme == "http" and origin(target)[:2] == ("https", host))


def may_follow(start: str, target: str, allowed: Iterable[str]) -> bool:
    """Whether *target* is where *start* is, or at one of the places that are *allowed*.

    These are hosts, or ``http://host`` where what is encrypted so far would go on unencrypted.
    """
    scheme, host, port = origin(target)
    names = {host, f"{host}:{port}", ANYWHERE}
    if scheme != "https" and origin(start)[0] == "https":
        names = {f"http://{name}" for name in names}
    return stays(start, target) or bool(names & {name.lower().rstrip("/") for name in allowed})


def repository_at(url: str, location: str) -> str:
    """The repository that a redirect from *url* names; empty where *location* is no repository, a sign-in for instance.

    *location* is the ``Location`` of an answer to ``URL/info/refs?service=git-upload-pack``, which git asks first.
    """
    target = target_of(url, location)
    return target.removesuffix(_REFS) if target.endswith(_REFS) else ""


def target_of(url: str, location: str) -> str:
    """The URL that *location* names, without its query, which may hold what opens something; empty where it is none."""
    try:
        return shown(urljoin(f"{url.rstrip('/')}{_REFS}", location)) if location else ""
    except ValueError:
        return ""


def shown(url: str) -> str:
    """*url* without its user, query and fragment, which may hold what opens something. Raises ValueError."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
