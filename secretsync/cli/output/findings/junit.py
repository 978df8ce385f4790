"""JUnit's XML, which nearly every CI shows as tests: a suite for a package, a case for each rule."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from secretsync.cli.output.findings.checked import Checked, message
from secretsync.core.escape import visible
from secretsync.rucio.check import RULES, Finding, Severity


def render(checked: Sequence[Checked]) -> str:
    """A rule without an error passes; what warns is its output."""
    suites = ElementTree.Element("testsuites", name="secretsync check")
    for package in checked:
        suites.append(_suite(package))
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def _suite(checked: Checked) -> ElementTree.Element:
    versions = f" (Rucio {', '.join(checked.rucio)})" if checked.rucio else ""
    spoke = {finding.rule for finding in checked.findings}
    rules = [*(rule.name for rule in RULES), *sorted(spoke - {rule.name for rule in RULES})]
    cases = [_case(checked, rule) for rule in rules]
    failed = sum(case.find("failure") is not None for case in cases)
    suite = ElementTree.Element(
        "testsuite", name=f"{visible(checked.package)}{versions}", tests=str(len(cases)), failures=str(failed)
    )
    suite.extend(cases)
    return suite


def _case(checked: Checked, rule: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=visible(checked.package), name=rule)
    findings = [finding for finding in checked.findings if finding.rule == rule]
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    for error in errors:
        failure = ElementTree.SubElement(case, "failure", message=message(error), type=rule)
        failure.text = _location(checked, error)
    warnings = [finding for finding in findings if finding.severity is not Severity.ERROR]
    if warnings:
        output = ElementTree.SubElement(case, "system-out")
        output.text = "\n".join(
            f"{_location(checked, finding)}: {finding.severity}: {message(finding)}" for finding in warnings
        )
    return case


def _location(checked: Checked, finding: Finding) -> str:
    line = f":{finding.line}" if finding.line else ""
    versions = checked.versions_of(finding)
    return visible(f"{checked.path_of(finding)}{line}{f' ({versions})' if versions else ''}")
