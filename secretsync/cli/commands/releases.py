"""``secretsync status``, ``history``, ``diff``, ``rollback``, ``suspend`` and ``resume``: none needs the source."""

from __future__ import annotations

import getpass
import socket
import sys
import time
from datetime import UTC, datetime

import click

from secretsync.cli import complete
from secretsync.cli.commands import explain_beside_report
from secretsync.cli.commands.passes import log_outcome, print_target
from secretsync.cli.interrupted import said_when_interrupted
from secretsync.cli.options import Group, dry_run_option, only_package, only_target
from secretsync.cli.output import releases as shown
from secretsync.cli.output.describe import describe_target, file_changes, problem
from secretsync.cli.output.status import StatusReport, TargetStatus, describe_status
from secretsync.cli.output.status_text import status_text
from secretsync.cli.settings import Settings, only_fitting
from secretsync.cli.streams import output_is_lost
from secretsync.core import shutdown
from secretsync.core.errors import CHANGES_PENDING, INTERRUPTED, SecretSyncError, worst
from secretsync.operations import releases
from secretsync.operations.status import accept_lost_mounts, damage, status
from secretsync.plan.state import Hold
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Delivery, Destination

_WATCH = 2.0
"""Seconds between two looks of ``status --watch``."""


def _destination_and_delivery(
    settings: Settings, target_name: str | None, module: str | None
) -> tuple[Destination, Delivery]:
    """The one package in the one namespace that a command is about."""
    targets = settings.destinations(target_name)
    names = [target.name or target.namespace for target, _ in targets]
    only_fitting(names, names, "--target")
    ((_, destination),) = targets
    modules = [delivery.placement.module for delivery in destination.deliveries]
    fitting = [name for name in modules if module in (None, name)]
    only_fitting(fitting, modules, "--package")
    return destination, destination.deliveries[modules.index(fitting[0])]


@click.command(
    "status",
    short_help="What is deployed, and which workloads run it.",
    epilog="\b\nExamples:\n  secretsync status\n  secretsync status --watch\n  secretsync status -o json",
)
@click.option("--watch", is_flag=True, help=f"Look again every {_WATCH:.0f} seconds, until Ctrl-C.")
@click.option("--exit-code", is_flag=True, help="Exit with 3 when a package or a workload is not current.")
@click.option("--accept", is_flag=True, help="Confirm that workloads which no longer mount a package are meant to.")
@only_target
@click.pass_context
def status_command(context: click.Context, watch: bool, exit_code: bool, accept: bool, target_name: str | None) -> None:
    """Show what is deployed where, since when, and which workloads run it. Only the cluster is read.

    With --accept, secretsync also remembers in its state object that workloads which mounted a package, and no longer
    do, are meant to run without it.
    """
    settings: Settings = context.obj
    destinations = [destination for _, destination in settings.destinations(target_name)]
    if accept:
        _accept(destinations)
    report, code = _status(settings, destinations)
    while watch:
        if sys.stdout.isatty() and settings.output == "text":
            click.clear()
        settings.print(report, status_text)
        if output_is_lost():
            context.exit(code)
        try:
            time.sleep(_WATCH)
        except shutdown.Stopped:
            context.exit(INTERRUPTED)
        report, code = _status(settings, destinations)
    settings.print(report, status_text)
    context.exit(code or (CHANGES_PENDING if exit_code and not report.current else 0))


def _accept(destinations: list[Destination]) -> None:
    for destination in destinations:
        accepted = accept_lost_mounts(destination)
        for lost in accepted:
            names = ", ".join(map(str, lost.workloads))
            click.echo(f"{destination.name}: accepted that {names} no longer mounts {lost.module}", err=True)
        if not accepted:
            click.echo(f"{destination.name}: nothing to accept: no workload lost a mount", err=True)


def _status(settings: Settings, destinations: list[Destination]) -> tuple[StatusReport, int]:
    """The report, and the exit code of the targets that could not be read."""
    statuses = [_target_status(settings, destination) for destination in destinations]
    report = StatusReport(time=datetime.now(UTC), targets=tuple(target for target, _ in statuses))
    return report, worst(code for _, code in statuses)


def _target_status(settings: Settings, destination: Destination) -> tuple[TargetStatus, int]:
    try:
        return describe_status(destination.name, status(destination)), 0
    except SecretSyncError as error:
        explain_beside_report(settings, error, destination.name)
        return TargetStatus(target=destination.name, error=problem(error)), error.exit_code


@click.group(
    "history",
    cls=Group,
    invoke_without_command=True,
    short_help="The revisions that are kept.",
    epilog="\b\nExamples:\n  secretsync history\n  secretsync history show 3",
)
@only_target
@only_package
@click.pass_context
def history_command(context: click.Context, target_name: str | None, module: str | None) -> None:
    """List the live revision and the earlier ones that are kept in the cluster, newest first."""
    if context.invoked_subcommand:
        return
    settings: Settings = context.obj
    destination, delivery = _destination_and_delivery(settings, target_name, module)
    report = shown.HistoryReport(
        time=datetime.now(UTC),
        target=destination.name,
        module=delivery.placement.module,
        revisions=tuple(map(shown.describe_revision, releases.revisions(destination, delivery))),
        damage=damage(destination, delivery),
    )
    settings.print(report, shown.history_text)


