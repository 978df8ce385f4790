"""``secretsync export``: for the ways of installing a policy package that need no Secret."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

import click
import structlog

from secretsync.cli.output.report import Model
from secretsync.cli.output.sentences import short_commit
from secretsync.cli.output.style import Style, readable
from secretsync.cli.settings import Settings
from secretsync.core.concurrency import run_concurrently, value_or_raise
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Bundle
from secretsync.operations.export import write_importable
from secretsync.reconcile import factory
from secretsync.reconcile.asked_once import AskedOncePerPass
from secretsync.sources.open import pinned

log = structlog.get_logger()

_EPILOG = """\b
Examples:
  secretsync export --to /policy       in an init container: fill its volume
  secretsync export --requirements     for an image of your own:
  docker build --build-arg "$(secretsync export --requirements)" daemons
"""


@click.command("export", short_help="Write the packages' files, or pin them for pip.", epilog=_EPILOG)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Each package becomes DIR/<module>; PYTHONPATH then names DIR. Default: here.",
)
@click.option(
    "--requirements",
    is_flag=True,
    help="Write nothing; print Rucio's build argument, pinned to what was resolved.",
)
@click.option("--package", "module", metavar="MODULE", help="Only this package.")
@click.pass_obj
def export_command(settings: Settings, folder: Path, requirements: bool, module: str | None) -> None:
    """Fetch the packages and write their files to a directory from which Rucio can import them.

    Nothing is written before all are fetched. The cluster is not asked.
    """
    configuration = settings.configuration()
    pairs = zip(configuration.packages, factory.sources(configuration, settings.base), strict=True)
    selected = [(package, source) for package, source in pairs if module in (None, package.module_name)]
    if not selected:
        raise click.UsageError(f"there is no package {module!r} in {settings.path}")
    bundles = _fetched([source for _, source in selected])
    if requirements:
        pins = tuple(
            pinned(package.requirement, bundle) for (package, _), bundle in zip(selected, bundles, strict=True)
        )
        settings.print(Pins(requirements=pins), _build_argument)
    else:
        settings.print(Exported(packages=tuple(_write(bundle, folder) for bundle in bundles)), _written)


class ExportedPackage(Model):
    """A package whose files were written."""

    module: str
    version: str
    commit: str
    path: str
    files: int


class Exported(Model):
    """What ``secretsync export`` wrote."""

    version: Literal[1] = 1
    packages: tuple[ExportedPackage, ...]


class Pins(Model):
    """What ``secretsync export --requirements`` prints."""

    version: Literal[1] = 1
    requirements: tuple[str, ...]


def _write(bundle: Bundle, folder: Path) -> ExportedPackage:
    return ExportedPackage(
        module=bundle.module,
        version=bundle.version,
        commit=bundle.revision.id,
        path=str(write_importable(bundle, folder)),
        files=len(bundle.files),
    )


def _written(exported: Exported, _: Style) -> str:
    return "".join(
        f"{package.path}: {f'{package.module} {package.version}'.rstrip()}"
        f" ({short_commit(package.commit)}), {package.files} files\n"
        for package in readable(exported).packages
    )


def _fetched(sources: list[AskedOncePerPass]) -> list[Bundle]:
    """Every package. Raises the first error, when all that failed were logged."""
    revisions = run_concurrently([partial(_newest, source) for source in sources])
    errors = [result for result in revisions if isinstance(result, SecretSyncError)]
    for error in errors[1:]:
        log.error("failed", why=str(error))
    bundles = [value_or_raise(result) for result in revisions]
    for bundle in bundles:
        for note in bundle.notes:
            log.warning("note", module=bundle.module, why=note)
    return bundles


def _newest(source: AskedOncePerPass) -> Bundle:
    return source.fetch(source.resolve())


def _build_argument(pins: Pins, _: Style) -> str:
    """As Rucio's Dockerfiles take it (https://github.com/rucio/containers): requirements of pip, split at commas."""
    return f"POLICY_PACKAGE_REQUIREMENTS={','.join(pins.requirements)}\n"
