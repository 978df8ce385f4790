"""Where policy packages come from: the source for each form of requirement."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from secretsync.config import Package
from secretsync.config.credentials import of_url
from secretsync.config.requirement import (
    DirectoryRequirement,
    FileRequirement,
    GitRequirement,
    IndexRequirement,
    parse,
)
from secretsync.core.model import Source
from secretsync.sources.cache import CachedSource


def open_source(package: Package, *, cache: Path, base: Path) -> Source:
    """The source that the package's requirement names; nothing is asked or read yet.

    *cache* is the folder for what was fetched; relative paths start at *base*. Raises UnusableRequirement.
    """
    requirement = parse(package.requirement)
    # git and ssh are not started in our directory: what they are told must mean the same there
    return SOURCES[type(requirement)](package, requirement, cache.absolute(), base.absolute())


# Each module is imported when it is used: the index's libraries cost more than a whole run that needs only git.


def _directory(package: Package, requirement: DirectoryRequirement, _cache: Path, base: Path) -> Source:
    from secretsync.sources.directory import DirectorySource

    return DirectorySource(package, requirement, base=base)


def _git(package: Package, requirement: GitRequirement, cache: Path, base: Path) -> Source:
    from secretsync.sources.git.source import GitSource

    return CachedSource(
        cache,
        lambda folder, notes: GitSource(
            package, requirement, cache=folder, base=base, notes=(*notes, *plain_http_notes(package, requirement))
        ),
    )


def _index(package: Package, requirement: IndexRequirement, cache: Path, base: Path) -> Source:
    from secretsync.sources.index.source import IndexSource

    return CachedSource(
        cache,
        lambda folder, notes: IndexSource(
            package, requirement, cache=folder, base=base, notes=(*notes, *plain_http_notes(package, requirement))
        ),
    )


def _file(package: Package, requirement: FileRequirement, cache: Path, base: Path) -> Source:
    # the key of FILE_SOURCES is the module's name, so that such a source is one file and one line
    open_file = import_module(f"secretsync.sources.{requirement.source}").Source
    return CachedSource(
        cache,
        lambda folder, notes: open_file(
            package, requirement, cache=folder, base=base, notes=(*notes, *plain_http_notes(package, requirement))
        ),
    )


SOURCES: Mapping[type, Callable[[Package, Any, Path, Path], Source]] = {
    DirectoryRequirement: _directory,
    GitRequirement: _git,
    IndexRequirement: _index,
    FileRequirement: _file,
}
"""What opens each form of requirement."""


def plain_http_notes(
    package: Package, requirement: GitRequirement | IndexRequirement | FileRequirement
) -> tuple[str, ...]:
    """A warning for each URL over http:// that is asked; not where nobody is on the way."""
    index = (package.index or os.environ.get("PIP_INDEX_URL", ""), *package.extra_indexes)
    urls = (requirement.url,) if requirement.url else index
    return tuple(
        f"{of_url(url)[0]}: over http:// everybody on the way can read and change what is fetched; use https://"
        for url in urls
        if url.startswith("http:") and not _is_loopback(urlsplit(url).hostname or "")
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
