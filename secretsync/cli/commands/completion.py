"""``secretsync completion``."""

from __future__ import annotations

from typing import Literal

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from secretsync.cli.output.report import Model

_EPILOG = """\b
Examples:
  secretsync completion bash > /etc/bash_completion.d/secretsync
  secretsync completion zsh > "${fpath[1]}/_secretsync"
  secretsync completion fish > ~/.config/fish/completions/secretsync.fish
"""

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


class CompletionScript(Model):
    """What ``secretsync completion`` prints."""

    version: Literal[1] = 1
    shell: str
    script: str


@click.command("completion", short_help="The completion script of a shell.", epilog=_EPILOG)
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the script with which a shell completes commands, options, targets, packages and revisions."""
    script = _SHELLS[shell](context.find_root().command, {}, "secretsync", "_SECRETSYNC_COMPLETE").source()
    context.obj.print(CompletionScript(shell=shell, script=script), lambda document, _: f"{document.script}\n")
