"""``secretsync config validate`` and ``config schema``."""

from __future__ import annotations

import json
from typing import Literal

import click

from secretsync import config
from secretsync.cli.options import Group
from secretsync.cli.output.report import Model
from secretsync.cli.output.style import Style
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


class PackageSecret(Model):
    """A package at a target, and the name of its Secret; of one with sub-directories, of the first."""

    module: str
    requirement: str
    namespace: str
    secret: str


class Validation(Model):
    """What ``secretsync config validate`` says of a configuration that can be used."""

    version: Literal[1] = 1
    valid: Literal[True] = True
    secrets: tuple[PackageSecret, ...]


@config_command.command(
    "validate",
    short_help="Whether the configuration can be used.",
    epilog="\b\nExamples:\n  secretsync config validate\n  secretsync config validate --config production.yaml",
)
@click.pass_obj
def validate_command(settings: Settings) -> None:
    """Validate the configuration, and list the Secrets that it makes. No source and no cluster is asked."""
    configuration = settings.configuration()
    secrets = tuple(
        PackageSecret(
            module=package.module_name,
            requirement=package.requirement.text,
            namespace=target.namespace,
            secret=configuration.secret_name(package, target),
        )
        for target in configuration.targets
        for package in configuration.packages
    )
    settings.print(Validation(secrets=secrets), _validation_text)


def _validation_text(validation: Validation, _: Style) -> str:
    return "".join(
        f"{package.module} from {package.requirement}: Secret {package.namespace}/{package.secret}\n"
        for package in validation.secrets
    )


@config_command.command(
    "schema",
    short_help="The JSON schema of the configuration.",
    epilog="\b\nExamples:\n  secretsync config schema > schema.json",
)
def schema_command() -> None:
    """Print the JSON schema of the configuration, for editors that complete and validate."""
    click.echo(json.dumps(config.schema(), indent=2))
