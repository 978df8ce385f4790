"""permission-missing: the package has no permission.py."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """A package without a permission module."""
    if package.has("permission"):
        return
    effect = (
        f"Rucio raises PolicyPackageNotFound for every permission it checks for VO {setting.vo!r}"
        if setting.vo
        else "Rucio uses its generic permissions, with a WARNING in the log only"
    )
    remedy = "Add a permission.py; one whose has_permission returns None says that the generic permissions are wanted"
    yield rule.finding("", 0, effect, remedy)


RULE = Rule(
    "permission-missing",
    Severity.ERROR,
    "The package has no permission.py",
    "Rucio takes a package without a permission module for one that needs no permissions of its own: it logs one "
    "WARNING and uses the generic ones. With several VOs it raises PolicyPackageNotFound at the first permission that "
    "is checked. The same happens by accident when the file is lost on its way.",
    find,
)
