"""Findings for a person, on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from secretsync.cli.output import policy
from secretsync.cli.output.findings.checked import Checked, sentence
from secretsync.core.escape import visible
from secretsync.rucio.check import Finding, Severity
from secretsync.rucio.check.actions import ActionRow

_WIDTH = 80


def render(checked: Sequence[Checked]) -> str:
    """The worst first, then who decides on what and how the policy changes, where that was asked for."""
    return "\n".join(visible(line) for package in checked for line in _package(package)) + "\n"


def _package(checked: Checked) -> Iterator[str]:
    for finding in checked.findings:
        yield from _paragraph(finding)
    for proof in checked.proofs:
        yield f"proven on Rucio {proof.rucio}, Python {proof.python}: {proof.verdict}"
    yield f"{checked.package}: {_verdict(checked)}"
    yield from _actions(checked.actions)
    if checked.diff:
        yield from policy.diff_text(checked.diff).splitlines()
    for compared in checked.against_generic:
        yield from policy.against_generic_text(compared).splitlines()


def _paragraph(finding: Finding) -> Iterator[str]:
    line = f":{finding.line}" if finding.line else ""
    location = f" {finding.path}{line}" if finding.path else ""
    versions = f" (Rucio {', '.join(finding.rucio)})" if finding.rucio else ""
    yield f"{finding.severity}{location} [{finding.rule}]{versions}"
    for paragraph in (finding.effect, finding.remedy):
        yield from wrap(
            visible(sentence(paragraph)), _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )


def _verdict(checked: Checked) -> str:
    """``passed (Rucio 41.5.1)``, or how many findings there are."""
    counts = {severity: sum(finding.severity is severity for finding in checked.findings) for severity in Severity}
    counted = [f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in counts.items() if count]
    versions = f" (Rucio {', '.join(checked.rucio)})" if checked.rucio else ""
    return ", ".join(counted) or f"passed{versions}"


def _actions(rows: tuple[ActionRow, ...]) -> Iterator[str]:
    """As a table; a column that no row has something for is left out."""
    if not rows:
        return
    head = ("action", "decided by", "changed", "proven", "Rucio")
    cells = [(row.action, row.decided_by, row.changed, row.proven, ", ".join(row.rucio)) for row in rows]
    used = [index for index in range(len(head)) if any(row[index] for row in cells)]
    table = [[visible(row[index]) for index in used] for row in (head, *cells)]
    widths = [max(len(row[column]) for row in table) for column in range(len(used))]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
