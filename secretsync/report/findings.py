"""Findings for a person, a program, and the two forges that show them beside the lines they speak of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from textwrap import wrap

from secretsync.check import Finding, Severity

_WIDTH = 80
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "notice"}
_GITLAB = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTICE: "info"}


def text(findings: Iterable[Finding], package: str) -> str:
    """For a terminal of 80 columns, the worst first."""
    found = tuple(findings)
    return "\n".join([line for one in found for line in _paragraph(one)] + [f"{package}: {_count(found)}"]) + "\n"


def as_json(findings: Iterable[Finding], package: str) -> str:
    """One object with the package's name and a list of findings, their fields named as in Finding."""
    listed = [
        {
            "rule": one.rule,
            "severity": str(one.severity),
            "path": one.path,
            "line": one.line,
            "effect": one.effect,
            "remedy": one.remedy,
            "about": one.about,
            "rucio": list(one.rucio),
        }
        for one in findings
    ]
    return json.dumps({"package": package, "findings": listed}, indent=2) + "\n"


def github(findings: Iterable[Finding], package: str) -> str:
    """Workflow commands, which GitHub shows as annotations."""
    return "".join(f"{line}\n" for one in findings for line in _github(one, package))


def gitlab(findings: Iterable[Finding], package: str) -> str:
    """A code quality report, which GitLab shows in merge requests."""
    listed = [
        {
            "description": f"{one.effect}. {one.remedy}",
            "check_name": one.rule,
            "fingerprint": hashlib.sha256(f"{package}|{one.rule}|{one.path}|{one.effect}".encode()).hexdigest(),
            "severity": _GITLAB[one.severity],
            "location": {"path": _place(one, package), "lines": {"begin": max(one.line, 1)}},
        }
        for one in findings
    ]
    return json.dumps(listed, indent=2) + "\n"


FORMATS: Mapping[str, Callable[[Iterable[Finding], str], str]] = {
    "text": text,
    "json": as_json,
    "github": github,
    "gitlab": gitlab,
}


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


def _escaped(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _place(finding: Finding, package: str) -> str:
    return f"{package}/{finding.path}" if finding.path else f"{package}/__init__.py"
