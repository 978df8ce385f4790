"""get-algorithms: get_algorithms() cannot be called, or returns no dictionary."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.algorithms import algorithms
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, _: Setting) -> Iterator[Finding]:
    """A ``get_algorithms`` that Rucio cannot call or read."""
    registered = algorithms(package)
    if registered and registered.unusable:
        yield rule.finding(
            registered.path,
            registered.line,
            f"get_algorithms() {registered.unusable}: whatever asks for an algorithm first, a daemon or a request, "
            "fails",
            "Let get_algorithms() take no argument and return a dictionary, {type: {name: function}}",
        )
    elif registered and registered.may_return_nothing:
        yield rule.finding(
            registered.path,
            registered.line,
            "get_algorithms() returns nothing where its condition does not hold: whatever asks for an algorithm first, "
            "a daemon or a request, fails",
            "Let it return a dictionary in any case, an empty one if there are no algorithms",
            severity=Severity.WARNING,
        )


RULE = Rule(
    "get-algorithms",
    Severity.ERROR,
    "get_algorithms() cannot be called, or returns no dictionary",
    "Rucio calls get_algorithms() of the package without arguments, wherever it is defined, and goes through the "
    "dictionary that it returns. A function that wants an argument raises TypeError, one that is async or forgets its "
    "return gives something without items(): an AttributeError. Rucio catches neither, and servers and nearly all "
    "daemons fail where algorithms are first used.",
    find,
)
