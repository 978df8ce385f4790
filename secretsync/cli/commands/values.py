"""``secretsync values``: what pods need to find and load the packages, as values of Rucio's charts or as patches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Literal

import click
import yaml

from secretsync import config
from secretsync.cli.commands import Settings, fits, only_target
from secretsync.cli.output import json as json_format
from secretsync.cli.output.report import Model
from secretsync.cli.output.style import PLAIN
from secretsync.cli.settings import chosen_targets, only_fitting
from secretsync.core import packing
from secretsync.core.errors import FAILED
from secretsync.core.files import read_limited, write_atomically
from secretsync.core.yaml_edit import Keys
from secretsync.reconcile import factory
from secretsync.reconcile.destination import Delivery
from secretsync.rucio.charts import lint, merge, patch, site_values, values
from secretsync.rucio.charts.case import Case, Problem
from secretsync.rucio.charts.site_values import keys_of
from secretsync.rucio.charts.values import CHARTS, NEEDS_NOTHING, VIAS, WITHOUT_MOUNTS, ChartCannot
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
  secretsync values daemons --merge COMMON.yaml --with DAEMONS.yaml
  secretsync values server --merge RELEASE.yaml --at spec.values
"""


@click.command("values", short_help="What to add to the values of Rucio's charts.", epilog=_EPILOG)
@click.argument("chart", type=click.Choice([*CHARTS, *NEEDS_NOTHING, *WITHOUT_MOUNTS]), default="server")
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
    "--with",
    "layers",
    type=_FILE,
    multiple=True,
    help="With --merge: a file that Helm gets after it. What is added goes into the one that decides.",
)
@click.option(
    "--at",
    default="",
    metavar="PATH",
    help="Where the values are in the files, as spec.values, spec.source.helm.valuesObject, or a subchart's name.",
)
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
    layers: tuple[Path, ...],
    at: str,
    linted: tuple[Path, ...],
    module: str | None,
    target_name: str | None,
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
    if layers and not into:
        raise click.UsageError("--with goes with --merge")
    if at and not (into or linted):
        raise click.UsageError("--at goes with --merge and --lint")
    if chart in NEEDS_NOTHING:
        click.echo(NEEDS_NOTHING[chart])
        return
    if chart in WITHOUT_MOUNTS and not (kustomize or patching):
        raise ChartCannot(chart)
    settings: Settings = context.obj
    configuration = settings.configuration()
    target = _target(configuration, target_name)
    wiring = wire(_packed(settings, configuration, target, module), style, root)
    if into:
        _merge((into, *layers), wiring, chart, via, keys_of(at), settings.output)
    elif linted:
        context.exit(_lint(linted, wiring, chart, via, keys_of(at), settings.output))
    elif kustomize:
        _print(patch.render_kustomization(wiring, chart), settings.output)
    elif patching:
        _print(patch.render_patch(wiring, container or {**CHARTS, **WITHOUT_MOUNTS}[chart].name), settings.output)
    else:
        _print(values.render(wiring, chart, via, target.namespace), settings.output)


class MergedFile(Model):
    """A file of values: what was added, and what a person has to look at."""

    file: str
    changes: tuple[str, ...]
    notes: tuple[str, ...]


class MergeReport(Model):
    """What ``secretsync values --merge`` did."""

    version: Literal[1] = 1
    files: tuple[MergedFile, ...]


class LintReport(Model):
    """What ``secretsync values --lint`` found; nothing where the values are right."""

    version: Literal[1] = 1
    problems: tuple[Problem, ...]


def _print(text: str, output: str) -> None:
    """YAML with its comments, or the same as JSON."""
    click.echo(json.dumps(yaml.safe_load(text), indent=2) if output == "json" else text.rstrip("\n"))


def _merge(paths: Sequence[Path], wiring: Wiring, chart: str, via: str, at: Keys, output: str) -> None:
    merged = merge.merge_layers([_read(path) for path in paths], wiring, chart, via, at)
    changed = list(zip(paths, merged, strict=True))
    for path, layer in changed:
        if layer.done and path.suffix == ".json" and not _is_json(layer.text):
            raise site_values.NotValues(f"{path} says nothing yet, and would be YAML: write a first key into it")
    for path, layer in changed:
        if layer.done:
            write_atomically(path.resolve(), layer.text, path.stat().st_mode)
    if output == "json":
        files = tuple(
            MergedFile(file=str(path), changes=tuple(layer.done), notes=tuple(map(str, layer.noted)))
            for path, layer in changed
        )
        click.echo(json_format.render(MergeReport(files=files)), nl=False)
        return
    for path, layer in changed:
        for line in layer.done:
            click.echo(f"{path}: {line}")
        for problem in layer.noted:
            click.echo(PLAIN.wrap(f"note: {problem}"))
    if not any(layer.done for layer in merged):
        click.echo(f"{' + '.join(map(str, paths))}: nothing to add: all values are there")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _lint(paths: Sequence[Path], wiring: Wiring, chart: str, via: str, at: Keys, output: str) -> int:
    texts = [_read(path) for path in paths]
    site_values.require_any(texts, at)
    merged = reduce(site_values.overlaid, [site_values.read(text, at) for text in texts])
    problems = lint.lint(Case(merged, wiring, chart, via))
    if output == "json":
        click.echo(json_format.render(LintReport(problems=tuple(problems))), nl=False)
    else:
        for problem in problems:
            click.echo(PLAIN.wrap(f"{' + '.join(map(str, paths))}: {problem}"))
    return FAILED if problems else 0


def _read(path: Path) -> str:
    """The text with its line ends as they are."""
    try:
        return read_limited(path).decode()
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{path} is not UTF-8 text") from None


def _target(configuration: config.Config, target_name: str | None) -> config.Target:
    fitting = [target for target in chosen_targets(configuration, target_name).targets if fits(target, target_name)]
    names = [target.name or target.namespace for target in fitting]
    only_fitting(names, names, "--target")
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
    selected = [delivery for delivery in deliveries if module in (None, delivery.placement.module)]
    if not selected:
        raise click.UsageError(f"the configuration has no package {module!r}")
    return [_fetched(delivery) for delivery in selected]


def _fetched(delivery: Delivery) -> Packed:
    bundle = delivery.source.fetch(delivery.source.resolve())
    placement = delivery.placement
    secrets = packing.pack(bundle, placement, delivery.recipe)
    return Packed(placement.module, placement.vo, placement.layout, secrets)
