"""init-missing: the package has no __init__.py."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, _: Setting) -> Iterator[Finding]:
    """A package without an ``__init__.py``."""
    if "" not in package.modules and "" not in package.compiled:
        yield rule.finding(
            "",
            0,
            "Without an __init__.py Rucio checks no supported version and registers no algorithms, and an older copy "
            "of the package in an image's site-packages is used instead of these files",
            "Add an __init__.py, an empty one will do",
        )


RULE = Rule(
    "init-missing",
    Severity.ERROR,
    "The package has no __init__.py",
    "A directory without __init__.py is a namespace package: Python prefers any regular package of that name that "
    "comes later on the path, so an older copy in site-packages wins. SUPPORTED_VERSION and get_algorithms() do not "
    "exist, and Rucio asks for neither.",
    find,
)
