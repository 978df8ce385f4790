"""Commands beside the main job; each is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import structlog

from secretsync import config
from secretsync.core.errors import SecretSyncError, worst

if TYPE_CHECKING:
    from secretsync.reconcile.destination import Destination

log = structlog.get_logger()

COMMANDS: Mapping[str, str] = {
    "check": "secretsync.cli.commands.check:check_command",
    "fetch": "secretsync.cli.commands.fetch:fetch_command",
    "config": "secretsync.cli.commands.configuration:config_command",
    "values": "secretsync.cli.commands.values:values_command",
    "doctor": "secretsync.cli.commands.doctor:doctor_command",
    "rbac": "secretsync.cli.commands.rbac:rbac_command",
    "status": "secretsync.cli.commands.releases:status_command",
    "history": "secretsync.cli.commands.releases:history_command",
    "rollback": "secretsync.cli.commands.releases:rollback_command",
    "hold": "secretsync.cli.commands.releases:hold_command",
    "release": "secretsync.cli.commands.releases:release_command",
    "completion": "secretsync.cli.commands.completion:completion_command",
}


only_target = click.option(
    "--target", "-t", "--namespace", "-n", "place", help="Only this target, by its name or its namespace."
)


def fits(target: config.Target, place: str | None) -> bool:
    """Whether *target* is meant by `only_target`."""
    return place in (None, target.name, target.namespace)


def explain(error: SecretSyncError, where: str = "") -> None:
    """An expected failure, in the log."""
    for line in str(error).splitlines():
        log.error("failed", **({"at": where} if where else {}), why=line)


def visit(
    places: Iterable[tuple[config.Target, Destination]], show: Callable[[config.Target, Destination], int]
) -> int:
    """*show* each, which returns its exit code; one that fails does not stop the others. Returns the worst code."""
    codes = [0]
    for target, destination in places:
        try:
            codes.append(show(target, destination))
        except SecretSyncError as error:
            explain(error, destination.name)
            codes.append(error.exit_code)
    return worst(codes)


class Settings:
    """What the options of the whole command say, for the commands below it."""

    def __init__(self, path: Path, output: str) -> None:
        self.path, self.output = path, output

    def configuration(self) -> config.Config:
        return config.load(self.path)

    def destinations(self, place: str | None) -> list[tuple[config.Target, Destination]]:
        """The targets of the configuration, or those of that name or namespace. Raises UsageError where none fits."""
        from secretsync.reconcile import factory

        configuration = self.configuration()
        opened = zip(configuration.targets, factory.destinations(configuration, self.base), strict=True)
        found = [(target, one) for target, one in opened if fits(target, place)]
        if not found:
            known = ", ".join(dict.fromkeys(target.name or target.namespace for target in configuration.targets))
            raise click.UsageError(f"no target is called {place!r}, or in that namespace; there are: {known}")
        return found

    @property
    def base(self) -> Path:
        """The folder at which relative paths of the configuration start."""
        return self.path.parent


class Commands(click.Group):
    """A group whose commands are imported when they are called: a pass does not pay for what it does not use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: Any = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - a bug in the table above
        return command
