"""schema-import: an import in schema.py cannot succeed."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import Failure
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Imports that fail when Rucio loads the schema."""

    def effect(failure: Failure) -> str:
        if failure.is_module:
            return "Rucio takes its generic schema instead of the package's, with a WARNING in the log only"
        return "Rucio cannot load the schema and the process dies of ErrorLoadingPolicyPackage"

    return failing.findings(rule, package, setting, "schema", effect)


RULE = Rule(
    "schema-import",
    Severity.ERROR,
    "An import in schema.py cannot succeed",
    "When importing <module>.schema raises ModuleNotFoundError, for whatever module, Rucio logs one WARNING and uses "
    "its generic schema: other name lengths and patterns. Any other ImportError (a missing name) ends the process "
    "with ErrorLoadingPolicyPackage.",
    find,
)
