"""A code quality report, which GitLab shows in merge requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from secretsync.cli.output.findings.checked import Checked, message
from secretsync.rucio.check import Finding, Severity

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTICE: "info"}


def render(checked: Sequence[Checked]) -> str:
    """A list of issues; the path is relative to the repository's root."""
    return (
        json.dumps([_issue(package, finding) for package in checked for finding in package.findings], indent=2) + "\n"
    )


def _issue(checked: Checked, finding: Finding) -> dict[str, object]:
    versions = checked.versions_of(finding)
    identity = f"{checked.package}|{finding.rule}|{finding.path}|{finding.line}|{finding.effect}"
    return {
        "description": f"{message(finding)}{f' ({versions})' if versions else ''}",
        "check_name": finding.rule,
        "fingerprint": hashlib.sha256(identity.encode(errors="backslashreplace")).hexdigest(),
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": checked.path_of(finding), "lines": {"begin": max(finding.line, 1)}},
    }
