"""A proof as text for people, and as JSON for programs."""

from __future__ import annotations

import json as json_format
import textwrap
from typing import Any

from secretsync.rucio.prove.proof import Proof

_WIDTH = 80


def text(proof: Proof) -> str:
    """The verdict on one line, then each finding with its place and the way out."""
    vo = f", VO {proof.vo}" if proof.vo else ""
    lines = [f"Rucio {proof.rucio}, Python {proof.python}{vo}: {proof.verdict}"]
    if not proof.findings:
        lines += _wrapped(f"{proof.seen}.", "  ")
    for finding in proof.findings:
        location = f"{finding.path}:{finding.line}: " if finding.line else f"{finding.path}: " if finding.path else ""
        lines += _wrapped(f"{location}{finding.effect}.", "  ") + _wrapped(f"{finding.remedy}.", "    ")
    return "\n".join(lines) + "\n"


def as_data(proof: Proof) -> dict[str, Any]:
    """What a program reads: the verdict, the findings and the probe's own report."""
    return {
        "rucio": proof.rucio,
        "python": proof.python,
        "vo": proof.vo,
        "verdict": proof.verdict.value,
        "findings": [
            {
                "severity": finding.severity.value,
                "path": finding.path,
                "line": finding.line,
                "about": finding.about,
                "effect": finding.effect,
                "remedy": finding.remedy,
            }
            for finding in proof.findings
        ],
        "report": dict(proof.report),
    }


def json(proof: Proof) -> str:
    """The proof as one JSON document; its keys are those of `as_data`."""
    return json_format.dumps(as_data(proof), indent=2, sort_keys=True) + "\n"


def _wrapped(sentence: str, indent: str) -> list[str]:
    return textwrap.wrap(sentence, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False)
