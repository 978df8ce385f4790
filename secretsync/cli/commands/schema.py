"""``secretsync schema``: the JSON schemas of what is read and printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

from secretsync import config
from secretsync.cli.commands import completion, configuration, export, values
from secretsync.cli.output import doctor, releases, report, status
from secretsync.cli.output.findings.json import CheckReport

SCHEMAS: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "config": config.schema,
    "report": lambda: report.schema(report.Report),
    "status": lambda: report.schema(status.StatusReport),
    "history": lambda: report.schema(releases.HistoryReport),
    "revision": lambda: report.schema(releases.RevisionReport),
    "diff": lambda: report.schema(releases.RevisionDiff),
    "doctor": lambda: report.schema(doctor.DoctorReport),
    "suspension": lambda: report.schema(releases.SuspensionReport),
    "check": lambda: report.schema(CheckReport),
    "merge": lambda: report.schema(values.MergeReport),
    "lint": lambda: report.schema(values.LintReport),
    "export": lambda: report.schema(export.Exported),
    "requirements": lambda: report.schema(export.Pins),
    "validation": lambda: report.schema(configuration.Validation),
    "completion": lambda: report.schema(completion.CompletionScript),
    "error": lambda: report.schema(report.CommandFailed),
}
"""By what they describe: ``report`` is the JSON of plan, apply, run and rollback, ``revision`` of history show."""


@click.command(
    "schema",
    short_help="The JSON schema of what -o json prints.",
    epilog="\b\nExamples:\n  secretsync schema report    of plan, apply, run and rollback\n  secretsync schema status",
)
@click.argument("document", metavar="DOCUMENT", type=click.Choice(list(SCHEMAS)))
def schema_command(document: str) -> None:
    """Print the JSON schema of a DOCUMENT: config, or what -o json prints.

    report is that of plan, apply, run and rollback, revision of history show, suspension of suspend and resume, merge
    and lint of values, requirements of export, validation of config, error of a command that could not begin. The
    others have the names of their commands: status, history, diff, doctor, check, export, completion.
    """
    click.echo(json.dumps(SCHEMAS[document](), indent=2))
