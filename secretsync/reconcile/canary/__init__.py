"""Prove first, in the workload's own image: nothing live has changed when a candidate is refused."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
from secretsync.reconcile.canary.run import CandidateRefused, NotProven, end_at, prove_all
from secretsync.reconcile.canary.verdict import proof_failures
from secretsync.reconcile.destination import Clock, Destination
from secretsync.reconcile.progress import working
from secretsync.rucio.conditions.container import Sources

__all__ = [
    "CandidateRefused",
    "NotProven",
    "ProofOutcome",
    "proof_failures",
    "provable",
    "prove_candidates",
    "read_contents",
]

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


def prove_candidates(
    destination: Destination, plan: Plan, clock: Clock, on_failure: Callable[[NotProven], None] = end_at
) -> ProofOutcome:
    """Prove every changed package once in each environment that will run it. Raises NotProven at the first failure.

    *on_failure* may go on instead.
    Where the permissions for it are missing that is said, and required only where the destination requires it.
    """
    pod_environments = environments(plan.packages, plan.workloads)
    sources = _configuration(destination, pod_environments)
    if names := assumed(pod_environments, sources):
        log.info("configuration that may not be read is taken to say nothing of [policy]", secrets=names)
    miswired = {(mismatch.workload, mismatch.module) for mismatch in plan.not_in_force}
    distinct = candidates(
        plan.packages, [(identity(environment, sources), environment) for environment in pod_environments], miswired
    )
    if pod_environments and not distinct:
        return _without_witness(destination, plan)
    log.debug("environments", containers=len(pod_environments), proofs=len(distinct))
    try:
        with working(f"proving {', '.join(dict.fromkeys(package.placement.module for package in plan.packages))}"):
            proofs = prove_all(destination, distinct, clock, on_failure)
    except (Forbidden, QuotaExceeded) as error:
        if destination.rollout.canary == "require":
            raise
        log.warning("not proven before the rollout", why=str(error))
        return ProofOutcome(missing=str(error))
    return ProofOutcome(proven=runs_rucio(plan.packages, plan.workloads), notes=proofs.notes, seen=proofs.seen)


def provable(destination: Destination, plan: Plan) -> frozenset[Ref]:
    """The workloads for which a proof would stand, if it passes. Raises NoWorkloadLoadsIt as the proof would."""
    pod_environments = environments(plan.packages, plan.workloads)
    miswired = {(mismatch.workload, mismatch.module) for mismatch in plan.not_in_force}
    if not pod_environments or candidates(
        plan.packages, [("", environment) for environment in pod_environments], miswired
    ):
        return runs_rucio(plan.packages, plan.workloads)
    if destination.rollout.canary == "require":
        raise NoWorkloadLoadsIt(tuple(in_force.sentences(plan.not_in_force)))
    return frozenset()


def _configuration(destination: Destination, pod_environments: Sequence[Environment]) -> Sources:
    """The configuration that tells environments apart, as far as this account may read it."""
    deciding = to_read(pod_environments)
    return dict(read_contents(destination, deciding))


def read_contents(
    destination: Destination, keys: Collection[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], Mapping[str, bytes] | None]]:
    """The content of Secrets and ConfigMaps, by kind and name; what this account may not read is left out."""
    review = destination.cluster.review(destination.namespace) if keys else None
    for kind, name in sorted(keys):
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

    problems: Sequence[str]

    def __str__(self) -> str:
        return "\n".join(
            f"the wiring, not the package, is at fault: {problem}. Fix it first, or write 'rollout: {{canary: auto}}'"
            for problem in self.problems
        )


def _without_witness(destination: Destination, plan: Plan) -> ProofOutcome:
    """What follows where no workload would load the package. Raises NoWorkloadLoadsIt where a proof is required."""
    problems = tuple(in_force.sentences(plan.not_in_force))
    if destination.rollout.canary == "require":
        raise NoWorkloadLoadsIt(problems)
    log.warning("not proven: the wiring of every workload that mounts the package is at fault", faults=len(problems))
    return ProofOutcome(missing=problems[0])
