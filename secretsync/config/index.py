"""Which index owns which names, so that no other can give a package of one of them (dependency confusion)."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from pydantic import Field, field_validator

from secretsync.config.fields import Model
from secretsync.config.package import Package, plain_index_url
from secretsync.config.requirement import IndexRequirement


class OwningIndex(Model):
    """An index, and the distributions that come from there and nowhere else."""

    url: str = Field(min_length=1, description="the simple index's URL")
    names: tuple[str, ...] = Field(min_length=1, description="names of distributions, or globs: site-*")

    @field_validator("url")
    @classmethod
    def _is_an_index(cls, value: str) -> str:
        return plain_index_url(value)

    def owns(self, distribution: str) -> bool:
        """Whether one of its *names*, which may be patterns, is *distribution*'s, both normalized as PEP 503 says."""
        # imported here: most configurations have no such index
        from packaging.utils import canonicalize_name

        return any(fnmatch.fnmatchcase(canonicalize_name(distribution), canonicalize_name(name)) for name in self.names)


def with_owner(package: Package, indexes: Sequence[OwningIndex]) -> Package:
    """*package*, asked for at the index that owns its name alone. Raises ValueError where it names another."""
    requirement = package.requirement
    if not isinstance(requirement, IndexRequirement) or requirement.url:
        return package
    owners = {index.url for index in indexes if index.owns(requirement.name)}
    if not owners:
        return package
    urls = {url for url in (package.index, *package.extra_indexes) if url}
    if len(owners) > 1 or not urls <= owners:
        owning = " and ".join(sorted(owners | urls))
        raise ValueError(f"indexes: {requirement.name!r} would come from {owning}: let one own it")
    return package.model_copy(update={"index": owners.pop(), "extra_indexes": ()})
