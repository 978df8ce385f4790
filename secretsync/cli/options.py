"""Options that commands share, and groups that take them before a command's name as well as after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from secretsync.cli import complete
from secretsync.cli.hints import unknown_command
from secretsync.cli.settings import DEFAULT_PATH, Settings
from secretsync.core import log


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Keep a common option for the command, and let the log follow it at once."""
    settings = context.ensure_object(Settings)
    setattr(settings, str(parameter.name), value)
    if not context.resilient_parsing:
        log.configure(settings.log_format, verbosity=settings.verbose)
    if parameter.name == "color":
        context.color = {"always": True, "never": False}.get(value)
    return value


def _output_option(formats: Sequence[str]) -> click.Option:
    return click.Option(
        ["--output", "-o"],
        type=click.Choice(formats),
        default="text",
        show_default=True,
        help="Output format.",
        callback=_remember,
        expose_value=False,
    )


def with_formats(*formats: str) -> Callable[[click.Command], click.Command]:
    """A command whose ``--output`` takes *formats*, where the common option takes ``text`` and ``json``."""

    def add(command: click.Command) -> click.Command:
        command.params.append(_output_option(formats))
        return command

    return add


def _common_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--config", "-c", "path"],
            type=click.Path(path_type=Path, dir_okay=False),
            default=DEFAULT_PATH,
            envvar="SECRETSYNC_CONFIG",
            show_default=True,
            show_envvar=True,
            help="The configuration file.",
            callback=_remember,
            expose_value=False,
        ),
        _output_option(("text", "json")),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            show_default=True,
            help="Use colors; 'auto' does on a terminal, unless NO_COLOR is set.",
            callback=_remember,
            expose_value=False,
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="Log format, on stderr.",
            callback=_remember,
            expose_value=False,
        ),
        click.Option(
            ["--verbose", "-v"],
            count=True,
            help="Log every step; -vv also each call to the API, git and an index.",
            callback=_remember,
            expose_value=False,
        ),
    ]


def with_common_options(command: click.Command) -> click.Command:
    """*command*, which takes each common option that it does not define itself."""
    own_options = {name for parameter in command.params for name in parameter.opts}
    command.context_settings.setdefault("help_option_names", ["-h", "--help"])
    command.params += [option for option in _common_options() if not own_options.intersection(option.opts)]
    return command


class Group(click.Group):
    """A group whose commands are imported when they are called, and whose options may stand before a command's name.

    *table* has ``module:name`` of each command, *aliases* older names that help does not list. An option before the
    name is handed to the command: one that the command does not have is a usage error.
    """

    def __init__(
        self,
        *args: Any,
        table: Mapping[str, str] | None = None,
        aliases: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._table, self._aliases = dict(table or {}), dict(aliases or {})
        with_common_options(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the table's commands, in its order, then those of click."""
        return [*self._table, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name or alias, imported only now; None where there is none."""
        name = self._aliases.get(cmd_name, cmd_name)
        if name not in self._table:
            command = super().get_command(ctx, name)
            return with_common_options(command) if command else None
        module, _, attribute = self._table[name].partition(":")
        command = getattr(import_module(module), attribute)
        return with_common_options(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first of *args* names. Raises UsageError with the nearest name where there is none."""
        if not ctx.resilient_parsing and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(unknown_command(args[0], self.list_commands(ctx), ctx.command_path))
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move the options before a command's name behind it."""
        return super().parse_args(ctx, self._options_last(ctx, args))

    def _options_last(self, ctx: click.Context, args: Sequence[str]) -> list[str]:
        try:
            _, remaining, _ = self.make_parser(ctx).parse_args(list(args))
        except click.UsageError:
            return list(args)  # which parsing it again says
        options = [argument for argument in args[: len(args) - len(remaining)] if argument != "--"]
        if not remaining or _requests_version(options):
            return list(args)
        return [remaining[0], *options, *remaining[1:]]


def _requests_version(arguments: Sequence[str]) -> bool:
    return "--version" in arguments


Decorator = Callable[[Any], Any]

only_target: Decorator = click.option(
    "--target",
    "-t",
    "--namespace",
    "-n",
    "target_name",
    shell_complete=complete.targets,
    help="Only this target, by its name or its namespace.",
)
only_package: Decorator = click.option(
    "--package",
    "module",
    metavar="MODULE",
    shell_complete=complete.packages,
    help="Only this package; required where there are several.",
)
dry_run_option: Decorator = click.option(
    "--dry-run", is_flag=True, help="Write nothing; say what would be done, and exit with 3."
)
