"""The options that every command has, and what they mean: configuration, targets, output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from secretsync import config

if TYPE_CHECKING:
    from secretsync.cli.output.report import Model
    from secretsync.cli.output.style import Style
    from secretsync.reconcile.destination import Destination

M = TypeVar("M", bound="Model")

DEFAULT_PATH = Path("secretsync.yaml")


@dataclass
class Settings:
    """The options that every command has."""

    path: Path = DEFAULT_PATH
    output: str = "text"
    color: str = "auto"
    log_format: str = "text"
    verbose: int = 0

    def configuration(self) -> config.Config:
        """The configuration. Raises ConfigError."""
        return config.load(self.path)

    def destinations(self, target_name: str | None) -> list[tuple[config.Target, Destination]]:
        """The targets of the configuration, or those of that name or namespace. Raises UsageError where none fits."""
        from secretsync.reconcile import factory

        configuration = chosen_targets(self.configuration(), target_name)
        opened = factory.destinations(configuration, self.base)
        return [pair for pair in zip(configuration.targets, opened, strict=True) if fits(pair[0], target_name)]

    def print(self, document: M, text: Callable[[M, Style], str]) -> None:
        """Print a document in the output format; *text* renders it for a person."""
        from secretsync.cli.output import json
        from secretsync.cli.output.style import of_terminal

        rendered = json.render(document) if self.output == "json" else text(document, of_terminal(self.color))
        click.echo(rendered, nl=False)

    @property
    def report_is_read_with_the_log(self) -> bool:
        """Whether both go to one terminal, pipe or file."""
        return self.output == "text" and self.log_format == "text" and _is_one_stream()

    @property
    def base(self) -> Path:
        """The directory at which relative paths of the configuration start."""
        return self.path.parent


def _is_one_stream() -> bool:
    """Whether stdout and stderr are the same."""
    try:
        return os.path.samestat(os.fstat(sys.stdout.fileno()), os.fstat(sys.stderr.fileno()))
    except (OSError, ValueError):
        return False


def fits(target: config.Target, target_name: str | None) -> bool:
    """Whether `--target` *target_name* means *target*."""
    return target_name in (None, target.name, target.namespace)


def only_fitting(names: Sequence[str], known: Sequence[str], option: str) -> None:
    """Raises UsageError where *names*, of the *known* targets or packages, are none or several."""
    what = option.removeprefix("--")
    if not names:
        raise click.UsageError(f"no {what} fits; the {what}s are: {', '.join(known)}")
    if len(names) > 1:
        raise click.UsageError(f"{len(names)} {what}s fit; choose one with {option}: {', '.join(names)}")


def chosen_targets(configuration: config.Config, target_name: str | None) -> config.Config:
    """The configuration, of which at least one target fits. Raises UsageError where none does."""
    if not any(fits(target, target_name) for target in configuration.targets):
        names = ", ".join(dict.fromkeys(target.name or target.namespace for target in configuration.targets))
        raise click.UsageError(f"no target has the name or the namespace {target_name!r}; the targets are: {names}")
    return configuration
