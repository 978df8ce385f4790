"""Where policy packages come from: the source for each form of requirement."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from secretsync.config import Package
from secretsync.config.credentials import of_url
from secretsync.config.requirement import (
    FileRequirement,
    GitRequirement,
    IndexRequirement,
    Requirement,
)
from secretsync.core.model import Bundle, Source
from secretsync.sources.cache import CachedSource


class SourceClass(Protocol):
    """What a line of SOURCES names: it opens a requirement of its form, pins it, and knows what it is called."""

    def __call__(
        self, package: Package, requirement: Any, *, cache: Path, base: Path, notes: tuple[str, ...]
    ) -> Source:
        """The source of *package*; nothing is asked or read yet.

        It keeps what it fetches below *cache*; relative paths start at *base*; *notes* go into each bundle.
        """

    @staticmethod
    def pinned(requirement: Any, bundle: Bundle) -> str:
        """The requirement in pip's form, narrowed to what *bundle* is. Raises SourceError where pip has none."""

    @staticmethod
    def package_name(requirement: Any) -> str:
        """What a package of that requirement is most often called."""


def open_source(package: Package, *, cache: Path, base: Path) -> Source:
    """The source that the package's requirement names; nothing is asked or read yet.

    *cache* is the folder for what was fetched; relative paths start at *base*.
    """
    requirement, source = package.requirement, source_class(package.requirement)
    # git and ssh are not started in our directory: what they are told must mean the same there
    base, warnings = base.absolute(), plain_http_notes(package, requirement)
    return CachedSource(
        cache.absolute(),
        lambda folder, notes: source(package, requirement, cache=folder, base=base, notes=(*notes, *warnings)),
    )


def pinned(requirement: Requirement, bundle: Bundle) -> str:
    """What means, for pip and for ever, what *requirement* was resolved to. Raises NotForPip.

    It holds neither blanks nor commas, at which Rucio's Dockerfiles split their build argument.
    """
    return source_class(requirement).pinned(requirement, bundle).replace(",", "%2C").replace(" ", "%20")


def package_name(requirement: Requirement) -> str:
    """What a package of that requirement is most often called."""
    return source_class(requirement).package_name(requirement)


def source_class(requirement: Requirement) -> SourceClass:
    """The class that the requirement's line of SOURCES names."""
    # imported when it is used: the index's libraries cost more than a whole run that needs only git
    return cast("SourceClass", resolve_name(f"secretsync.sources.{requirement.source}"))


def plain_http_notes(package: Package, requirement: Requirement) -> tuple[str, ...]:
    """A warning for each URL over http:// that is asked; not where nobody is on the way."""
    return tuple(
        f"{url}: over http:// everybody on the way can read and change what is fetched; use https://"
        for url, _ in map(of_url, _requested_urls(package, requirement))
        if url.startswith("http:") and not _is_loopback(urlsplit(url).hostname or "")
    )


def _requested_urls(package: Package, requirement: Requirement) -> tuple[str, ...]:
    match requirement:
        case IndexRequirement(url=""):
            return (package.index or os.environ.get("PIP_INDEX_URL", ""), *package.extra_indexes)
        case GitRequirement(url=url) | IndexRequirement(url=url) | FileRequirement(url=url):
            return (url,)
        case _:
            return ()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
