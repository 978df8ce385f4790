"""Prove first, in the workload's own image: nothing live has changed when a candidate is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from secretsync.cluster.errors import Forbidden, QuotaExceeded
from secretsync.cluster.rbac import Access, may
from secretsync.core.errors import ProofError
from secretsync.core.model import Ref
from secretsync.plan import in_force
from secretsync.plan.plan import Plan
from secretsync.reconcile.canary.environment import Environment, assumed, identity, to_read
from secretsync.reconcile.canary.manifests import candidates, environments, runs_rucio
from secretsync.reconcile.canary.run import CandidateRefused, NotProven, prove_all
from secretsync.reconcile.canary.verdict import proof_failures
from secretsync.reconcile.destination import Clock, Destination
from secretsync.reconcile.progress import working
from secretsync.rucio.conditions.container import Sources

__all__ = ["CandidateRefused", "NotProven", "ProofOutcome", "proof_failures", "provable", "prove_candidates"]

log = structlog.get_logger()

_RESOURCES = {"Secret": "secrets", "ConfigMap": "configmaps"}


@dataclass(frozen=True)
class ProofOutcome:
    """Workloads in whose kind of pod the package was *proven*; *missing* says why it could not be.

    *notes* are what an operator should know all the same, and *seen* what Rucio loaded, a sentence each.
    """

    proven: frozenset[Ref] = frozenset()
    missing: str = ""
    notes: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()


def prove_candidates(destination: Destination, plan: Plan, clock: Clock) -> ProofOutcome:
    """Prove every changed package once in each environment that will run it. Raises NotProven.

    Where the permissions for it are missing that is said, and required only where the destination requires it.
    """
    found = environments(plan.packages, plan.workloads)
    sources = _configuration(destination, found)
    if names := assumed(found, sources):
        log.info("configuration that may not be read is taken to say nothing of [policy]", secrets=names)
    miswired = {(one.workload, one.module) for one in plan.not_in_force}
    distinct = candidates(plan.packages, [(identity(one, sources), one) for one in found], miswired)
    if found and not distinct:
        return _without_witness(destination, plan)
    log.debug("environments", containers=len(found), proofs=len(distinct))
    try:
        with working(f"proving {', '.join(dict.fromkeys(one.placement.module for one in plan.packages))}"):
            done = prove_all(destination, distinct, clock)
    except (Forbidden, QuotaExceeded) as error:
        if destination.rollout.canary == "require":
            raise
        log.warning("not proven before the rollout", why=str(error))
        return ProofOutcome(missing=str(error))
    return ProofOutcome(proven=runs_rucio(plan.packages, plan.workloads), notes=done.notes, seen=done.seen)


def provable(destination: Destination, plan: Plan) -> frozenset[Ref]:
    """The workloads for which a proof would stand, if it passes. Raises NoWorkloadLoadsIt as the proof would."""
    found = environments(plan.packages, plan.workloads)
    miswired = {(one.workload, one.module) for one in plan.not_in_force}
    if not found or candidates(plan.packages, [("", environment) for environment in found], miswired):
        return runs_rucio(plan.packages, plan.workloads)
    if destination.rollout.canary == "require":
        raise NoWorkloadLoadsIt(tuple(in_force.sentences(plan.not_in_force)))
    return frozenset()


def _configuration(destination: Destination, found: Sequence[Environment]) -> Sources:
    """The configuration that tells environments apart, as far as this account may read it."""
    asked = to_read(found)
    return dict(_read(destination, sorted(asked))) if asked else {}


def _read(
    destination: Destination, keys: Sequence[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], Mapping[str, bytes] | None]]:
    review = destination.cluster.review(destination.namespace)
    for kind, name in keys:
        if not may(review, Access("get", "", _RESOURCES[kind], name)):
            continue
        try:
            yield (kind, name), _content(destination, kind, name)
        except Forbidden:
            continue


def _content(destination: Destination, kind: str, name: str) -> Mapping[str, bytes] | None:
    if kind == "Secret":
        secret = destination.cluster.secret(destination.namespace, name)
        return secret.data if secret else None
    manifest = destination.cluster.read(kind, destination.namespace, name)
    return {key: str(value).encode() for key, value in (manifest.get("data") or {}).items()} if manifest else None


@dataclass(eq=False)
class NoWorkloadLoadsIt(ProofError):
    """Every workload that mounts the package is miswired: the package is not to blame, and nothing can prove it."""

    code = "no_workload_loads_it"

    faults: Sequence[str]

    def __str__(self) -> str:
        return "\n".join(
            f"the wiring, not the package, is at fault: {fault}. Fix it first, or write 'rollout: {{canary: auto}}'"
            for fault in self.faults
        )


def _without_witness(destination: Destination, plan: Plan) -> ProofOutcome:
    """What follows where no workload would load the package. Raises NoWorkloadLoadsIt where a proof is required."""
    faults = tuple(in_force.sentences(plan.not_in_force))
    if destination.rollout.canary == "require":
        raise NoWorkloadLoadsIt(faults)
    log.warning("not proven: the wiring of every workload that mounts the package is at fault", faults=len(faults))
    return ProofOutcome(missing=faults[0])
