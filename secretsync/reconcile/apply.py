"""The steps by which a plan is carried out; each may be the last before a kill, and the next run goes on from there."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import structlog

from secretsync.cluster.errors import OBJECT_REFUSED, Conflict, QuotaExceeded, Unreachable, WorkloadGone
from secretsync.core import packing
from secretsync.core.concurrency import for_each
from secretsync.core.errors import ROLLOUT_FAILED, ClusterError, SecretSyncError
from secretsync.core.instrumentation import ObjectWritten, emit, timed_stage
from secretsync.core.kinds import KINDS
from secretsync.core.kinds.kind import Cause, Status
from secretsync.core.kinds.kind import State as RolloutState
from secretsync.core.model import Manifest, Ref, Secret
from secretsync.core.shutdown import Stopped
from secretsync.plan import history, waves
from secretsync.plan.diff import Action, PackagePlan
from secretsync.plan.lost_mounts import still_expected
from secretsync.plan.plan import Plan
from secretsync.plan.restarts import Restart
from secretsync.plan.rollout_status import is_ready, pods_of
from secretsync.reconcile.admission import ChangedByAdmission, StampChanged, refuse_changed_stamp, refuse_changed_write
from secretsync.reconcile.destination import Clock, Destination
from secretsync.reconcile.lock import LeaseLost
from secretsync.reconcile.observe import referrers
from secretsync.reconcile.state_store import StateStore

log = structlog.get_logger()


@dataclass(eq=False)
class NoUndo(SecretSyncError):
    """What is live cannot be kept, so it could not be put back."""

    code = "no_undo"

    secret: str
    reason: str

    def __str__(self) -> str:
        return (
            f"what is live in Secret {self.secret} cannot be kept, so a bad package could not be rolled back: "
            f"{self.reason}. "
            "Fix that, or go on without a rollback by 'rollout: {onFailure: stop}'"
        )


@dataclass(eq=False)
class UndoFailed(SecretSyncError):
    """A rollout failed, and what was live before could not be put back; the next run goes on with that."""

    code = "undo_failed"
    category = "rollout"
    exit_code = ROLLOUT_FAILED

    failure: str
    reason: str
    kept: Sequence[str]

    def __str__(self) -> str:
        return (
            f"the rollout failed ({self.failure}), and putting back what was live FAILED too: {self.reason}. "
            f"It was kept in Secret {', '.join(self.kept)}: fix what is in the way, and 'secretsync apply' goes on "
            "putting it back; 'secretsync status' says which pods run what meanwhile"
        )


def keep_previous_bundles(destination: Destination, plan: Plan, memory: StateStore) -> dict[str, str]:
    """Keep what is live before its first byte changes: an undo then needs neither the source nor this process.

    Returns the names of the Secrets that keep it, by the package's. Raises NoUndo.
    """
    kept = {}
    for package in plan.packages:
        secret = package.placement.secret
        if package.placement.encryption or packing.is_encrypted(package.live):
            _delete_kept(destination, package)
        elif package.content and memory.state.of(secret).finished and package.live:
            kept[secret] = _keep_or_warn(destination, package, memory)
    return kept


def _delete_kept(destination: Destination, package: PackagePlan) -> None:
    """What is encrypted is not kept in the clear beside it: a revert of its commit brings it back."""
    for name in history.history_names(package.placement.secret, destination.rollout.history):
        live = destination.cluster.secret(destination.namespace, name)
        if live and history.is_kept_bundle(live, package.placement):
            destination.cluster.delete(live)
            log.info("deleted, as it was not encrypted", secret=name)


def _keep_or_warn(destination: Destination, package: PackagePlan, memory: StateStore) -> str:
    try:
        return _keep(destination, package, memory)
    except (Conflict, LeaseLost):
        raise
    except SecretSyncError as error:
        if isinstance(error, ClusterError) and not isinstance(error, (*OBJECT_REFUSED, ChangedByAdmission)):
            raise
        if destination.rollout.undo:
            raise NoUndo(package.placement.secret, str(error)) from None
        log.warning("no rollback will be possible", secret=package.placement.secret, why=str(error))
        return ""


def _keep(destination: Destination, package: PackagePlan, memory: StateStore) -> str:
    cluster, namespace = destination.cluster, destination.namespace
    live = package.live
    ring = history.history_names(package.placement.secret, destination.rollout.history)
    bundles = history.usable_names({name: cluster.secret(namespace, name) for name in ring}, package.placement)
    hold = memory.state.of(package.placement.secret).hold
    needed = [hold.kept] if hold else []
    *candidates, last = history.candidate_names(bundles, packing.live_bundle(live).digest, needed)
    for name in candidates:
        with contextlib.suppress(QuotaExceeded):  # an older entry gives way then
            return _keep_as(name, bundles[name], live, destination, package)
    return _keep_as(last, bundles[last], live, destination, package)


def _keep_as(
    name: str, existing: Secret | None, live: Sequence[Secret], destination: Destination, package: PackagePlan
) -> str:
    copy = history.history_secret(live, package.placement, name, existing)
    if existing is None:
        stored = destination.cluster.create(copy, manager=destination.manager)
    elif existing.annotations != copy.annotations or existing.data != copy.data:
        stored = destination.cluster.replace(copy, existing, manager=destination.manager)
    else:
        return name
    refuse_changed_write(destination, copy, stored)
    log.debug("kept", secret=name, digest=package.desired.bundle.digest[:12])
    return name


def record_start(plan: Plan, memory: StateStore, kept: Mapping[str, str], checked: Mapping[str, str]) -> None:
    """Names and revision numbers are remembered before the first live write: whoever comes next can finish the job."""
    state = memory.state
    for package in plan.packages:
        secret = package.placement.secret
        names = tuple(change.desired.name for change in package.changes)
        if plan.moves(package):
            unhealthy = waves.unhealthy_workloads(plan.workloads, package)
            digest = package.desired.bundle.digest
            started = state.of(secret).begun(
                names, package.revision_number, package.desired.hold, unhealthy, digest=digest
            )
            if kept.get(secret):
                started = started.replaced(kept[secret], packing.live_bundle(package.live).digest)
            state = state.with_package(secret, started)
    memory.save(state.checked(checked))


def seconds_since_written(plan: Plan, clock: Clock) -> float:
    """Seconds since the files were written that are live now: by this run, just now, or by an earlier one."""
    if any(package.content for package in plan.packages):
        return 0
    written = [change.live.data_written for change in plan.changes if change.live and change.live.data_written]
    return max((clock.utc() - max(written)).total_seconds(), 0) if written else 0


@timed_stage("restart")
def restart_workloads(destination: Destination, restarts: Sequence[Restart], memory: StateStore) -> dict[Ref, Status]:
    """Stamp every stale workload, some side by side; a verdict on each that could not be, in the order of *restarts*.

    What was stamped is remembered in one write, also where a Conflict or a stop ends this early.
    """
    stamped: set[Ref] = set()
    refused: dict[Ref, Status] = {}

    def restart(planned: Restart) -> None:
        ref = planned.workload.ref
        try:
            _restart_workload(destination, planned)
        except (Unreachable, Conflict, LeaseLost):
            raise
        except SecretSyncError as error:
            if isinstance(error, WorkloadGone) and not destination.approved:
                # what has taken its name may run older files
                raise Conflict(ref, "was deleted, or made anew,") from None
            if isinstance(error, StampChanged):
                stamped.add(ref)  # nor is it restarted for that again
            refused[ref] = Status(RolloutState.FAILED, f"could not be restarted: {error}", Cause.OTHER)
            log.error("not restarted", workload=str(ref), why=str(error))
        else:
            stamped.add(ref)
            emit(ObjectWritten(destination.name, ref.kind, ref.name))
            log.info("restarted", workload=str(ref), why=planned.reason)

    try:
        for_each(restarts, restart, at_once=destination.cluster.calls_at_once)
    except (Conflict, Stopped):
        _remember_restarts(restarts, stamped, memory)
        raise
    _remember_restarts(restarts, stamped, memory)
    return {
        restart.workload.ref: refused[restart.workload.ref] for restart in restarts if restart.workload.ref in refused
    }


def _remember_restarts(restarts: Sequence[Restart], stamped: Container[Ref], memory: StateStore) -> None:
    state = memory.state
    for restart in restarts:
        ref = restart.workload.ref
        if ref in stamped:
            state = state.unwired(str(ref)) if restart.unwires else state.restarted(str(ref), restart.annotations)
    memory.save(state)


def _restart_workload(destination: Destination, restart: Restart) -> None:
    if restart.rewiring is None:
        stored = destination.cluster.annotate(restart.workload, restart.annotations, manager=destination.manager)
        refuse_changed_stamp(destination, restart.annotations, stored)
        return
    workload, change = restart.workload, restart.rewiring
    if change.managed_fields:
        workload = destination.cluster.set_managed_fields(workload, change.managed_fields, manager=change.manager)
    destination.cluster.wire(workload, change.part, manager=change.manager)


def delete_stuck_pods(destination: Destination, restarts: Sequence[Restart]) -> None:
    """Delete the pods at which StatefulSets hang: their controller waits for them even when the template has changed.

    Only pods of an earlier stamp: what never had one may wait for a Secret that was written just now. See
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback.
    """
    sets = [restart for restart in restarts if KINDS[restart.workload.ref.kind].waits_for_failed_pods]
    pods = destination.cluster.pods(destination.namespace) if sets else ()
    for stateful_set in sets:
        for pod in pods_of(stateful_set.workload, pods):
            if not is_ready(pod) and _has_earlier_stamp(pod, stateful_set.annotations):
                destination.cluster.remove({"kind": "Pod", **pod})
                log.info("deleted a stuck pod", pod=pod["metadata"]["name"], workload=str(stateful_set.workload.ref))


def _has_earlier_stamp(pod: Manifest, annotations: Mapping[str, str]) -> bool:
    pod_annotations = pod["metadata"].get("annotations") or {}
    return any(pod_annotations.get(key, value) != value for key, value in annotations.items())


@timed_stage("prune")
def prune_secrets(destination: Destination, plan: Plan) -> None:
    """Delete what is no longer desired, unless somebody began to refer to it since the plan was made."""
    deletes = [change for package in plan.packages for change in package.deletes]
    mounted_by: Mapping[str, Sequence[str]] = referrers(destination) if deletes else {}
    for change in deletes:
        if change.desired.name in mounted_by:
            raise Conflict(change.desired.ref, f"is referred to by {mounted_by[change.desired.name][0]} since then")
        destination.cluster.delete(change.desired)
        log.info("deleted", secret=change.desired.name)


def record_end(plan: Plan, memory: StateStore) -> None:
    """The rollout was seen to its end: what is left of each package's Secrets is remembered."""
    state = memory.state
    unwired = {restart.workload.ref for restart in plan.restarts if restart.unwires}
    workloads = [workload for workload in plan.workloads if workload.ref not in unwired]
    for package in plan.packages:
        secret = package.placement.secret
        remaining = {change.desired.name for change in package.changes if change.action is not Action.DELETE}
        if not state.of(secret).finished:
            names, digest = tuple(remaining.difference(package.outdated)), package.desired.bundle.digest
            mounting = () if package.placement.wired else still_expected(state.of(secret), remaining, workloads)
            finished = state.of(secret).ended(
                names,
                package.outdated,
                digest=digest,
                description=package.description,
                mounting=mounting,
            )
            state = state.with_package(secret, finished)
    memory.save(state)
