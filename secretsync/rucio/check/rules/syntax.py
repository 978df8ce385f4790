"""syntax: a file that Python 3.9 cannot compile."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import ALGORITHM_TYPES
from secretsync.rucio.check.rules.live import loaded
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Modules that the images' Python cannot parse; those that Rucio does not load are a warning."""
    harmful = loaded(package, setting.rucio)
    for module in package.sources:
        fault = module.fault
        if not fault:
            continue
        used = module.name in harmful
        severity = rule.severity if used else Severity.WARNING
        if fault.too_large:
            effect = f"The file {fault.reason}: what Rucio makes of it is not known"
            remedy = "Move data out of the Python file, or exclude the file"
        else:
            cannot = f"Python 3.9, which Rucio's images run, cannot compile it ({fault.reason})"
            effect = cannot + _then(module.name, used=used)
            remedy = (
                "Write it so that Python 3.9 compiles it"
                if used
                else "Exclude it, or write it so that Python 3.9 compiles it"
            )
        yield rule.finding(module.path, fault.line, effect, remedy, severity=severity)


def _then(name: str, *, used: bool) -> str:
    if not used:
        return "; Rucio does not load it"
    if name in ALGORITHM_TYPES:
        return ": whatever in Rucio asks for this algorithm fails"
    return ": Rucio's process dies of a SyntaxError"


RULE = Rule(
    "syntax",
    Severity.ERROR,
    "A file that Python 3.9 cannot compile",
    "Rucio's images run Python 3.9. A SyntaxError is not an ImportError, so nothing in Rucio catches it: the process "
    "dies when it imports the module. Null bytes, a wrong encoding and expressions nested too deeply count as well. "
    "In a file that Rucio never loads (a test) it is a warning. Files above 256 KiB, or 512 KiB or "
    "60,000 words and signs of all together, are not read.",
    find,
)
