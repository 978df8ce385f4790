"""algorithm-vanished: an algorithm that get_algorithms() registers is live and would vanish."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.algorithms import algorithms
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Algorithms that the live package registers and this one does not."""
    before = algorithms(setting.live) if setting.live else None
    after = algorithms(package)
    if not before or (after and not after.complete):
        return
    remaining = {(entry.type, entry.name) for entry in after.entries} if after else set()
    for entry in before.entries:
        if (entry.type, entry.name) not in remaining:
            yield rule.finding(
                after.path if after else "__init__.py",
                after.types.get(entry.type, 0) if after else 0,
                f"The {entry.type} algorithm {entry.name!r} is live and would vanish: Rucio fails wherever a storage "
                "element or the configuration names it",
                f"Make sure that nothing names {entry.name!r} any more, or put it back",
                about=f"{entry.type}/{entry.name}",
            )


RULE = Rule(
    "algorithm-vanished",
    Severity.WARNING,
    "An algorithm that get_algorithms() registers is live and would vanish",
    "Storage elements name their lfn2pfn algorithm in an attribute, and Rucio's configuration names others. A name "
    "that is no longer registered raises a KeyError or an exception of Rucio where it is used. Whether it is named "
    "anywhere is in Rucio's database, which this check does not read: a warning.",
    find,
    guard=True,
)
