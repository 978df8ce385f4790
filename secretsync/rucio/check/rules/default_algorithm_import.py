"""default-algorithm-import: an import in a module that holds a default algorithm cannot succeed."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import Failure
from secretsync.rucio.check.rucio import ALGORITHM_TYPES
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Imports that fail when Rucio loads a default algorithm."""
    if not setting.rucio.default_algorithms:
        return
    for kind in ALGORITHM_TYPES:

        def effect(_: Failure, kind: str = kind) -> str:
            instead = " (hash)" if kind == "lfn2pfn" else ""
            return (
                f"Rucio uses its own default for {kind}{instead} instead of the package's, with an INFO in the log only"
            )

        yield from failing.findings(rule, package, setting, kind, effect)


RULE = Rule(
    "default-algorithm-import",
    Severity.ERROR,
    "An import in a module that holds a default algorithm cannot succeed",
    "From 38.0 on Rucio takes the function T of the module <module>.T for each type of algorithm T (lfn2pfn, scope, "
    "…) without get_algorithms(). An ImportError in that module is logged at INFO, and Rucio's own default is used: "
    "for lfn2pfn that is 'hash', and files go to other paths than before.",
    find,
)
