"""init-import: an import in __init__.py cannot succeed."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import Failure
from secretsync.rucio.check.rucio import PackageLost
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.rule import Rule, Setting

_LOST = {
    PackageLost.WARNING: "Rucio takes its generic permissions and schema, with a WARNING in the log only",
    PackageLost.SILENT: "Rucio takes its generic permissions and schema without a log line",
    PackageLost.STOPS: "Rucio raises PolicyPackageNotFound and the process dies",
}


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Imports that fail when Rucio loads the package itself."""

    def effect(failure: Failure) -> str:
        if failure.is_module:
            return _LOST[setting.rucio.package_lost]
        return "Rucio cannot load the package and the process dies"

    return failing.findings(rule, package, setting, "", effect)


RULE = Rule(
    "init-import",
    Severity.ERROR,
    "An import in __init__.py cannot succeed",
    "Rucio imports the package before its permission and schema modules. If that raises ModuleNotFoundError, releases "
    "up to 37.5 log a WARNING and use generic permissions and schemas, 37.6.0 to 39.0.0 use them without a log line, "
    "and from 39.1.0 on the process dies of PolicyPackageNotFound. Any other ImportError (a missing name, for "
    "instance) ends the process in every release. Imports that 'try … except ImportError' catches, and those under "
    "TYPE_CHECKING, are no faults.",
    find,
)
