"""default-algorithm: a module named like a type of algorithm has no function of that name."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.algorithms import registry
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import reached
from secretsync.rucio.check.rucio import ALGORITHM_TYPES
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Modules named like a type of algorithm that have no function of that name."""
    if not setting.rucio.default_algorithms:
        return
    used = _used_elsewhere(package)
    for kind in ALGORITHM_TYPES:
        module = package.get(kind)
        names = package.names(module) if module else None
        if module and names is not None and kind not in names and kind not in used:
            yield rule.finding(
                module.path,
                1,
                f"Rucio looks here for a function {kind} as the default algorithm, finds none, and uses its own "
                "without a log line",
                f"Name the function {kind}, or register it in get_algorithms()",
                about=kind,
            )


def _used_elsewhere(package: Package) -> set[str]:
    """Modules that the package imports itself: their algorithms are registered by name."""
    prefix = f"{package.name}."
    return {
        f"{imported.name}.{name}".removeprefix(prefix).partition(".")[0]
        for start, function in (("", ""), registry(package), ("permission", ""), ("schema", ""))
        for _, imported in reached(package, start, function=function)
        for name in (imported.names or ("",))
        if imported.name.startswith(prefix) or imported.name == package.name
    }


RULE = Rule(
    "default-algorithm",
    Severity.ERROR,
    "A module named like a type of algorithm has no function of that name",
    "From 38.0 on the function T of the module <module>.T is the default algorithm of type T. If the module has no "
    "such function and nothing imports it, it has no effect at all: Rucio uses its own default ('hash' for lfn2pfn) "
    "and logs nothing. A module whose algorithms get_algorithms() registers is no fault.",
    find,
)
