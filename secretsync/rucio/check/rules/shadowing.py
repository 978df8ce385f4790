"""shadows-standard-library: a module is named like one of the standard library."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import standard_library
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """A package or a module of it that is named like one which Rucio needs."""
    if package.name in setting.rucio.needs:
        yield rule.finding(
            "",
            0,
            f"The package is named {package.name} like a module that Rucio itself needs: one of the two cannot be "
            "imported, and the process dies or runs without the package",
            "Give the package another name",
            severity=Severity.ERROR,
        )
    for module in package.sources:
        if "." not in module.name and module.name in standard_library():
            yield rule.finding(
                module.path,
                0,
                f"Where the package's own folder is on PYTHONPATH, this takes the place of the standard library's "
                f"{module.name} "
                "for Rucio and all that it imports",
                "Put the folder above the package on PYTHONPATH, or rename the module",
            )


RULE = Rule(
    "shadows-standard-library",
    Severity.NOTICE,
    "A module is named like one of the standard library",
    "PYTHONPATH comes before the standard library. If the package's own folder is on it, instead of the folder above "
    "it, a types.py or logging.py of the package is what Rucio and its libraries import. Named so, the package itself "
    "(an error) is either never found, or breaks whatever needs the real one.",
    find,
)
