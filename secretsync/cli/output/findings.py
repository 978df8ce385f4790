"""Findings for a person, a program, and the two forges that show them beside the lines they speak of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from textwrap import wrap

from secretsync.cli.output import policy
from secretsync.rucio.check import Finding, Severity
from secretsync.rucio.check.against_generic import AgainstGeneric
from secretsync.rucio.check.policy_diff import PolicyDiff

_WIDTH = 80
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "notice"}
_GITLAB = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTICE: "info"}


@dataclass(frozen=True)
class Checked:
    """What was found in one package, named *package* where it is spoken of.

    *diff* compares it with what is live, *against_generic* with Rucio's own permissions, where that was asked for.
    """

    package: str
    findings: tuple[Finding, ...]
    diff: PolicyDiff | None = None
    against_generic: tuple[AgainstGeneric, ...] = ()


def text(checked: Sequence[Checked]) -> str:
    """For a terminal of 80 columns, the worst first."""
    return "\n".join(line for one in checked for line in _package(one)) + "\n"


def as_json(checked: Sequence[Checked]) -> str:
    """A list with an object for each package; its findings' fields are named as in Finding."""
    return (
        json.dumps(
            [{key: value for key, value in asdict(one).items() if value is not None} for one in checked], indent=2
        )
        + "\n"
    )


def github(checked: Sequence[Checked]) -> str:
    """Workflow commands, which GitHub shows as annotations."""
    return "".join(f"{line}\n" for one in checked for finding in one.findings for line in _github(finding, one.package))


def gitlab(checked: Sequence[Checked]) -> str:
    """A code quality report, which GitLab shows in merge requests."""
    return json.dumps([_gitlab(finding, one.package) for one in checked for finding in one.findings], indent=2) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[Checked]], str]] = {
    "text": text,
    "json": as_json,
    "github": github,
    "gitlab": gitlab,
}


def _package(checked: Checked) -> Iterator[str]:
    for finding in checked.findings:
        yield from _paragraph(finding)
    yield f"{checked.package}: {_count(checked.findings)}"
    if checked.diff:
        yield policy.diff_text(checked.diff).rstrip("\n")
    for compared in checked.against_generic:
        yield policy.against_generic_text(compared).rstrip("\n")


def _paragraph(finding: Finding) -> Iterator[str]:
    line = f":{finding.line}" if finding.line else ""
    place = f" {_visible(finding.path)}{line}" if finding.path else ""
    versions = f" (Rucio {', '.join(finding.rucio)})" if finding.rucio else ""
    yield f"{finding.severity}{place} [{finding.rule}]{versions}"
    for sentence in (finding.effect, finding.remedy):
        yield from wrap(
            _visible(_sentence(sentence)),
            _WIDTH,
            initial_indent="  ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        )


def _sentence(words: str) -> str:
    """Capital letter and full stop, unless it begins with a name from the code."""
    first = words.partition(" ")[0]
    begun = words if "_" in first or "." in first else words[:1].upper() + words[1:]
    return begun if begun.endswith((".", "…")) else f"{begun}."


def _visible(words: str) -> str:
    """A package's own words may hold control characters: a terminal must not obey them."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in words)


def _count(findings: tuple[Finding, ...]) -> str:
    counts = {severity: sum(one.severity is severity for one in findings) for severity in Severity}
    said = [f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in counts.items() if count]
    return ", ".join(said) or "nothing found"


def _github(finding: Finding, package: str) -> Iterator[str]:
    line = f",line={finding.line}" if finding.line else ""
    place = _escaped(_place(finding, package)).replace(":", "%3A").replace(",", "%2C")
    words = _escaped(f"{_sentence(finding.effect)} {_sentence(finding.remedy)}")
    yield f"::{_GITHUB[finding.severity]} file={place}{line},title={finding.rule}::{words}"


def _gitlab(finding: Finding, package: str) -> dict[str, object]:
    fingerprint = f"{package}|{finding.rule}|{finding.path}|{finding.line}|{finding.effect}"
    return {
        "description": f"{_sentence(finding.effect)} {_sentence(finding.remedy)}",
        "check_name": finding.rule,
        "fingerprint": hashlib.sha256(fingerprint.encode()).hexdigest(),
        "severity": _GITLAB[finding.severity],
        "location": {"path": _place(finding, package), "lines": {"begin": max(finding.line, 1)}},
    }


def _escaped(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _place(finding: Finding, package: str) -> str:
    return f"{package}/{finding.path}" if finding.path else f"{package}/__init__.py"
