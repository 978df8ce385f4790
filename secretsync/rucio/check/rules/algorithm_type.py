"""algorithm-type: get_algorithms() returns a type of algorithm that Rucio does not know."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.algorithms import algorithms
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import ALGORITHM_TYPES
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Types of algorithms that Rucio does not know."""
    registered = algorithms(package)
    if not registered:
        return
    accepted = setting.rucio.algorithm_types
    for kind, line in registered.types.items():
        if accepted is not None and kind not in accepted:
            yield rule.finding(
                registered.path,
                line,
                f"Rucio has no algorithms of type {kind!r} and raises InvalidPolicyPackageAlgorithmType at their "
                "first use, by which servers and nearly all daemons fail",
                "Rename 'surl' to 'non_deterministic_pfn'" if kind == "surl" else f"Use one of {', '.join(accepted)}",
                about=kind,
            )
        elif accepted is None and kind == "surl" and "non_deterministic_pfn" in registered.types:
            yield rule.finding(
                registered.path,
                line,
                "Rucio replaces the algorithms of type 'non_deterministic_pfn' by those of 'surl'",
                "Give 'non_deterministic_pfn' only",
                about=kind,
                severity=Severity.WARNING,
            )
        elif accepted is None and kind not in (*ALGORITHM_TYPES, "surl"):
            yield rule.finding(
                registered.path,
                line,
                f"Rucio keeps algorithms of type {kind!r}, and no part of it ever asks for them",
                f"Use one of {', '.join(ALGORITHM_TYPES)}",
                about=kind,
                severity=Severity.WARNING,
            )


RULE = Rule(
    "algorithm-type",
    Severity.ERROR,
    "get_algorithms() returns a type of algorithm that Rucio does not know",
    "From 38.3.0 on Rucio raises InvalidPolicyPackageAlgorithmType for a type other than "
    + ", ".join(ALGORITHM_TYPES)
    + ", wherever algorithms are first used: 'surl' took down nearly all daemons of two experiments. Up to 38.2.0 "
    "'surl' replaced the entries of 'non_deterministic_pfn', and no other type was looked at.",
    find,
)
