"""A report as JUnit's XML, which CI systems show as test cases: one for each package, finding and workload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from secretsync.cli.output.report import Finding, Outcome, Report, Target
from secretsync.core.escape import visible

_BAD = ("failed", "timed out")
_STOPPED = (Outcome.REFUSED, Outcome.FAILED, Outcome.ROLLED_BACK)


@dataclass(frozen=True)
class Case:
    """A test case; *failure* is why it failed, empty where it passed."""

    group: str
    name: str
    failure: str = ""
    output: str = ""


def render(report: Report) -> str:
    """One test suite for each target. Errors fail, warnings and changes that are pending do not."""
    root = Element("testsuites", name=f"secretsync {report.command}")
    for target in report.targets:
        _suite(root, target, list(_cases(target)), report.time.isoformat())
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(root: Element, target: Target, cases: list[Case], time: str) -> None:
    failures = sum(bool(case.failure) for case in cases)
    suite = SubElement(
        root,
        "testsuite",
        name=visible(target.target),
        tests=str(len(cases)),
        failures=str(failures),
        errors="0",
        skipped="0",
        timestamp=time,
    )
    for case in cases:
        element = SubElement(suite, "testcase", classname=visible(f"{target.target}.{case.group}"), name=case.name)
        if case.failure:
            SubElement(element, "failure", message=case.failure)
        if case.output:
            SubElement(element, "system-out").text = case.output


def _cases(target: Target) -> Iterator[Case]:
    stopped = target.outcome in _STOPPED
    yield _case("outcome", str(target.outcome), target.summary if stopped else "", target.summary)
    for package in target.packages:
        yield _case("packages", f"{package.module} {package.version}".strip(), "", f"{package.source} {package.commit}")
    for degradation in target.degraded:
        yield _case("packages", degradation.module, degradation.problem.message)
    for finding in target.findings:
        sentence = f"{finding.effect} {finding.remedy}"
        yield _case("check", _location(finding), sentence if finding.severity == "error" else "", sentence)
    for status in target.rollout:
        failed = status.counts and status.state in _BAD
        text = f"{status.state}: {status.message}"
        yield _case("rollout", str(status.workload), text if failed else "", text)
    if target.undo:
        yield _case("rollback", str(target.undo.outcome), target.undo.failure, target.undo.summary)


def _case(group: str, name: str, failure: str = "", output: str = "") -> Case:
    return Case(group, visible(name), visible(failure), visible(output))


def _location(finding: Finding) -> str:
    line = f":{finding.line}" if finding.line else ""
    return f"{finding.rule} {finding.path}{line}".strip()
