"""unmounted-directory: a sub-directory of the package that the pods do not mount."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.live import loaded
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Directories of the package that Rucio imports from and no workload mounts."""
    mounted = setting.situation.mounted
    if mounted is None:
        return
    needed = {package.modules[name].file.directory for name in loaded(package, setting.rucio)}
    for directory in sorted({file.directory for file in package.bundle.files} - mounted - {""}):
        files = sorted(file.path for file in package.bundle.files if file.directory == directory)
        if directory in needed:
            effect = "Rucio imports from this directory, and the pods do not mount its Secret: it finds no such module"
            yield rule.finding(
                files[0], 0, effect, f"Mount the Secret of {directory}/ below the package's own", about=directory
            )
        else:
            yield rule.finding(
                files[0],
                0,
                "The pods do not mount the Secret of this directory: Rucio does not see its files, nor does it ask "
                "for them",
                f"Leave it out with exclude: ['{directory}/*'], or mount its Secret",
                about=directory,
                severity=Severity.WARNING,
            )


RULE = Rule(
    "unmounted-directory",
    Severity.ERROR,
    "A sub-directory of the package that the pods do not mount",
    "A Secret holds one directory. A workload that mounts the package's own and not that of a sub-directory has the "
    "files of the first alone: Rucio's import from the second raises ModuleNotFoundError. It is an error only where "
    "__init__, permission, schema, get_algorithms() or a default algorithm imports from it; tests that came along are "
    "a warning.",
    find,
)
