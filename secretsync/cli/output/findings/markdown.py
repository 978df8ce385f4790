"""Markdown, for a comment on a pull request or a job's summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secretsync.cli.output.findings.checked import Checked, message
from secretsync.cli.output.markdown import plain_text
from secretsync.rucio.check import Finding


def render(checked: Sequence[Checked]) -> str:
    """A section for each package: a table of what was found, and of the actions where that was asked for."""
    return "\n".join(line for package in checked for line in _section(package)) + "\n"


def _section(checked: Checked) -> Iterator[str]:
    versions = f" for Rucio {', '.join(checked.rucio)}" if checked.rucio else ""
    yield f"### {plain_text(f'{checked.package}{versions}')}"
    yield ""
    for proof in checked.proofs:
        rucio, python, verdict = map(plain_text, (proof.rucio, proof.python, proof.verdict))
        yield f"Proven on Rucio {rucio}, Python {python}: **{verdict}**"
        yield ""
    if not checked.findings:
        yield "Passed."
    else:
        yield "| | where | what Rucio does | rule | Rucio |"
        yield "|---|---|---|---|---|"
        yield from (_row(checked, finding) for finding in checked.findings)
    yield ""
    if checked.actions:
        yield "| action | decided by | changed | proven | Rucio |"
        yield "|---|---|---|---|---|"
        for row in checked.actions:
            cells = (row.action, row.decided_by, row.changed, row.proven, ", ".join(row.rucio))
            yield f"| {' | '.join(map(plain_text, cells))} |"
        yield ""


def _row(checked: Checked, finding: Finding) -> str:
    line = f":{finding.line}" if finding.line else ""
    versions = ", ".join(finding.rucio or checked.rucio)
    cells = (finding.severity, f"{checked.path_of(finding)}{line}", message(finding), finding.rule, versions)
    return f"| {' | '.join(map(plain_text, cells))} |"
