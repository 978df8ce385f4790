"""What people type who know kubectl, helm and flux, and what it is called here."""

from __future__ import annotations

from collections.abc import Iterable

import click

_PLACE = "a target names it: 'cluster: {context: NAME}', 'kubeconfig: PATH' beside it, or $KUBECONFIG"

_OPTIONS = {
    "--dry-run": "'secretsync plan' says what an apply would do, and writes nothing",
    "--kubeconfig": _PLACE,
    "--context": _PLACE,
    "--filename": "the configuration is --config FILE, or -c",
    "-f": "the configuration is --config FILE, or -c",
    "-A": "without --target all targets are meant",
    "--all-namespaces": "without --target all targets are meant",
    "--to-revision": "the revision is an argument: 'secretsync rollback 3'",
}

_COMMANDS = {
    "version": "secretsync --version",
    "help": "secretsync --help, or COMMAND --help",
    "get": "secretsync status",
}


def with_hint(error: click.ClickException) -> click.ClickException:
    """The same error; of an option that other tools have, with what it is called here."""
    if isinstance(error, click.NoSuchOption) and (hint := _OPTIONS.get(error.option_name.partition("=")[0])):
        return click.UsageError(f"No such option: {error.option_name}. Here {hint}.", ctx=error.ctx)
    return error


def unknown_command(name: str, known: Iterable[str]) -> str:
    """What to say of a command that does not exist, with the nearest that does."""
    # imported here: most commands are spelled as they are
    import difflib

    if name in _COMMANDS:
        return f"No such command {name!r}. Use: {_COMMANDS[name]}"
    nearest = difflib.get_close_matches(name, list(known), n=2, cutoff=0.6)
    suggestion = f" Did you mean {' or '.join(map(repr, nearest))}?" if nearest else " 'secretsync --help' lists them."
    return f"No such command {name!r}.{suggestion}"
