"""``secretsync config``."""

from __future__ import annotations

import json

import click

from secretsync import config
from secretsync.cli.commands import Settings


@click.command("config", epilog="\b\nExamples:\n  secretsync config\n  secretsync config --schema > schema.json")
@click.option("--schema", is_flag=True, help="Print the JSON schema, for editors that complete and check.")
@click.pass_obj
def config_command(settings: Settings, schema: bool) -> None:
    """Check the configuration, or print its JSON schema."""
    if schema:
        click.echo(json.dumps(config.schema(), indent=2))
        return
    configuration = settings.configuration()
    for target in configuration.targets:
        for package in configuration.packages:
            secret = configuration.secret_name(package, target)
            click.echo(f"{package.module_name} from {package.requirement}: Secret {target.namespace}/{secret}")
