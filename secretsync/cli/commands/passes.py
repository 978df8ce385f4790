"""``secretsync plan``, ``apply`` and ``run``: what would change, the change, and the long-running form."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog

from secretsync.cli import apply
from secretsync.cli.commands import explain
from secretsync.cli.interrupted import said_when_interrupted
from secretsync.cli.options import only_target, with_formats
from secretsync.cli.output import REPORTS, render_report
from secretsync.cli.settings import Settings, chosen_targets
from secretsync.core import shutdown
from secretsync.core.errors import CHANGES_PENDING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from secretsync.cli.output.describe import Command
    from secretsync.cli.output.report import Target
    from secretsync.reconcile.all_targets import Outcome

log = structlog.get_logger()

WITH_ACTIONS = ("json", "markdown", "html")
"""The formats that say who decides on Rucio's actions."""

_diff = click.option("--diff", is_flag=True, help="Add the text of what differs, file by file.")


@with_formats(*REPORTS)
@click.command(
    "plan",
    short_help="Show what an apply would change.",
    epilog="\b\nExamples:\n  secretsync plan\n  secretsync plan --diff --target production\n"
    "\n\b\nThe same as 'secretsync --once --dry-run'.",
)
@_diff
@only_target
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan there, without contents; print its id.",
)
@click.pass_context
def plan_command(context: click.Context, diff: bool, target_name: str | None, out: Path | None) -> None:
    """Show what an apply would write and restart, and why. Nothing is written to a target.

    Exit code 3 when something would change, 0 when all is up to date.
    """
    context.exit(report_on(context.obj, "plan", apply.preview_all, target_name, texts=diff, out=out))


@with_formats(*REPORTS)
@click.command(
    "apply",
    short_help="Write the Secrets, and restart what mounts them.",
    epilog="\b\nExamples:\n  secretsync apply\n  secretsync apply --target testbed\n"
    "\n\b\nThe same as 'secretsync --once'.",
)
@_diff
@only_target
@click.option(
    "--plan",
    "plan",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Do exactly what this file of 'plan --out' says, or nothing.",
)
@click.option("--plan-id", metavar="sha256:…", help="Do exactly the plan with this id, or nothing.")
@click.pass_context
def apply_command(
    context: click.Context, diff: bool, target_name: str | None, plan: Path | None, plan_id: str | None
) -> None:
    """Write what differs, restart the workloads that mount it, and wait until every pod is ready.

    A rollout that fails is rolled back, with exit code 4. With --plan or --plan-id, exit code 3 says that something
    else would be done than what was approved, and that nothing was written.
    """
    act = _approved(plan, plan_id) if plan or plan_id else apply.sync_all
    context.exit(report_on(context.obj, "apply", act, target_name, texts=diff))


def _approved(path: Path | None, plan_id: str | None) -> apply.Act:
    """Raises UsageError where the file is not the plan with that id."""
    # imported here: most applies need no approval
    from secretsync.cli import approved

    if plan_id and not re.fullmatch(r"sha256:[0-9a-f]{64}", plan_id):
        raise click.UsageError(
            f"--plan-id {plan_id!r}: an id is sha256: and 64 hex digits, as 'secretsync plan' prints it"
        )
    document = approved.read_plan(path) if path else None
    if document and plan_id and document.id != plan_id:
        raise click.UsageError(f"{path} holds the plan {document.id}, not {plan_id}")
    return approved.apply_approved(document, document.id if document else str(plan_id))


@click.command(
    "run",
    short_help="Apply again and again, at every interval.",
    epilog="\b\nExamples:\n  secretsync run\n\n\b\nThe same as 'secretsync' without a command.",
)
@click.pass_obj
def run_command(settings: Settings) -> None:
    """Apply at every 'interval' of the configuration, until SIGTERM. SIGUSR1 starts a pass at once."""
    from secretsync.cli.page import Page
    from secretsync.service.daemon import Service

    page = Page()

    def show(outcome: Outcome) -> None:
        _show_pass(settings, outcome)
        page.add(outcome)

    try:
        Service(settings.path, show, page.html, apply.request_description).run()
    except shutdown.Stopped as stopped:
        # being asked to stop is how this form ends
        log.info(str(stopped))


