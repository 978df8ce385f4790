"""SARIF 2.1.0 (OASIS), which code scanning of GitHub and others read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from secretsync.cli.output.findings.checked import Checked, message, sentence
from secretsync.rucio.check import RULES, Finding, Severity

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}


def render(checked: Sequence[Checked]) -> str:
    """One run with the rules that spoke and a result for each finding; paths are relative to the repository's root."""
    used = {finding.rule for package in checked for finding in package.findings}
    driver = {"name": "secretsync", "rules": [_rule(name) for name in sorted(used)]}
    results = [_result(package, finding) for package in checked for finding in package.findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2) + "\n"


def _rule(name: str) -> dict[str, Any]:
    rule = next((candidate for candidate in RULES if candidate.name == name), None)
    if rule is None:  # the proof has no rule: it says what was seen
        return {"id": name, "shortDescription": {"text": "What the real Rucio was seen to do."}}
    return {
        "id": name,
        "shortDescription": {"text": sentence(rule.title)},
        "fullDescription": {"text": rule.behaviour},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(checked: Checked, finding: Finding) -> dict[str, Any]:
    uri = quote(checked.path_of(finding))
    location = {"artifactLocation": {"uri": uri}, "region": {"startLine": max(finding.line, 1)}}
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": message(finding).replace("](", "] (")},  # which would be a link
        "locations": [{"physicalLocation": location}],
        "properties": {"rucio": list(finding.rucio or checked.rucio), "about": finding.about},
    }