@history_command.command(
    "show",
    short_help="One revision with its files' names.",
    epilog="\b\nExamples:\n  secretsync history show 3",
)
@click.argument("revision", shell_complete=complete.revisions)
@only_target
@only_package
@click.pass_obj
def show_command(settings: Settings, revision: str, target_name: str | None, module: str | None) -> None:
    """Show a REVISION: its commit, its digest and the names of its files."""
    destination, delivery = _destination_and_delivery(settings, target_name, module)
    entry = releases.find(releases.revisions(destination, delivery), revision)
    report = shown.RevisionReport(
        target=destination.name, module=delivery.placement.module, revision=shown.describe_revision(entry)
    )
    settings.print(report, shown.revision_text)


@click.command(
    "diff",
    short_help="How two revisions differ, file by file.",
    epilog="\b\nExamples:\n  secretsync diff 3 4",
)
@click.argument("before", metavar="REVISION", shell_complete=complete.revisions)
@click.argument("after", metavar="REVISION", shell_complete=complete.revisions)
@only_target
@only_package
@click.pass_obj
def diff_command(settings: Settings, before: str, after: str, target_name: str | None, module: str | None) -> None:
    """Show how the files of two revisions differ. It prints the package's text."""
    entries = releases.revisions(*_destination_and_delivery(settings, target_name, module))
    old, new = releases.find(entries, before), releases.find(entries, after)
    report = shown.RevisionDiff(
        before=shown.describe_revision(old),
        after=shown.describe_revision(new),
        files=file_changes(old.bundle, new.bundle),
    )
    settings.print(report, shown.diff_text)


@click.command(
    "rollback",
    short_help="Go back to an earlier revision, and suspend the package.",
    epilog="\b\nExamples:\n  secretsync rollback             the revision before the live one\n"
    "  secretsync rollback 3           a revision of 'secretsync history'\n"
    "  secretsync rollback 3f2a91c     a commit, hash, digest or version",
)
@click.argument("revision", default="", shell_complete=complete.revisions)
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@dry_run_option
@only_target
@only_package
@click.pass_context
def rollback_command(
    context: click.Context, revision: str, yes: bool, dry_run: bool, target_name: str | None, module: str | None
) -> None:
    """Bring an earlier revision back, and suspend the package until 'secretsync resume'.

    On a terminal it shows what it will do, and asks.
    """
    settings: Settings = context.obj
    destination, delivery = _destination_and_delivery(settings, target_name, module)
    interactive = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    if dry_run or interactive:
        planned = Outcome(destination, releases.preview_rollback(destination, delivery, revision))
        print_target(describe_target(planned, dry_run=True), "rollback", settings)
        if dry_run:
            context.exit(planned.exit_code)
        click.confirm("Roll back?", abort=True, err=True)
    with said_when_interrupted():
        outcome = Outcome(destination, releases.rollback(destination, delivery, revision, by=_user()))
    target = describe_target(outcome, dry_run=False)
    log_outcome(target, "rollback", settings)
    print_target(target, "rollback", settings)
    context.exit(outcome.exit_code)


@click.command(
    "suspend",
    short_help="Stop following the source of a package.",
    epilog="\b\nExamples:\n  secretsync suspend --reason 'data taking until Monday'\n"
    "  secretsync suspend --target production --package atlas_rucio_policy_package",
)
@click.option("--reason", default="by hand", show_default=True, help="Why; 'secretsync status' shows it.")
@dry_run_option
@only_target
@only_package
@click.pass_context
def suspend_command(
    context: click.Context, reason: str, dry_run: bool, target_name: str | None, module: str | None
) -> None:
    """Keep what is live, whatever the source brings, until 'secretsync resume'."""
    destination, delivery = _destination_and_delivery(context.obj, target_name, module)
    if dry_run:
        releases.deployed_memory(destination, delivery)
    else:
        releases.suspend(destination, delivery, reason, by=_user())
    hold = Hold(reason, by=_user())
    _suspension(context, destination, delivery, hold, suspended=True, dry_run=dry_run)


@click.command(
    "resume",
    short_help="Follow the source of a package again.",
    epilog="\b\nExamples:\n  secretsync resume\n  secretsync resume --dry-run    what it would end",
)
@dry_run_option
@only_target
@only_package
@click.pass_context
def resume_command(context: click.Context, dry_run: bool, target_name: str | None, module: str | None) -> None:
    """Follow the source again: ends a suspension, a rollback, or the rejection of a digest."""
    destination, delivery = _destination_and_delivery(context.obj, target_name, module)
    lifted = (releases.suspension if dry_run else releases.resume)(destination, delivery)
    _suspension(context, destination, delivery, lifted, suspended=False, dry_run=dry_run)


def _suspension(
    context: click.Context,
    destination: Destination,
    delivery: Delivery,
    hold: Hold | None,
    *,
    suspended: bool,
    dry_run: bool,
) -> None:
    settings: Settings = context.obj
    report = shown.SuspensionReport(
        target=destination.name,
        module=delivery.placement.module,
        suspended=suspended,
        changed=hold is not None,
        dry_run=dry_run,
        suspension=shown.describe_suspension(hold),
    )
    settings.print(report, shown.suspension_text)
    context.exit(CHANGES_PENDING if dry_run and report.changed else 0)


def _user() -> str:
    """Who runs this, as the state object keeps it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
