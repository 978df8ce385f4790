"""Reports in their formats: a format is a function that returns a string and prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from secretsync.cli.output import html, json, junit, markdown, text
from secretsync.cli.output.report import Report
from secretsync.cli.output.style import Style

REPORTS: Mapping[str, Callable[[Report, Style], str]] = {
    "text": text.render,
    "json": lambda report, _: json.render(report),
    "markdown": lambda report, _: markdown.render(report),
    "junit": lambda report, _: junit.render(report),
    "html": lambda report, _: html.render(report),
}
"""The formats of a report: a new one is a module and a line here."""
