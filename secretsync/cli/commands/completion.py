"""``secretsync completion``."""

from __future__ import annotations

import json

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

_EPILOG = """\b
Examples:
  secretsync completion bash > /etc/bash_completion.d/secretsync
  secretsync completion zsh > "${fpath[1]}/_secretsync"
  secretsync completion fish > ~/.config/fish/completions/secretsync.fish
"""

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command("completion", short_help="The completion script of a shell.", epilog=_EPILOG)
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the script with which a shell completes commands, options, targets, packages and revisions."""
    script = _SHELLS[shell](context.find_root().command, {}, "secretsync", "_SECRETSYNC_COMPLETE").source()
    click.echo(json.dumps({"version": 1, "shell": shell, "script": script}) if context.obj.output == "json" else script)
