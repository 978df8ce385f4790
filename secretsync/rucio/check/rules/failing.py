"""From an import that fails to a finding: the words that the rules about imports have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import Failure, failures
from secretsync.rucio.check.rucio import ALGORITHM_TYPES, PackageLost
from secretsync.rucio.check.rules.rule import Rule, Setting


def findings(
    rule: Rule, package: Package, setting: Setting, start: str, effect: Callable[[Failure], str], *, function: str = ""
) -> Iterator[Finding]:
    """A finding for each import that *start* reaches and that fails; one behind an ``if`` or an ``except`` warns "
    "only."""
    for failure in failures(package, setting.rucio, setting.images, start, function=function):
        if not is_own_name(package, failure):
            severity = rule.severity if failure.certain else Severity.WARNING
            message = f"{cause(failure)}: {effect(failure)}"
            yield rule.finding(
                failure.module.path,
                failure.line,
                message,
                remedy(package, failure),
                about=failure.missing,
                severity=severity,
            )


_LOST = {
    PackageLost.WARNING: "Rucio takes its generic permissions and schema, with a WARNING in the log only",
    PackageLost.SILENT: "Rucio takes its generic permissions and schema without a log line",
    PackageLost.STOPS: "Rucio raises PolicyPackageNotFound and the process dies",
}


def then(setting: Setting, start: str, *, error: str) -> str:
    """What Rucio makes of an exception named *error* while it loads *start* (or calls ``get_algorithms``)."""
    is_module = error in ("ModuleNotFoundError", "PackageNotFoundError")
    is_import = is_module or error == "ImportError"
    if start == "get_algorithms":
        swallowed = "Rucio swallows it, and none of the algorithms is registered"
        return swallowed if is_import else "whatever asks for an algorithm first fails"
    if start in ALGORITHM_TYPES:
        default_used = f"Rucio uses its own default for {start} instead of the package's"
        return default_used if is_import else f"whatever asks for the algorithm {start} fails"
    if not is_module:
        return "the process dies"
    if start == "":
        return _LOST[setting.rucio.package_lost]
    if start == "permission" and setting.vo:
        return f"Rucio raises PolicyPackageNotFound for every permission it checks for VO {setting.vo!r}"
    kind = "permissions" if start == "permission" else "schema"
    return f"Rucio takes its generic {kind} instead of the package's, with a WARNING in the log only"


def cause(failure: Failure) -> str:
    """What Python raises, and why."""
    kind = "ModuleNotFoundError" if failure.is_module else "ImportError"
    return f"importing {failure.missing} raises {kind} ({failure.reason})"


def remedy(package: Package, failure: Failure) -> str:
    """What to change so that the import does not fail."""
    top, _, rest = failure.missing.partition(".")
    if failure.import_.beyond:
        return f"import it by its full name, {package.name}.…"
    if top == package.name:
        return f"add the file that defines {rest or top} to the package, or correct the import"
    if top == "rucio":
        return "import it from where this version of Rucio has it, or keep to a Rucio that has it"
    if package.has(top):
        return f"import it as 'from {package.name} import {top}': the package's own folder is not on the path"
    if not failure.is_module:
        return "use what Python 3.9 has, or put the import into 'try … except ImportError'"
    return f"do without {top}, bring its files in the package, or add it to the images"


def is_own_name(package: Package, failure: Failure) -> bool:
    """Whether the package is imported under another name than it will have; a rule of its own speaks of that."""
    top, _, rest = failure.missing.partition(".")
    name = failure.import_.name.partition(".")[2]
    return failure.is_module and not rest and top != package.name and bool(name) and package.has(name)
