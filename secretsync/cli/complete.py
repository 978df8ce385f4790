"""What a shell completes beside commands and options: targets, packages and revisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

import click

from secretsync.cli.settings import Settings

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _completing(values: Callable[[Settings, click.Context], Iterable[str]]) -> Complete:
    """Those of *values* that begin with what is typed; none where they cannot be read: a prompt shows no error."""

    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        with suppress(Exception):
            candidates = values(context.find_object(Settings) or Settings(), context)
            return [candidate for candidate in dict.fromkeys(candidates) if candidate.startswith(incomplete)]
        return []

    return complete


def _targets(settings: Settings, _: click.Context) -> Iterable[str]:
    return (target.name or target.namespace for target in settings.configuration().targets)


def _packages(settings: Settings, _: click.Context) -> Iterable[str]:
    return (package.module_name for package in settings.configuration().packages)


def _revisions(settings: Settings, context: click.Context) -> Iterable[str]:
    """The numbers that are kept in the cluster, newest first."""
    from secretsync.operations.releases import revisions

    module = context.params.get("module")
    for _, destination in settings.destinations(context.params.get("target_name")):
        for delivery in destination.deliveries:
            if module in (None, delivery.placement.module):
                yield from (str(revision.revision_number) for revision in revisions(destination, delivery))


targets, packages, revisions = map(_completing, (_targets, _packages, _revisions))
