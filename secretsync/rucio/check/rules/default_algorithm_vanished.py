"""default-algorithm-vanished: a default algorithm is live and would vanish."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import ALGORITHM_TYPES
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Default algorithms that the live package has and this one has not."""
    if not setting.live or not setting.rucio.default_algorithms:
        return
    for kind in ALGORITHM_TYPES:
        if _has_default(setting.live, kind) and not _has_default(package, kind):
            instead = " (hash: files go to other paths)" if kind == "lfn2pfn" else ""
            yield rule.finding(
                f"{kind}.py" if kind in package.modules else "",
                0,
                f"The default algorithm for {kind} is live and would vanish: Rucio uses its own{instead}, with an "
                "INFO in the log at most",
                f"Put the function {kind} of {kind}.py back, or accept its loss with accept: ['{rule.name}:{kind}']",
                about=kind,
            )


def _has_default(package: Package, kind: str) -> bool:
    if kind not in package.modules:
        return False
    module = package.get(kind)
    names = package.names(module) if module else None
    return names is None or kind in names


RULE = Rule(
    "default-algorithm-vanished",
    Severity.ERROR,
    "A default algorithm is live and would vanish",
    "From 38.0 on the function T of the module <module>.T is the default algorithm of type T. A file that is missing "
    "is logged at INFO only, a missing function not at all, and Rucio's own default is used: with 'hash' instead of "
    "the package's lfn2pfn, files go to other paths than those that are there.",
    find,
    guard=True,
)
