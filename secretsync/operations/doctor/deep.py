"""The proof of what is live, in the workloads' own images: what the canary does for a candidate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from secretsync.core import packing
from secretsync.operations.doctor import Examination
from secretsync.plan.diff import Action, Change, Desired, PackagePlan
from secretsync.plan.plan import Plan
from secretsync.reconcile.canary import NotProven, prove_candidates
from secretsync.reconcile.destination import Clock, Destination


@dataclass(frozen=True)
class DeepProof:
    """Why what is live does not come into force in the workloads' images, and what is noted beside, a sentence each."""

    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def prove(destination: Destination, examination: Examination, clock: Clock) -> DeepProof:
    """The proof of what is live in each kind of pod that runs it."""
    if not destination.cluster.runs_pods:
        return DeepProof(("no pods run here, so no image can prove it: 'check --prove' proves the package alone",))
    packages = tuple(as_candidates(examination))
    plan = Plan(packages, (), workloads=examination.workloads)
    failures: list[NotProven] = []
    outcome = prove_candidates(destination, plan, clock, failures.append)
    sentences = [f"in the image of {failure.workload}: {reason}" for failure in failures for reason in failure.reasons]
    if outcome.missing:
        sentences.append(outcome.missing)
    elif not outcome.proven:
        sentences.append("no workload that mounts a package has an image of Rucio's by its name")
    return DeepProof(
        tuple(sentences),
        (*outcome.notes, *(f"proven in the workloads' images: {sentence}" for sentence in outcome.seen)),
    )


def as_candidates(examination: Examination) -> Iterator[PackagePlan]:
    """The live Secrets, as if they were to be written; those that somebody made by hand have no label of the module."""
    for delivery, live in examination.live:
        if live:
            bundle = replace(packing.live_bundle(live), module=delivery.placement.module)
            changes = tuple(Change(Action.CREATE, secret, None) for secret in live)
            yield PackagePlan(Desired(delivery.placement, bundle, live), changes, revision_number=0)
