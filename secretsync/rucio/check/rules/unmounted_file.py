"""unmounted-file: a file that the package imports and that no mount brings."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.live import loaded
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    mounted = setting.situation.mounted_files
    if mounted is None:
        return
    files = (package.modules[name].file for name in loaded(package, setting.rucio))
    for path in sorted({file.path for file in files if not file.directory} - mounted):
        yield rule.finding(
            path,
            0,
            "Rucio imports this file, and the workloads mount the package file by file, without this one: the import "
            "fails, and Rucio goes on with its generic policy or ends",
            f"Add to their volumeMounts (secretMounts in Rucio's charts) {{mountPath: …/{package.name}/{path}, "
            f"subPath: {path}}}, or mount the whole Secret as a directory",
            about=path,
        )


RULE = Rule(
    "unmounted-file",
    Severity.ERROR,
    "A file that the package imports and that no mount brings",
    "Workloads may mount the package file by file, each with subPath. A new file of the package is then in the Secret "
    "and in no pod until somebody adds its mount: what imports it fails with ModuleNotFoundError, and Rucio falls back "
    "to its generic permission or schema. Files that nothing imports (a README, tests, data) need no mount.",
    find,
)
