"""permission-import: an import in permission.py cannot succeed."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import Failure
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Imports that fail when Rucio loads the permissions."""

    def effect(failure: Failure) -> str:
        if not failure.is_module:
            return "Rucio cannot load the permissions and the process dies of ErrorLoadingPolicyPackage"
        if setting.vo:
            return f"Rucio raises PolicyPackageNotFound for every permission it checks for VO {setting.vo!r}"
        return "Rucio takes its generic permissions instead of the package's, with a WARNING in the log only"

    return failing.findings(rule, package, setting, "permission", effect)


RULE = Rule(
    "permission-import",
    Severity.ERROR,
    "An import in permission.py cannot succeed",
    "When importing <module>.permission raises ModuleNotFoundError, for whatever module, Rucio takes it for a package "
    "without permissions: it logs one WARNING and uses its generic permissions, while /ping stays green. With several "
    "VOs it raises PolicyPackageNotFound instead. Any other ImportError (a missing name) ends the process with "
    "ErrorLoadingPolicyPackage. A module is available if it is in the package, in that Rucio, in the standard library "
    "of Python 3.9, or in every kind of image that mounts the package.",
    find,
)
