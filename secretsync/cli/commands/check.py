"""``secretsync check``: what Rucio would do with a package, before anything is touched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from secretsync import config
from secretsync.cli.commands import Settings
from secretsync.cli.output.findings import FORMATS, Checked, Proven
from secretsync.config import problems
from secretsync.config.requirement import DirectoryRequirement, Requirement, parse
from secretsync.core import packing
from secretsync.core.errors import FAILED
from secretsync.core.escape import visible
from secretsync.core.model import Bundle, Secret
from secretsync.reconcile import factory
from secretsync.reconcile.destination import Delivery, Destination
from secretsync.reconcile.state_store import load_state
from secretsync.rucio.check import Finding, Situation, check, documentation, fails, with_severities
from secretsync.rucio.check.actions import action_table, with_proof
from secretsync.rucio.check.against_generic import against_generic
from secretsync.rucio.check.policy_diff import policy_diff
from secretsync.rucio.check.rucio import rucio
from secretsync.rucio.workload_context import workload_context
from secretsync.sources.cache import private_folder
from secretsync.sources.locate import PackageNotFound
from secretsync.sources.open import open_source, package_name

if TYPE_CHECKING:
    from secretsync.rucio.prove import Proof

_EPILOG = """\b
Examples:
  secretsync check                     the configuration's packages, as live
  secretsync check --diff              what would change, in Rucio's terms
  secretsync check --rucio 41.5.1 atlas-rucio-policy-package==0.8.6
  secretsync check --rucio 38.5.5 --rucio 41.5.1 ./src/my_policy
  secretsync check --actions --rucio 41.5.1 .    who decides on what
  secretsync check --list              the rules, and why they are rules
"""


@dataclass(frozen=True)
class CheckRequest:
    """A package in a situation; *check_rules* is what the configuration says of its check.

    *directory* is where its files lie, relative to the repository's root.
    """

    title: str
    bundle: Bundle
    situation: Situation
    check_rules: config.Check
    layout: str = "directories"
    directory: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules find, with the severities that the configuration gives them."""
        return with_severities(check(self.bundle, self.situation), self.check_rules.severities)


