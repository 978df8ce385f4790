"""Reports in their formats: a format is a function that returns a string and prints nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from secretsync.cli.output.report import Report
    from secretsync.cli.output.style import Style

REPORTS = ("text", "json", "markdown", "junit", "html")
"""The formats of a report: a new one is a module with a ``render``, and its name here."""


def render_report(report: Report, form: str, style: Style) -> str:
    """*report* in one of REPORTS; only a text has a *style*."""
    module = import_module(f"{__name__}.{form}")
    text: str = module.render(report, style) if form == "text" else module.render(report)
    return text
