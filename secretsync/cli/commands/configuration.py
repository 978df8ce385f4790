"""``secretsync config validate`` and ``config schema``."""

from __future__ import annotations

import json

import click

from secretsync import config
from secretsync.cli.options import Group
from secretsync.cli.settings import Settings


@click.group(
    "config",
    cls=Group,
    invoke_without_command=True,
    short_help="Validate the configuration, or print its JSON schema.",
    epilog="\b\nExamples:\n  secretsync config validate\n  secretsync config schema > schema.json",
)
@click.option("--schema", is_flag=True, hidden=True)
@click.pass_context
def config_command(context: click.Context, schema: bool) -> None:
    """Validate the configuration, or print its JSON schema; 'validate' where neither is said."""
    if context.invoked_subcommand:
        return
    context.invoke(schema_command if schema else validate_command)


@config_command.command("validate", short_help="Whether the configuration can be used.")
@click.pass_obj
def validate_command(settings: Settings) -> None:
    """Validate the configuration, and list the Secrets that it makes. No source and no cluster is asked."""
    configuration = settings.configuration()
    packages = [
        {
            "module": package.module_name,
            "requirement": package.requirement.text,
            "namespace": target.namespace,
            "secret": configuration.secret_name(package, target),
        }
        for target in configuration.targets
        for package in configuration.packages
    ]
    if settings.output == "json":
        click.echo(json.dumps({"version": 1, "valid": True, "secrets": packages}))
        return
    for listed in packages:
        secret = f"{listed['namespace']}/{listed['secret']}"
        click.echo(f"{listed['module']} from {listed['requirement']}: Secret {secret}")


@config_command.command("schema", short_help="The JSON schema of the configuration.")
def schema_command() -> None:
    """Print the JSON schema of the configuration, for editors that complete and validate."""
    click.echo(json.dumps(config.schema(), indent=2))
