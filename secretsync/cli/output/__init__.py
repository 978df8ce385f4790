"""Reports as text or JSON; a format returns strings and prints nothing."""

from __future__ import annotations

from secretsync.cli.output import json, text
from secretsync.reconcile.destination import Report


def render(report: Report, output: str, *, diff: bool = False) -> str:
    """The report in the format *output*, ``text`` or ``json``."""
    return json.render(report) if output == "json" else text.render(report, diff=diff)
