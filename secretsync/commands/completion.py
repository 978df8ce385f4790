"""``secretsync completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_EPILOG = """\b
Examples:
  secretsync completion bash > /etc/bash_completion.d/secretsync
  secretsync completion zsh > "${fpath[1]}/_secretsync"
  secretsync completion fish > ~/.config/fish/completions/secretsync.fish
"""


@click.command("completion", short_help="What a shell completes.", epilog=_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options and their values."""
    kind = get_completion_class(shell)
    assert kind  # noqa: S101 - click knows these three
    click.echo(kind(context.find_root().command, {}, "secretsync", "_SECRETSYNC_COMPLETE").source())
