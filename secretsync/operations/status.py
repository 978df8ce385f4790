"""What is deployed at a target, told by the cluster alone: no source is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from secretsync.cluster.repository.proposal import Proposed
from secretsync.core import packing, revision_numbers
from secretsync.core.kinds.kind import State as RolloutState
from secretsync.core.kinds.kind import Status
from secretsync.core.log import foreign_text
from secretsync.core.model import Bundle, Manifest, Ref, Secret, Workload
from secretsync.plan import drift, in_force, ownership, rollout_status
from secretsync.plan.diff import Desired, stamped_revision_number
from secretsync.plan.in_force import Judged, NotInForce
from secretsync.plan.lost_mounts import LostMounts, lost_mounts, lost_wiring, mounting
from secretsync.plan.not_restarted import NotRestarted, find_not_restarted
from secretsync.plan.state import PackageState, Result
from secretsync.reconcile import results
from secretsync.reconcile.desired import was_edited
from secretsync.reconcile.destination import REAL_TIME, Clock, Delivery, Destination
from secretsync.reconcile.gates import still_waits_for
from secretsync.reconcile.observe import spawners, with_names_found
from secretsync.reconcile.observed import running
from secretsync.reconcile.results import Condition
from secretsync.reconcile.state_store import StateStore, load_state


@dataclass(frozen=True)
class Deployed:
    """One package as it is live. *bundle* is None where nothing is; *drift* says that its bytes are not what it says.

    *foreign* names Secrets of that name that this installation does not manage; *damage* says in sentences what is
    wrong with ours beside their files: annotations that say nothing, one that was deleted. *result* is the outcome of
    the last passes; *workloads* has for each that mounts it the revision that its template carries, and how its
    rollout is. *owner* says who has the first of the foreign ones. *not_in_force* are the containers that do not load
    the package, *undecided* those of which an object that was not read decides it; *not_restarted* mounts it and is no
    workload of the destination; *lost* are workloads that no longer mount it, and *stripped* those whose wiring
    another tool removed again. *drift_is_left* says that no run restores what somebody changed. *unobserved* says that
    git alone is known, and no cluster that applies it. *waits* says what new content waits for, and *waits_since*
    since when it does; without a time nobody knows whether there is new content. *proposed* waits for somebody to
    merge it into that repository.
    """

    module: str
    bundle: Bundle | None
    revision_number: int
    since: datetime | None
    drift: bool
    package_state: PackageState
    result: Result | None
    workloads: Mapping[Ref, tuple[int, Status]]
    foreign: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    owner: str = ""
    not_in_force: tuple[NotInForce, ...] = ()
    undecided: tuple[NotInForce, ...] = ()
    not_restarted: tuple[NotRestarted, ...] = ()
    lost: LostMounts | None = None
    stripped: tuple[Ref, ...] = ()
    unobserved: bool = False
    drift_is_left: bool = False
    waits: str = ""
    waits_since: datetime | None = None
    proposed: Proposed | None = None


def status(destination: Destination, clock: Clock = REAL_TIME) -> tuple[Deployed, ...]:
    """What is deployed at a destination, told by the cluster alone."""
    memory = load_state(destination)
    cluster = destination.observed or destination.cluster
    workloads = cluster.workloads(destination.namespace, destination.selector)
    spawner_manifests = spawners(replace(destination, cluster=cluster)) or ()
    deployed = [
        _with_wait(_deployed(destination, delivery, memory, workloads, spawner_manifests), destination, delivery, clock)
        for delivery in destination.deliveries
    ]
    if proposed := destination.repository.waiting() if destination.repository else None:
        deployed = [replace(package, proposed=proposed) for package in deployed]
    return tuple(_with_pod_failures(destination, deployed, {workload.ref: workload for workload in workloads}))


def _with_wait(deployed: Deployed, destination: Destination, delivery: Delivery, clock: Clock) -> Deployed:
    """The same with what the next run waits for: where the last one did, and before the first deployment."""
    verdict = results.parse(deployed.result.verdict) if deployed.result else None
    now = clock.utc()
    if deployed.result and verdict and verdict.condition is Condition.WAITING:
        digest = verdict.fact.removeprefix("sha256:")
        waits = still_waits_for(destination, delivery, digest, now) or "nothing any more: the next run deploys it"
        return replace(deployed, waits=waits, waits_since=datetime.fromtimestamp(deployed.result.since, UTC))
    if deployed.bundle is None:
        return replace(deployed, waits=still_waits_for(destination, delivery, "", now))
    return deployed


def _with_pod_failures(
    destination: Destination, deployed: Sequence[Deployed], workloads: Mapping[Ref, Workload]
) -> Iterator[Deployed]:
    """The same; a workload says why its pods do not come up. Pods are listed only where a workload is not current."""
    pods: Sequence[Manifest] | None = None
    for package in deployed:
        statuses = dict(package.workloads)
        for ref, (revision_number, found) in package.workloads.items():
            if found.state is RolloutState.IN_PROGRESS and ref in workloads and not destination.observed:
                pods = destination.cluster.pods(destination.namespace) if pods is None else pods
                judged = rollout_status.judge(workloads[ref], pods, {})
                statuses[ref] = (revision_number, replace(judged, message=foreign_text(judged.message)))
        yield replace(package, workloads=statuses)


def _deployed(
    destination: Destination,
    delivery: Delivery,
    memory: StateStore,
    workloads: Sequence[Workload],
    spawner_manifests: Sequence[Manifest],
) -> Deployed:
    secret = delivery.placement.secret
    live = live_secrets(destination, delivery, memory)
    names = {*(secret.name for secret in live), *memory.state.of(secret).secrets, *memory.state.of(secret).outdated}
    writes = [revision_numbers.parse(secret.annotations.get(packing.REVISION_NUMBER)) for secret in live]
    foreign = [secret for secret in live if not is_managed(secret, delivery)]
    unrestarted = find_not_restarted(spawner_manifests, workloads, names)
    judged = Judged() if foreign else _judged(delivery, live, [*workloads, *_as_workloads(unrestarted)])
    return Deployed(
        module=delivery.placement.module,
        bundle=packing.live_bundle(live) if live else None,
        revision_number=max(writes, default=0),
        since=max((secret.data_written for secret in live if secret.data_written), default=None),
        drift=bool(live) and packing.DIGEST in live[0].annotations and _has_drifted(delivery, live, memory),
        package_state=memory.state.of(secret),
        result=memory.state.results.get(secret),
        workloads=_observed(delivery, live, workloads)
        if destination.observed
        else {
            workload.ref: (stamped_revision_number(workload, secret), _status(destination, workload))
            for workload in workloads
            if names & workload.referenced_secrets
        },
        foreign=tuple(secret.name for secret in foreign),
        damage=_damage(destination, delivery, live, memory),
        owner=ownership.describe_owner(foreign[0], delivery.placement) if foreign else "",
        not_in_force=judged.not_in_force,
        undecided=judged.undecided,
        drift_is_left=destination.drift == "report",
        not_restarted=unrestarted,
        lost=lost_mounts(delivery.placement.module, memory.state.of(secret), names, workloads),
        stripped=lost_wiring(memory.state.of(secret), names, workloads) if delivery.placement.wired else (),
        unobserved=destination.repository is not None and destination.observed is None and not workloads,
    )


def damage(destination: Destination, delivery: Delivery) -> tuple[str, ...]:
    """What is wrong with the live Secrets of a package beside their files, a sentence each."""
    memory = load_state(destination)
    return _damage(destination, delivery, live_secrets(destination, delivery, memory), memory)


def _damage(
    destination: Destination, delivery: Delivery, live: Sequence[Secret], memory: StateStore
) -> tuple[str, ...]:
    package_state = memory.state.of(delivery.placement.secret)
    # while a rollout goes on, not all have been written yet
    if not package_state.finished or not all(is_managed(secret, delivery) for secret in live):
        return ()
    names = {secret.name for secret in live}
    found = {
        name: destination.cluster.secret(destination.namespace, name)
        for name in package_state.secrets
        if name not in names and ownership.can_be_named(name, delivery.placement)
    }
    return (
        *(drift.unusable(secret) for secret in found.values() if secret),
        *drift.damage(
            live,
            [name for name, secret in found.items() if secret is None],
            package_state.revision_number,
            delivery.placement,
        ),
    )


def accept_lost_mounts(destination: Destination) -> tuple[LostMounts, ...]:
    """Workloads that no longer mount a package are meant to: they are not named any more. Returns which they were."""
    memory = load_state(destination)
    workloads = destination.cluster.workloads(destination.namespace, destination.selector)
    accepted, state = [], memory.state
    for delivery in destination.deliveries:
        package_state = state.of(delivery.placement.secret)
        names = {delivery.placement.secret, *package_state.secrets, *package_state.outdated}
        if lost := lost_mounts(delivery.placement.module, package_state, names, workloads):
            accepted.append(lost)
            state = state.with_package(
                delivery.placement.secret, replace(package_state, mounting=mounting(names, workloads))
            )
    memory.save(state)
    return tuple(accepted)


def _observed(
    delivery: Delivery, live: Sequence[Secret], workloads: Sequence[Workload]
) -> Mapping[Ref, tuple[int, Status]]:
    """By workload of the observed cluster the revision that it runs, 0 where that is not the one in git."""
    digest = packing.live_bundle(live).digest if live else ""
    number = max(
        (revision_numbers.parse(secret.annotations.get(packing.REVISION_NUMBER)) for secret in live), default=0
    )
    return {
        instance.workload.ref: (number, rollout_status.status(instance.workload))
        if instance.runs(digest)
        else (0, Status(RolloutState.IN_PROGRESS, f"mounts {', '.join(sorted(instance.names))}, not what git has"))
        for instance in running(workloads, delivery.placement)
    }


def _has_drifted(delivery: Delivery, live: Sequence[Secret], memory: StateStore) -> bool:
    package_state = memory.state.of(delivery.placement.secret)
    if drift.is_cut_off(live, package_state):
        return False
    return not packing.is_intact(live) or was_edited(delivery, live, package_state)


def _as_workloads(unrestarted: Sequence[NotRestarted]) -> Sequence[Workload]:
    return [spawned for spawner in unrestarted if (spawned := spawner.as_workload())]


def _judged(delivery: Delivery, live: Sequence[Secret], workloads: Sequence[Workload]) -> Judged:
    """The containers that do not load what is live, or of which that is not known."""
    if not live or not packing.is_intact(live):
        return Judged()
    return in_force.judge_workloads([Desired(delivery.placement, packing.live_bundle(live), tuple(live))], workloads)


def is_managed(secret: Secret, delivery: Delivery) -> bool:
    """Whether the labels of a live Secret say that this installation manages it."""
    labels = packing.labels(delivery.placement)
    return all(
        secret.labels.get(name) == labels[name] for name in (packing.MANAGED_BY, packing.INSTALLATION, packing.MODULE)
    )


def _status(destination: Destination, workload: Workload) -> Status:
    if not destination.cluster.runs_pods:
        return Status(RolloutState.WRITTEN, "its pods restart when the manifest is applied")
    status = rollout_status.status(workload)
    return replace(status, message=foreign_text(status.message))


def live_secrets(destination: Destination, delivery: Delivery, memory: StateStore) -> Sequence[Secret]:
    """The Secrets that hold what is live of a package."""
    secret = delivery.placement.secret
    state = with_names_found(destination, memory.state)
    known_names = (name for name in state.of(secret).secrets if ownership.can_be_named(name, delivery.placement))
    names = dict.fromkeys((secret, *known_names))
    secrets = (destination.cluster.secret(destination.namespace, name) for name in names)
    # anybody may have written a name into the state object
    own_secrets = [
        live_secret
        for live_secret in secrets
        if live_secret and (live_secret.name == secret or ownership.is_ours(live_secret, delivery.placement))
    ]
    return packing.newest_revision(own_secrets)
