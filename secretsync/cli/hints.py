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
    "--yes": "only 'secretsync rollback' asks, and takes --yes",
    "--wait": "an apply always waits, for as long as 'rollout: {timeout: …}' says",
    "--timeout": "the configuration says it: 'rollout: {timeout: …}' of the target",
    "--fix": "'secretsync values CHART --merge FILE' writes what is missing into the values",
    "--force": "what a target refuses is allowed in the configuration, as its message says",
    "--to-revision": "the revision is an argument: 'secretsync rollback 3'",
}

_COMMANDS = {
    "version": "secretsync --version",
    "help": "secretsync --help, or COMMAND --help",
    "get": "secretsync status",
    "list": "secretsync status, or secretsync history",
    "logs": "kubectl logs; secretsync status says why the last run failed",
    "sync": "secretsync apply",
    "upgrade": "secretsync apply",
    "install": "secretsync apply",
    "undo": "secretsync rollback",
    "validate": "secretsync config validate",
}


def with_hint(error: click.ClickException) -> click.ClickException:
    """The same error; of an option that other tools have, or of a name as an argument, with what it is called here."""
    if isinstance(error, click.UsageError) and error.message.startswith("Got unexpected extra argument"):
        return click.UsageError(f"{error.message}{_meant_option(error.ctx)}", ctx=error.ctx)
    if isinstance(error, click.NoSuchOption) and (hint := _OPTIONS.get(error.option_name.partition("=")[0])):
        return click.UsageError(f"No such option: {error.option_name}. Here {hint}.", ctx=error.ctx)
    return error


def _meant_option(context: click.Context | None) -> str:
    """The option of the command that takes such a name."""
    known = {option for parameter in context.command.params for option in parameter.opts} if context else set()
    options = [option for option in ("--package", "--target", "--config") if option in known]
    return f". A name or a file goes with its option: {', '.join(options)}." if options else ""


def unknown_command(name: str, known: Iterable[str], group: str) -> str:
    """What to say of a command of *group* that does not exist, with the nearest that does."""
    # imported here: most commands are spelled as they are
    import difflib

    if group.endswith(" history"):
        return f"No such command {name!r}. Use: {group} show REVISION"
    if name in _COMMANDS:
        return f"No such command {name!r}. Use: {_COMMANDS[name]}"
    nearest = difflib.get_close_matches(name, list(known), n=2, cutoff=0.6)
    suggestion = f" Did you mean {' or '.join(map(repr, nearest))}?" if nearest else f" '{group} --help' lists them."
    return f"No such command {name!r}.{suggestion}"
