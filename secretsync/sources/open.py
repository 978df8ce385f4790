"""Where policy packages come from: git, an index, a directory."""

from __future__ import annotations

from pathlib import Path

from secretsync.config import Package
from secretsync.config.requirement import DirectoryRequirement, GitRequirement, parse
from secretsync.core.model import Source
from secretsync.sources.cache import CachedSource


def open_source(package: Package, *, cache: Path, base: Path) -> Source:
    """The source that the package's requirement names; nothing is asked or read yet.

    *cache* is the folder for what was fetched; relative paths start at *base*. Each room is imported when it is used:
    the index's libraries cost more than a whole run that needs only git. Raises UnusableRequirement.
    """
    requirement = parse(package.requirement)
    # git and ssh are not started in our directory: what they are told must mean the same there
    cache, base = cache.absolute(), base.absolute()
    if isinstance(requirement, DirectoryRequirement):
        from secretsync.sources.directory import DirectorySource

        return DirectorySource(package, requirement, base=base)
    if isinstance(requirement, GitRequirement):
        from secretsync.sources.git.source import GitSource

        return CachedSource(
            cache, lambda folder, notes: GitSource(package, requirement, cache=folder, base=base, notes=notes)
        )
    from secretsync.sources.index.source import IndexSource

    return CachedSource(
        cache, lambda folder, notes: IndexSource(package, requirement, cache=folder, base=base, notes=notes)
    )
