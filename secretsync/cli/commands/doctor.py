"""``secretsync doctor``: whether the three conditions hold for every live workload, and what secretsync stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from secretsync import config
from secretsync.cli.commands import explain_beside_report
from secretsync.cli.options import only_target
from secretsync.cli.output.describe import problem
from secretsync.cli.output.doctor import DoctorReport, DoctorTarget, describe_doctor, render
from secretsync.cli.output.status import describe_proposed
from secretsync.cli.output.status_text import proposed_sentence
from secretsync.cli.settings import Settings
from secretsync.cluster.errors import Forbidden
from secretsync.cluster.rbac import Access, Need, Review, missing, surplus
from secretsync.core.errors import FAILED, SecretSyncError, worst
from secretsync.operations import doctor
from secretsync.operations.doctor import footing
from secretsync.operations.doctor.deep import DeepProof
from secretsync.operations.doctor.deep import prove as deep_proof
from secretsync.operations.doctor.footing import Remark
from secretsync.operations.permissions import observing_rules, required_rules, secret_names_with_history
from secretsync.operations.status import damage, status
from secretsync.plan import not_restarted
from secretsync.reconcile.destination import REAL_TIME, Destination

if TYPE_CHECKING:
    from secretsync.cluster.protocol import Cluster
    from secretsync.operations.doctor import Examination

_EPILOG = """\b
Examples:
  secretsync doctor           who does not load the package, and why
  secretsync doctor --deep    load it in the workloads' own images, too
  secretsync doctor -o json
"""


@click.command("doctor", short_help="Why a workload does not run its package.", epilog=_EPILOG)
@click.option("--deep", is_flag=True, help="Load what is live in a pod of each kind, with the real Rucio.")
@only_target
@click.pass_context
def doctor_command(context: click.Context, deep: bool, target_name: str | None) -> None:
    """Check each live workload: is the package's code mounted, is it on PYTHONPATH, is Rucio configured to import it?

    Each cross comes with what is wrong and the line that fixes it. It also checks what secretsync itself needs. It
    reads the charts' configuration Secrets where a variable does not decide, and writes nothing; --deep makes a Job.
    Exit code 1 when something is wrong.
    """
    settings: Settings = context.obj
    targets = [_target(settings, *pair, deep=deep) for pair in settings.destinations(target_name)]
    report = DoctorReport(targets=tuple(target for target, _ in targets))
    settings.print(report, render)
    context.exit(worst(code for _, code in targets))


def _target(
    settings: Settings, target: config.Target, destination: Destination, *, deep: bool
) -> tuple[DoctorTarget, int]:
    """What was found at one target, and the exit code."""
    try:
        doctor_target = _diagnose(target, destination, deep=deep)
    except SecretSyncError as error:
        explain_beside_report(settings, error, destination.name)
        return DoctorTarget(target=destination.name, well=False, error=problem(error)), error.exit_code
    return doctor_target, 0 if doctor_target.well else FAILED


def _damage(destination: Destination) -> Iterator[Remark]:
    """What is wrong with the live Secrets beside their files, as one that was deleted."""
    for delivery in destination.deliveries:
        with suppress(Forbidden):  # which the rights say
            yield from (Remark(sentence, failure=True) for sentence in damage(destination, delivery))


def _diagnose(target: config.Target, destination: Destination, *, deep: bool) -> DoctorTarget:
    examination, forbidden = _examine(target, destination)
    remarks = [*forbidden, *_damage(destination), *_sources(destination), *_footing(target, destination, examination)]
    proof = deep_proof(destination, examination, REAL_TIME) if deep and examination.secrets else DeepProof()
    return describe_doctor(destination.name, examination, [*remarks, *map(Remark, proof.notes)], proof.failures)


def _examine(target: config.Target, destination: Destination) -> tuple[Examination, Sequence[Remark]]:
    """What can be judged; where a call is forbidden nothing is, and the remark says which."""
    try:
        return doctor.diagnose(destination, target.doctor.ignore), ()
    except Forbidden as error:
        reason = (
            f"the workloads could not be judged, as this account may not {error.call}: run this again with that right"
        )
        return doctor.Examination((), (), ()), (Remark(reason, failure=True),)


def _sources(destination: Destination) -> Iterator[Remark]:
    for delivery in destination.deliveries:
        try:
            delivery.source.resolve()
        except SecretSyncError as error:
            yield Remark(f"the source of {delivery.placement.module} cannot be read: {error}", failure=True)


def _footing(target: config.Target, destination: Destination, examination: Examination) -> Sequence[Remark]:
    names = [secret.name for secret in examination.secrets]
    remarks = list(map(Remark, not_restarted.sentences(examination.not_restarted)))
    remarks += [
        *footing.failing_pods(examination.failing),
        *footing.nearly_full(examination.secrets),
        *footing.other_controllers(examination.workloads, names, wired=target.wire),
    ]
    remarks += _repository(destination)
    if destination.observed:
        return [*remarks, *_observed(destination, destination.observed)]
    if review := destination.cluster.review(destination.namespace):
        packages = [delivery.placement.secret for delivery in destination.deliveries]
        needs = required_rules(
            destination.installation,
            secret_names_with_history(names or packages, packages, target.rollout.history),
            wired=target.may_be_wired,
            proves=target.rollout.canary != "off",
            kinds=destination.cluster.workload_kinds(),
        )
        remarks += footing.permissions(_missing_rights(destination, needs, review), surplus(needs, review.rules))
        remarks += footing.clock(datetime.now(UTC), review.time)
    return remarks


def _repository(destination: Destination) -> Iterator[Remark]:
    """What of a target in git is known without its cluster, and what waits there."""
    if destination.repository is None:
        return
    if waiting := describe_proposed(destination.repository.waiting()):
        modules = ", ".join(delivery.placement.module for delivery in destination.deliveries)
        yield Remark(proposed_sentence(modules, waiting))
    if destination.observed is None:
        yield Remark("this is what git has: workloads are judged where 'observe' names the cluster that applies it")


def _observed(destination: Destination, cluster: Cluster) -> Iterator[Remark]:
    """Whether the cluster that runs what git has can be looked at, and which of its workloads lag."""
    if review := cluster.review(destination.namespace):
        needs = observing_rules(cluster.workload_kinds())
        observed_destination = replace(destination, cluster=cluster)
        yield from footing.permissions(
            _missing_rights(observed_destination, needs, review), surplus(needs, review.rules)
        )
        yield from footing.clock(datetime.now(UTC), review.time)
    for package in status(destination):
        current = sum(revision == package.revision_number for revision, _ in package.workloads.values())
        yield Remark(
            f"{package.module}: {current} of {len(package.workloads)} workloads of the cluster run what git has"
        )
        for ref, (revision, rollout) in package.workloads.items():
            if revision != package.revision_number:
                yield Remark(f"{ref} {rollout.message}: see whether the commit is merged and applied", failure=True)


def _missing_rights(destination: Destination, needs: Sequence[Need], review: Review) -> Sequence[Access]:
    """What the rules do not allow; where the API does not tell all rules, it is asked for each."""
    lacking = missing(needs, review.rules)
    if review.complete:
        return lacking
    return [access for access in lacking if not destination.cluster.allows(destination.namespace, access)]
