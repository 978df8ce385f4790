"""``secretsync status``, ``history``, ``rollback``, ``hold`` and ``release``: none needs the source."""

from __future__ import annotations

import click

from secretsync import config
from secretsync.cli import output
from secretsync.cli.commands import Settings, only_target, visit
from secretsync.cli.output import releases as told
from secretsync.operations import releases
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Delivery, Destination

_package = click.option(
    "--package", "module", metavar="MODULE", help="Only this package; needed where there are several."
)


def _one(settings: Settings, place: str | None, module: str | None) -> tuple[Destination, Delivery]:
    """The one package in the one namespace that a command is about."""
    destinations = [one for _, one in settings.destinations(place)]
    if len(destinations) != 1:
        raise click.UsageError(f"{len(destinations)} targets fit; choose one with --target")
    deliveries = [one for one in destinations[0].deliveries if module in (None, one.placement.module)]
    if len(deliveries) != 1:
        raise click.UsageError(f"{len(deliveries)} packages fit; choose one with --package")
    return destinations[0], deliveries[0]


@click.command(
    "status",
    short_help="What is deployed where, and who runs it.",
    epilog="\b\nExamples:\n  secretsync status\n  secretsync --output json status",
)
@only_target
@click.pass_context
def status_command(context: click.Context, place: str | None) -> None:
    """Tell what is deployed where, since when, and whether every workload runs it."""
    settings: Settings = context.obj

    def show(_: config.Target, destination: Destination) -> int:
        click.echo(told.render_status(destination.name, releases.status(destination), settings.output), nl=False)
        return 0

    context.exit(visit(settings.destinations(place), show))


@click.command("history", short_help="The earlier bundles that are kept.")
@only_target
@_package
@click.pass_obj
def history_command(settings: Settings, place: str | None, module: str | None) -> None:
    """List the earlier bundles that are kept in the cluster, newest first."""
    destination, delivery = _one(settings, place, module)
    click.echo(told.render_history(releases.entries(destination, delivery), settings.output), nl=False)


@click.command(
    "rollback",
    short_help="Bring an earlier bundle back, and hold it.",
    epilog="\b\nExamples:\n  secretsync rollback             the bundle before the one that is live\n"
    "  secretsync rollback 3f2a91c     a commit, hash, digest, version or write of 'secretsync history'",
)
@click.argument("revision", default="")
@only_target
@_package
@click.pass_context
def rollback_command(context: click.Context, revision: str, place: str | None, module: str | None) -> None:
    """Bring an earlier bundle back, and hold it until 'secretsync release'."""
    settings: Settings = context.obj
    destination, delivery = _one(settings, place, module)
    done = releases.rollback(destination, delivery, revision)
    click.echo(output.render(done, settings.output), nl=False)
    context.exit(Outcome(destination, done).exit_code)


@click.command("hold", short_help="Let what is live stay.")
@click.option("--reason", default="held by hand", show_default=True, help="What whoever comes next should know.")
@only_target
@_package
@click.pass_obj
def hold_command(settings: Settings, reason: str, place: str | None, module: str | None) -> None:
    """Let what is live stay, whatever the source brings, until 'secretsync release'."""
    destination, delivery = _one(settings, place, module)
    releases.hold(destination, delivery, reason)
    click.echo(f"{delivery.placement.module} is held in {destination.name}: {reason}")


@click.command("release", short_help="Follow the source again.")
@only_target
@_package
@click.pass_obj
def release_command(settings: Settings, place: str | None, module: str | None) -> None:
    """Follow the source again: ends a hold, a rollback, or the rejection of a digest."""
    destination, delivery = _one(settings, place, module)
    ended = releases.release(destination, delivery)
    what = f"is followed again; it was held: {ended.reason}" if ended else "was not held; nothing to do"
    click.echo(f"{delivery.placement.module} in {destination.name} {what}")
