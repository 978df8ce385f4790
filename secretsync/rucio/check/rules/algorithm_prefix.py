"""algorithm-prefix: With several VOs, an algorithm's name does not start with the VO's."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.algorithms import algorithms
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Algorithms whose names do not begin with the VO, which Rucio refuses."""
    registered = algorithms(package)
    if not registered or not setting.vo:
        return
    for entry in registered.entries:
        if not entry.name.lower().startswith(setting.vo.lower()):
            yield rule.finding(
                registered.path,
                entry.line,
                f"Rucio raises InvalidAlgorithmName, since the algorithm {entry.name!r} does not start with its "
                "VO's name "
                f"{setting.vo!r}, and registers none of the package's algorithms",
                f"Rename it, for instance to {setting.vo}_{entry.name}",
                about=entry.name,
            )


RULE = Rule(
    "algorithm-prefix",
    Severity.ERROR,
    "With several VOs, an algorithm's name does not start with the VO's",
    "Where Rucio serves several VOs, each name that get_algorithms() returns must start with the name of the VO (in "
    "either case of letters), or Rucio raises InvalidAlgorithmName when algorithms are first used.",
    find,
)
