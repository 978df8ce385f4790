"""Which of Rucio's actions a package knows nothing of: copies of the generic permissions go stale."""

from __future__ import annotations

from dataclasses import dataclass

from secretsync.core.model import Bundle
from secretsync.rucio.check.dispatch import dispatch
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import rucio


@dataclass(frozen=True, slots=True)
class AgainstGeneric:
    """The actions of Rucio *rucio* that the package *lacks*, and those that only the package has.

    *decided_by* says what decides on a lacking one. A package that delegates to generic lacks nothing.
    """

    rucio: str
    lacks: tuple[str, ...]
    only_here: tuple[str, ...]
    decided_by: str


def against_generic(bundle: Bundle, version: str = "") -> AgainstGeneric:
    """Compare with the generic permissions of Rucio *version* (empty: the newest that is known)."""
    release = rucio(version)
    table = dispatch(Package(bundle))
    if table is None or table.delegates or not table.actions:
        return AgainstGeneric(release.version, (), (), "Rucio's generic permissions")
    decided_by = f"the package's {table.default}" if table.default else "Rucio's generic permissions"
    lacks, only_here = release.actions - table.actions.keys(), table.actions.keys() - release.actions
    return AgainstGeneric(release.version, tuple(sorted(lacks)), tuple(sorted(only_here)), decided_by)
