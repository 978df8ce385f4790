"""``secretsync completion``."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

_EPILOG = """\b
Examples:
  secretsync completion bash > /etc/bash_completion.d/secretsync
  secretsync completion zsh > "${fpath[1]}/_secretsync"
  secretsync completion fish > ~/.config/fish/completions/secretsync.fish
"""

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command("completion", short_help="What a shell completes.", epilog=_EPILOG)
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options and their values."""
    click.echo(_SHELLS[shell](context.find_root().command, {}, "secretsync", "_SECRETSYNC_COMPLETE").source())