@click.command("check", short_help="What Rucio would do with a package.", epilog=_EPILOG)
@click.argument("requirement", required=False)
@click.option("--module", help="Which package; with a REQUIREMENT of another name, what Rucio imports.")
@click.option(
    "--rucio",
    "versions",
    multiple=True,
    metavar="VERSION",
    help="Check for this Rucio, or several. Default: the live ones.",
)
@click.option("--vo", default="", help="With a requirement: the VO, where Rucio serves several.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="The report; default: that of --output.")
@click.option("--diff", is_flag=True, help="Add how the policy differs from what is live.")
@click.option("--against-generic", "generic", is_flag=True, help="Add which of Rucio's actions the package lacks.")
@click.option("--prove", "proving", is_flag=True, help="Load it in the real Rucio too; this runs its code.")
@click.option(
    "--rucio-python",
    "pythons",
    multiple=True,
    metavar="[VERSION=]PATH",
    help="With --prove: a Python that has Rucio (of that version); default: one is made.",
)
@click.option("--actions", "with_actions", is_flag=True, help="Add who decides on each of Rucio's actions.")
@click.option("--fail", type=click.Choice(["warning", "error", "never"]), help="What makes the exit code 1.")
@click.option("--list", "listing", is_flag=True, help="Explain the rules and stop.")
@click.pass_context
def check_command(
    context: click.Context,
    requirement: str | None,
    module: str | None,
    versions: tuple[str, ...],
    vo: str,
    form: str | None,
    diff: bool,
    generic: bool,
    proving: bool,
    pythons: tuple[str, ...],
    with_actions: bool,
    fail: str | None,
    listing: bool,
) -> None:
    """Say what Rucio would do with a package; nothing is touched.

    REQUIREMENT is a package in one of pip's forms, a folder for instance. Without it the configuration's packages are
    checked against what is live; with --rucio and without --diff the cluster is not asked.
    """
    if listing:
        click.echo(documentation.terminal(), nl=False)
        return
    if requirement and diff:
        raise click.UsageError("--diff compares with what is live: leave the requirement out")
    if requirement:
        requests = [of_requirement(requirement, module, versions, vo)]
    else:
        requests = list(of_configuration(context.obj, module, versions, ask_cluster=diff or not versions))
    for note in dict.fromkeys(note for request in requests for note in request.bundle.notes):
        click.echo(visible(f"warning: {note}"), err=True)
    checked = [_checked(request, diff=diff, generic=generic, actions=with_actions) for request in requests]
    if proving:
        checked = [_proven(request, result, pythons) for request, result in zip(requests, checked, strict=True)]
    click.echo(FORMATS[form or context.obj.output](checked), nl=False)
    if any(_stops(request, result, fail) for request, result in zip(requests, checked, strict=True)):
        context.exit(FAILED)


def of_requirement(requirement: str, module: str | None, versions: tuple[str, ...], vo: str) -> CheckRequest:
    """The package that *requirement* names, as it is now. Raises SecretSyncError."""
    name = module or _module_named_by(parse(requirement))
    try:
        package, bundle = _fetched(requirement, name, vo)
    except PackageNotFound as error:
        intended = "" if module else _intended_module(name, error.candidates)
        if not intended:
            raise
        package, bundle = _fetched(requirement, intended, vo)
        place = f", the folder {bundle.directory}" if "/" in bundle.directory else ""
        note = f"note: the package is taken to be {intended}{place}; say --module to choose"
        click.echo(visible(note), err=True)
    directory = _in_repository(package.requirement, Path(), bundle)
    return CheckRequest(bundle.module, bundle, Situation(rucio=versions, vo=vo), package.check, directory=directory)


def _fetched(requirement: str, module: str, vo: str) -> tuple[config.Package, Bundle]:
    package = _package(requirement, module, vo)
    source = open_source(package, cache=factory.default_cache(), base=Path())
    return package, source.fetch(source.resolve())


def _package(requirement: str, module: str, vo: str) -> config.Package:
    """What the configuration would say of it. Raises click.UsageError where it could not."""
    try:
        return config.Package.model_validate({"moduleName": module, "requirement": requirement, "vo": vo})
    except ValidationError as error:
        faults = problems.sentences(error.errors(), lambda _: "", lambda _: None)
    raise click.UsageError(f"{'; '.join(faults)}; name the module with --module")


def _intended_module(name: str, candidates: tuple[str, ...]) -> str:
    """The one package that can be meant: it differs in case only, or there is no other."""
    modules = [candidate.rpartition("/")[2] for candidate in candidates]
    matches = [module for module in modules if module.lower() == name.lower()]
    (intended,) = matches if len(matches) == 1 else modules if len(modules) == 1 else ("",)
    return intended


def _in_repository(requirement: Requirement, base: Path, bundle: Bundle) -> str:
    """Where the package's files lie, relative to the repository's root; ``.``: they are the root's."""
    if not isinstance(requirement, DirectoryRequirement):
        return bundle.directory
    folder = (base / requirement.path).resolve()
    root = next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), Path.cwd())
    path = (folder / bundle.directory).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def of_configuration(
    settings: Settings, module: str | None, versions: tuple[str, ...], *, ask_cluster: bool
) -> Iterator[CheckRequest]:
    """The configuration's packages, in each place they go to. Raises SecretSyncError."""
    configuration = settings.configuration()
    for destination in factory.destinations(configuration, settings.base):
        for package, delivery in zip(configuration.packages, destination.deliveries, strict=True):
            if module not in (None, package.module_name):
                continue
            bundle = delivery.source.fetch(delivery.source.resolve())
            situation = _live(destination, delivery, bundle, package.vo) if ask_cluster else Situation(vo=package.vo)
            situation = replace(situation, rucio=versions or situation.rucio, accepted=frozenset(package.check.accept))
            title = f"{bundle.module} ({destination.name})"
            directory = _in_repository(package.requirement, settings.base, bundle)
            yield CheckRequest(title, bundle, situation, package.check, package.layout, directory)


