"""``secretsync values``: what pods need to find and load the packages, as values of Rucio's charts or as patches."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import click

from secretsync import config
from secretsync.cli.commands import Settings, fits, only_target
from secretsync.cli.output.style import PLAIN
from secretsync.core import packing
from secretsync.core.errors import FAILED
from secretsync.core.files import write_atomically
from secretsync.reconcile import factory
from secretsync.reconcile.destination import Delivery
from secretsync.rucio.charts import lint, merge, patch, site_values, values
from secretsync.rucio.charts.values import CHARTS, VIAS
from secretsync.rucio.wiring import STYLES, Packed, Wiring, wire

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_EPILOG = """\b
Examples:
  secretsync values daemons > policy.yaml     for: helm upgrade -f policy.yaml
  secretsync values --style existing --root /opt/rucio/permissions/rubin
  secretsync values --style files             file by file, into site-packages
  secretsync values --patch --container api   for manifests of your own
  secretsync values daemons --merge VALUES.yaml
  secretsync values daemons --lint VALUES.yaml
"""


@click.command("values", short_help="What to add to the values of Rucio's charts.", epilog=_EPILOG)
@click.argument("chart", type=click.Choice(list(CHARTS)), default="server")
@click.option(
    "--style",
    type=click.Choice(list(STYLES)),
    default="directory",
    show_default=True,
    help="Whole directories below a root; the same below one that PYTHONPATH has already; or each file by itself.",
)
@click.option("--root", default="", help="Where the packages' folders lie; each style has its default but 'existing'.")
@click.option(
    "--via", type=click.Choice(VIAS), default="env", show_default=True, help="How Rucio is told what to import."
)
@click.option("--kustomize", is_flag=True, help="Print patches for a kustomization.yaml instead.")
@click.option("--patch", "patching", is_flag=True, help="Print a strategic merge patch instead.")
@click.option("--container", help="With --patch: the container that runs Rucio; default: the chart's name for it.")
@click.option("--merge", "into", type=_FILE, help="Write them into this file; all else in it stays as it is.")
@click.option(
    "--lint",
    "linted",
    type=_FILE,
    multiple=True,
    help="Only say what is wrong in this file, or in several as Helm overlays them; exit 1 when something is.",
)
@click.option("--package", "module", metavar="MODULE", help="Only this package.")
@only_target
@click.pass_context
def values_command(
    context: click.Context,
    chart: str,
    style: str,
    root: str,
    via: str,
    kustomize: bool,
    patching: bool,
    container: str | None,
    into: Path | None,
    linted: tuple[Path, ...],
    module: str | None,
    place: str | None,
) -> None:
    """Print what to add to the values of Rucio's charts, so that pods find the packages and load them.

    \b
    --merge refuses, and writes nothing, where the file would still keep pods
    from the packages; it says what stands in the way.

    The packages are fetched, as their folders and files decide what is mounted; no cluster is asked.
    """
    if sum(map(bool, (kustomize, patching, into, linted))) > 1:
        raise click.UsageError("--kustomize, --patch, --merge and --lint exclude each other")
    if (kustomize or patching) and via == "config":
        raise click.UsageError("--via config is for values: a patch of Deployments does not reach the configuration")
    if container and not patching:
        raise click.UsageError("--container goes with --patch")
    settings: Settings = context.obj
    configuration = settings.configuration()
    target = _target(configuration, place)
    wiring = wire(_packed(settings, configuration, target, module), style, root)
    if into:
        _merge(into, wiring, chart, via)
    elif linted:
        context.exit(_lint(linted, wiring, chart, via, settings.output))
    elif kustomize:
        click.echo(patch.render_kustomization(wiring, chart), nl=False)
    elif patching:
        click.echo(patch.render_patch(wiring, container or CHARTS[chart].name), nl=False)
    else:
        click.echo(values.render(wiring, chart, via, target.namespace), nl=False)


def _merge(path: Path, wiring: Wiring, chart: str, via: str) -> None:
    merged = merge.merge(_read(path), wiring, chart, via)
    if merged.done:
        write_atomically(path.resolve(), merged.text, path.stat().st_mode)
    for line in merged.done or ("nothing to add: it says all that it has to",):
        click.echo(f"{path}: {line}")


def _lint(paths: Sequence[Path], wiring: Wiring, chart: str, via: str, output: str) -> int:
    together = reduce(site_values.overlaid, [site_values.read(_read(path)) for path in paths])
    problems = lint.lint(lint.Case(together, wiring, chart, via))
    if output == "json":
        click.echo(json.dumps([dataclasses.asdict(problem) for problem in problems], indent=2))
    else:
        for problem in problems:
            click.echo(PLAIN.wrap(f"{' + '.join(map(str, paths))}: {problem}"))
    return FAILED if problems else 0


def _read(path: Path) -> str:
    """The text with its line ends as they are."""
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{path} is not UTF-8 text") from None


def _target(configuration: config.Config, place: str | None) -> config.Target:
    fitting = [target for target in configuration.targets if fits(target, place)]
    if len(fitting) != 1:
        raise click.UsageError(f"{len(fitting)} targets fit; choose one with --target")
    if fitting[0].wire:
        raise click.UsageError(
            f"'wire: true' has secretsync mount the packages in {fitting[0].namespace} itself; values beside it would "
            "mount them twice: choose one of the two"
        )
    return fitting[0]


def _packed(
    settings: Settings, configuration: config.Config, target: config.Target, module: str | None
) -> list[Packed]:
    """The packages as their Secrets are to be. Raises what fetching and packing raise."""
    deliveries = factory.deliveries(configuration, target, settings.base)
    asked = [one for one in deliveries if module in (None, one.placement.module)]
    if not asked:
        raise click.UsageError(f"the configuration has no package {module!r}")
    return [_fetched(one) for one in asked]


def _fetched(delivery: Delivery) -> Packed:
    bundle = delivery.source.fetch(delivery.source.resolve())
    placement = delivery.placement
    secrets = packing.pack(bundle, placement, delivery.recipe)
    return Packed(placement.module, delivery.check_rules.vo, placement.layout, secrets)