def report_on(
    settings: Settings,
    command: Command,
    act: apply.Act,
    target_name: str | None,
    *,
    texts: bool,
    out: Path | None = None,
) -> int:
    """Visit the targets and report on them: in text each as soon as it ends, else in one document. The exit code.

    The plan that can be approved is written to *out*.
    """
    from secretsync.cli.output.describe import describe_target, report_on_targets
    from secretsync.cli.output.style import of_terminal
    from secretsync.cli.output.text import render_table

    style = of_terminal(settings.color)
    configuration = chosen_targets(settings.configuration(), target_name)
    streams, dry_run, actions = settings.output == "text", command == "plan", settings.output in WITH_ACTIONS
    targets: dict[int, Target] = {}

    def show(outcome: Outcome) -> None:
        writes.ended(outcome.destination.name)
        target = describe_target(outcome, dry_run=dry_run, texts=texts, actions=actions)
        targets[id(outcome)] = target
        log_outcome(target, command, settings)
        if streams:
            click.echo(render_report(report_on_targets((target,), command), "text", style), nl=False)

    with said_when_interrupted() as writes:
        outcomes = act(configuration, settings.base, show, target_name)
    report = report_on_targets(tuple(targets[id(outcome)] for outcome in outcomes), command)
    if out:
        report = replace(report, plan_id=_write_plan(out, outcomes))
    rest = render_table(report.targets, style) if streams else render_report(report, settings.output, style)
    click.echo(rest, nl=False)
    if streams and report.plan_id:
        click.echo(f"plan {report.plan_id}")
    return report.exit_code


def _write_plan(path: Path, outcomes: Sequence[Outcome]) -> str:
    """The id of the plan that was written; empty where there is none to approve, which is logged."""
    from secretsync.cli.approved import NotApprovable, plan_of, write_plan

    try:
        document = plan_of(outcomes)
    except NotApprovable as error:
        if path.is_file():  # an older plan is not what this report says; a device is nobody's to delete
            path.unlink()
        explain(error)
        return ""
    write_plan(path, document)
    return document.id


def log_outcome(described: Target, command: Command, settings: Settings) -> None:
    """One event: of each pass where the log is for programs or the command goes on, else of one that failed.

    Where the report is read with the log there is none: a person need not read the outcome twice.
    """
    failed = described.exit_code not in (0, CHANGES_PENDING)
    if settings.report_is_read_with_the_log:
        return
    if command == "run" or settings.log_format == "json":
        write = log.error if failed else log.info
        write("pass ended", target=described.target, outcome=str(described.outcome), **_facts(described))
    elif failed:
        log.error("refused" if described.refusal else "failed", at=described.target, why=_reason(described))


def _facts(described: Target) -> Mapping[str, object]:
    """What a program that collects logs gets to know of a pass."""
    revisions = {package.module: package.revision for package in described.packages}
    degraded = {degradation.module: degradation.problem.message for degradation in described.degraded}
    return {
        **({"revisions": revisions} if revisions else {}),
        **({"degraded": degraded} if degraded else {}),
        **({"code": described.error.code} if described.error else {}),
        "why": described.summary,
    }


def _reason(described: Target) -> str:
    """Why a pass failed, in a line."""
    if described.error:
        return described.error.message
    if described.refusal or described.failure:
        return described.summary
    return "; ".join(degradation.problem.message for degradation in described.degraded)


def _show_pass(settings: Settings, outcome: Outcome) -> None:
    from secretsync.cli.output.describe import describe_target

    target = describe_target(outcome, dry_run=False)
    log_outcome(target, "run", settings)
    print_target(target, "run", settings)


def print_target(target: Target, command: Command, settings: Settings) -> None:
    """Print the report on one target."""
    from secretsync.cli.output.describe import report_on_targets
    from secretsync.cli.output.style import of_terminal

    report = report_on_targets((target,), command)
    click.echo(render_report(report, settings.output, of_terminal(settings.color)), nl=False)