def _live(destination: Destination, delivery: Delivery, bundle: Bundle, vo: str) -> Situation:
    secret = delivery.placement.secret
    memory = load_state(destination)
    names = dict.fromkeys((secret, *memory.state.of(secret).secrets))
    live = (destination.cluster.secret(destination.namespace, name) for name in names)
    secrets: list[Secret] = [secret for secret in live if secret]
    readable = bool(secrets) and not packing.is_encrypted(secrets)
    directories = {packing.secret_name(delivery.placement, file.directory): file.directory for file in bundle.files}
    context = workload_context(
        delivery.placement, directories, destination.cluster.workloads(destination.namespace, destination.selector)
    )
    return Situation(
        rucio=context.versions,
        images=context.images,
        vo=vo,
        mounted=context.mounted,
        live=replace(packing.live_bundle(secrets), module=bundle.module) if readable else None,
        environment=context.environment,
    )


def _checked(request: CheckRequest, *, diff: bool, generic: bool, actions: bool) -> Checked:
    live, versions = request.situation.live, request.situation.rucio
    return Checked(
        request.title,
        request.findings,
        policy_diff(live, request.bundle) if diff and live else None,
        tuple(against_generic(request.bundle, version) for version in versions or ("",)) if generic else (),
        versions or (rucio().version,),
        request.directory,
        tuple(file.path for file in request.bundle.files),
        action_table(request.bundle, versions, live) if actions else (),
    )


def _proven(request: CheckRequest, checked: Checked, pythons: tuple[str, ...]) -> Checked:
    """What was found, and what the real Rucio made of it.

    Raises what making its environment raises, and NotOurs where others could have put a Rucio into the cache.
    """
    from secretsync.rucio.prove import prove, rucio_environment
    from secretsync.rucio.prove.decided import decisions

    if not request.situation.rucio:
        raise click.UsageError("--prove needs the versions of Rucio to prove it with: --rucio 41.5.1")
    proofs: dict[str, Proof] = {}
    cache = factory.default_cache()
    private_folder(cache / "rucio")
    for tag in request.situation.rucio:
        release = str(rucio(tag).release)
        environment = rucio_environment(release, cache, _python_for(release, pythons))
        proofs[tag] = prove(request.bundle, rucio=environment, vo=request.situation.vo, layout=request.layout)
    decided = {tag: decisions(proof.report.get("answers") or ()) for tag, proof in proofs.items()}
    return replace(
        checked,
        findings=(*checked.findings, *(finding for proof in proofs.values() for finding in proof.findings)),
        proofs=tuple(Proven(proof.rucio, proof.python, str(proof.verdict)) for proof in proofs.values()),
        actions=with_proof(checked.actions, decided),
    )


def _python_for(release: str, pythons: tuple[str, ...]) -> str | None:
    """The Python that was given for that release, else one that was given for all."""
    for_all = [python for python in pythons if not re.match(r"\d[\w.]*=", python)]
    by_version = dict(python.split("=", 1) for python in pythons if python not in for_all)
    return by_version.get(release, for_all[0] if for_all else None)


def _stops(request: CheckRequest, checked: Checked, fail: str | None) -> bool:
    strictness = request.check_rules.model_copy(update={"fail": fail}) if fail else request.check_rules
    return fails(checked.findings, strictness.threshold)


def _module_named_by(requirement: Requirement) -> str:
    """What a package of that requirement is most often named: its own name, with underscores."""
    return re.sub(r"[-.]+", "_", package_name(requirement))
