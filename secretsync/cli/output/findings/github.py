"""Workflow commands, which GitHub shows as annotations beside the lines of a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from secretsync.cli.output.findings.checked import Checked, message
from secretsync.rucio.check import Finding, Severity

_KINDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "notice"}


def render(checked: Sequence[Checked]) -> str:
    """A command a line; the path is relative to the repository's root."""
    return "".join(f"{_command(package, finding)}\n" for package in checked for finding in package.findings)


def _command(checked: Checked, finding: Finding) -> str:
    versions = checked.versions_of(finding)
    title = f"{finding.rule} ({versions})" if versions else finding.rule
    properties = {"file": checked.path_of(finding), "line": str(finding.line or ""), "title": title}
    parameters = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{_KINDS[finding.severity]} {parameters}::{_escaped(message(finding))}"


def _property(value: str) -> str:
    return _escaped(value).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
