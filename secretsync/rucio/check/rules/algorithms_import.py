"""algorithms-import: an import in get_algorithms() cannot succeed."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.algorithms import registry
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import Failure
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Imports that fail when ``get_algorithms`` is looked up."""

    def effect(_: Failure) -> str:
        return "get_algorithms() fails, Rucio swallows it, and none of the algorithms it names is registered by it"

    start, name = registry(package)
    return failing.findings(rule, package, setting, start, effect, function=name)


RULE = Rule(
    "algorithms-import",
    Severity.ERROR,
    "An import in get_algorithms() cannot succeed",
    "Rucio calls get_algorithms() and catches every ImportError in it without a log line: the dictionary is never "
    "registered, and daemons fail later, or place files by another algorithm, when one of its names is asked for. "
    "Modules that were imported before the failing one may have registered algorithms themselves.",
    find,
)
