"""unmounted-file: a file of the package that no mount brings, where workloads mount it file by file."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.core.listed import listed
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.live import loaded
from secretsync.rucio.check.rules.rule import Rule, Setting

_NAMED = 5
"""Files that a notice names."""


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Files of the package that no workload mounts."""
    mounted = setting.situation.mounted_files
    if mounted is None:
        return
    imported = {package.modules[name].file.path for name in loaded(package, setting.rucio)}
    missing = sorted({file.path for file in package.bundle.files if not file.directory} - mounted)
    for path in sorted(imported.intersection(missing)):
        yield rule.finding(
            path,
            0,
            "Rucio imports this file, and the workloads mount the package file by file, without this one: the import "
            "fails, and Rucio goes on with its generic policy or ends",
            f"Add to their volumeMounts (secretMounts in Rucio's charts) {_mount(package, path)}, or mount the whole "
            "Secret as a directory",
            about=path,
        )
    if unimported := [path for path in missing if path not in imported]:
        yield rule.finding(
            "",
            0,
            f"No mount brings {listed(unimported, _NAMED)}: the Secret holds them, no pod does, and Rucio imports none",
            f"Nothing to do where no code opens them; else add {_mount(package, unimported[0])} to the volumeMounts",
            about="not imported",
            severity=Severity.NOTICE,
        )


def _mount(package: Package, path: str) -> str:
    return f"{{mountPath: …/{package.name}/{path}, subPath: {path}}}"


RULE = Rule(
    "unmounted-file",
    Severity.ERROR,
    "A file of the package that no mount brings",
    "Workloads may mount the package file by file, each with subPath. A new file of the package is then in the Secret "
    "and in no pod until somebody adds its mount: what imports it fails with ModuleNotFoundError, and Rucio falls back "
    "to its generic permission or schema. Files that Rucio does not import (a README, tests, data) are a notice: only "
    "code that opens them misses them.",
    find,
)
