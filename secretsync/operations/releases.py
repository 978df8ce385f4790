"""What operators do by hand: status, history, rollback, suspend, resume. None of it needs the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from secretsync.core import packing, revision_numbers
from secretsync.core.errors import SecretSyncError
from secretsync.core.kinds.kind import State as RolloutState
from secretsync.core.kinds.kind import Status
from secretsync.core.log import foreign_words
from secretsync.core.model import Bundle, Manifest, Ref, Secret, Workload
from secretsync.core.pod_references import secrets_referenced
from secretsync.plan import drift, history, in_force, mounts, ownership, rollout_status
from secretsync.plan.diff import Desired, stamped_revision_number
from secretsync.plan.in_force import NotInForce
from secretsync.plan.lost_mounts import LostMounts, lost_mounts, lost_wiring, mounting
from secretsync.plan.managed_fields import wiring_manager
from secretsync.plan.not_restarted import NotRestarted, find_not_restarted
from secretsync.plan.state import Hold, PackageState, Result, State
from secretsync.reconcile.desired import was_edited
from secretsync.reconcile.destination import REAL_TIME, Clock, Delivery, Destination, Report
from secretsync.reconcile.observe import spawners, with_names_found
from secretsync.reconcile.observed import running
from secretsync.reconcile.reconciler import preview_with, sync
from secretsync.reconcile.state_store import StateStore, load_state


@dataclass(eq=False)
class NothingDeployed(SecretSyncError):
    """There is no live Secret of the package."""

    code = "nothing_deployed"

    destination: str
    module: str

    def __str__(self) -> str:
        return f"{self.module} is not deployed in {self.destination}: run 'secretsync apply' first"


@dataclass(eq=False)
class NotInHistory(SecretSyncError):
    """No kept revision, or more than one, has the name that was given."""

    code = "not_in_history"

    asked: str
    known: Sequence[str]
    encrypted: bool = False

    def __str__(self) -> str:
        known = ", ".join(self.known) or "no revision"
        what = f"{self.asked!r} names no revision, or several" if self.asked else "there is no earlier revision"
        hint = " An encrypted package goes back by a revert of the commit that brought it." if self.encrypted else ""
        return f"{what}; the history keeps {known} (see 'secretsync history').{hint}".removesuffix(".")


@dataclass(frozen=True)
class Deployed:
    """One package as it is live. *bundle* is None where nothing is; *drift* says that its bytes are not what it says.

    *foreign* names Secrets of that name that this installation does not manage; *damage* says in sentences what is
    wrong with ours beside their files: annotations that say nothing, one that was deleted. *result* is the outcome of
    the last passes; *workloads* has for each that mounts it the revision that its template carries, and how its rollout
    is. *owner* says who has the first of the foreign ones. *not_in_force* are the containers that do not load the
    package; *not_restarted* mounts it and is no workload of the destination; *lost* are workloads that no longer mount
    it, and *stripped* those whose wiring another tool removed again.
    """

    module: str
    bundle: Bundle | None
    revision_number: int
    since: datetime | None
    drift: bool
    remembered: PackageState
    result: Result | None
    workloads: Mapping[Ref, tuple[int, Status]]
    foreign: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    owner: str = ""
    not_in_force: tuple[NotInForce, ...] = ()
    not_restarted: tuple[NotRestarted, ...] = ()
    lost: LostMounts | None = None
    stripped: tuple[Ref, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A revision: its number (*write*), its files, and when they were written; *live* is the one that is deployed."""

    bundle: Bundle
    revision_number: int
    written: datetime | None = None
    live: bool = False


def status(destination: Destination) -> tuple[Deployed, ...]:
    """What is deployed at a destination, told by the cluster alone."""
    memory = load_state(destination)
    cluster = destination.observed or destination.cluster
    workloads = cluster.workloads(destination.namespace, destination.selector)
    beside = spawners(replace(destination, cluster=cluster)) or ()
    return tuple(_deployed(destination, delivery, memory, workloads, beside) for delivery in destination.deliveries)


def _deployed(
    destination: Destination,
    delivery: Delivery,
    memory: StateStore,
    workloads: Sequence[Workload],
    beside: Sequence[Manifest],
) -> Deployed:
    secret = delivery.placement.secret
    live = live_secrets(destination, delivery, memory)
    names = {*(secret.name for secret in live), *memory.state.of(secret).secrets, *memory.state.of(secret).outdated}
    writes = [revision_numbers.parse(secret.annotations.get(packing.REVISION_NUMBER)) for secret in live]
    foreign = [secret for secret in live if not _is_ours(secret, delivery)]
    unrestarted = find_not_restarted(beside, workloads, names)
    return Deployed(
        module=delivery.placement.module,
        bundle=packing.live_bundle(live) if live else None,
        revision_number=max(writes, default=0),
        since=max((secret.data_written for secret in live if secret.data_written), default=None),
        drift=bool(live) and packing.DIGEST in live[0].annotations and _has_drifted(delivery, live, memory),
        remembered=memory.state.of(secret),
        result=memory.state.results.get(secret),
        workloads=_observed(delivery, live, workloads)
        if destination.observed
        else {
            workload.ref: (stamped_revision_number(workload, secret), _status(destination, workload))
            for workload in workloads
            if names & secrets_referenced(workload.template)
        },
        foreign=tuple(one.name for one in foreign),
        damage=_damage(delivery, live, memory),
        owner=ownership.describe_owner(foreign[0], delivery.placement) if foreign else "",
        not_in_force=() if foreign else _not_in_force(delivery, live, [*workloads, *_as_workloads(unrestarted)]),
        not_restarted=unrestarted,
        lost=lost_mounts(delivery.placement.module, memory.state.of(secret), names, workloads),
        stripped=lost_wiring(memory.state.of(secret), names, workloads) if delivery.placement.wired else (),
    )


def damage(destination: Destination, delivery: Delivery) -> tuple[str, ...]:
    """What is wrong with the live Secrets of a package beside their files, a sentence each."""
    memory = load_state(destination)
    return _damage(delivery, live_secrets(destination, delivery, memory), memory)


def _damage(delivery: Delivery, live: Sequence[Secret], memory: StateStore) -> tuple[str, ...]:
    remembered = memory.state.of(delivery.placement.secret)
    # while a rollout goes on, not all have been written yet
    if not live or not remembered.finished or not all(_is_ours(secret, delivery) for secret in live):
        return ()
    names = {secret.name for secret in live}
    missing = [
        name for name in remembered.secrets if name not in names and ownership.can_be_named(name, delivery.placement)
    ]
    return drift.damage(live, missing, remembered.revision_number)


def accept_lost_mounts(destination: Destination) -> tuple[LostMounts, ...]:
    """Workloads that no longer mount a package are meant to: they are not named any more. Returns which they were."""
    memory = load_state(destination)
    workloads = destination.cluster.workloads(destination.namespace, destination.selector)
    accepted, state = [], memory.state
    for delivery in destination.deliveries:
        remembered = state.of(delivery.placement.secret)
        names = {delivery.placement.secret, *remembered.secrets, *remembered.outdated}
        if lost := lost_mounts(delivery.placement.module, remembered, names, workloads):
            accepted.append(lost)
            state = state.with_package(
                delivery.placement.secret, replace(remembered, mounting=mounting(names, workloads))
            )
    memory.keep(state)
    return tuple(accepted)


def _observed(
    delivery: Delivery, live: Sequence[Secret], workloads: Sequence[Workload]
) -> Mapping[Ref, tuple[int, Status]]:
    """By workload of the observed cluster the revision that it runs, 0 where that is not the one in git."""
    digest = packing.live_bundle(live).digest if live else ""
    number = max((revision_numbers.parse(one.annotations.get(packing.REVISION_NUMBER)) for one in live), default=0)
    return {
        one.workload.ref: (number, rollout_status.status(one.workload))
        if one.runs(digest)
        else (0, Status(RolloutState.IN_PROGRESS, f"mounts {', '.join(sorted(one.names))}, not what git has"))
        for one in running(workloads, delivery.placement)
    }


def _has_drifted(delivery: Delivery, live: Sequence[Secret], memory: StateStore) -> bool:
    return not packing.is_intact(live) or was_edited(delivery, live, memory.state.of(delivery.placement.secret))


def _as_workloads(unrestarted: Sequence[NotRestarted]) -> Sequence[Workload]:
    return [one for each in unrestarted if (one := each.as_workload())]


def _not_in_force(delivery: Delivery, live: Sequence[Secret], workloads: Sequence[Workload]) -> tuple[NotInForce, ...]:
    """The containers that do not load what is live."""
    if not live or not packing.is_intact(live):
        return ()
    return in_force.not_in_force([Desired(delivery.placement, packing.live_bundle(live), tuple(live))], workloads)


def _is_ours(secret: Secret, delivery: Delivery) -> bool:
    ours = packing.labels(delivery.placement)
    return all(secret.labels.get(name) == ours[name] for name in (packing.MANAGED_BY, packing.INSTALLATION))


def _status(destination: Destination, workload: Workload) -> Status:
    if not destination.cluster.runs_pods:
        return Status(RolloutState.WRITTEN, "its pods restart when the manifest is applied")
    status = rollout_status.status(workload)
    return replace(status, message=foreign_words(status.message))


def revisions(destination: Destination, delivery: Delivery) -> tuple[Entry, ...]:
    """The live revision, and those that are kept, newest first."""
    memory = load_state(destination)
    live = live_secrets(destination, delivery, memory)
    deployed = [_entry(live)] if live and all(_is_ours(secret, delivery) for secret in live) else []
    digests = {one.bundle.digest for one in deployed}
    kept = [
        Entry(one.bundle, one.revision_number, one.secret.data_written)
        for one in _kept(destination, delivery)
        if one.bundle.digest not in digests
    ]
    return (*deployed, *kept)


def _entry(live: Sequence[Secret]) -> Entry:
    writes = [revision_numbers.parse(secret.annotations.get(packing.REVISION_NUMBER)) for secret in live]
    written = max((secret.data_written for secret in live if secret.data_written), default=None)
    return Entry(packing.live_bundle(live), max(writes), written, live=True)


def find(entries: Sequence[Entry], asked: str) -> Entry:
    """The revision that *asked* names: its number, its version, or the start of its commit, hash or digest.

    Raises NotInHistory where that is none, or several.
    """
    whole = [entry for entry in entries if asked in (entry.bundle.version, str(entry.revision_number))]
    found = whole or [entry for entry in entries if _begins(entry.bundle, asked)]
    if len(found) != 1:
        raise NotInHistory(asked, [f"{entry.revision_number} ({entry.bundle.revision.short})" for entry in entries])
    return found[0]


def rollback(
    destination: Destination, delivery: Delivery, asked: str = "", clock: Clock = REAL_TIME, *, by: str = ""
) -> Report:
    """Bring back a kept revision, by default the newest that is not live, and suspend the package.

    *asked* is its number, its version, or the start of its commit, hash or digest. Raises NotInHistory.
    """
    memory = load_state(destination)
    memory.keep(_rolled_back(destination, delivery, memory, asked, _now(clock), by))
    return sync(destination, clock)


def preview_rollback(destination: Destination, delivery: Delivery, asked: str = "") -> Report:
    """What `rollback` would do; nothing is written. Raises NotInHistory."""
    memory = load_state(destination)
    return preview_with(destination, _rolled_back(destination, delivery, memory, asked, 0, ""))


def _rolled_back(
    destination: Destination, delivery: Delivery, memory: StateStore, asked: str, now: int, by: str
) -> State:
    live = live_secrets(destination, delivery, memory)
    digest = packing.live_bundle(live).digest if live else ""
    candidates = [kept for kept in _kept(destination, delivery) if kept.bundle.digest != digest]
    chosen = _named(candidates, asked) if asked else candidates[:1]
    if len(chosen) != 1:
        known = [f"{kept.revision_number} ({kept.bundle.revision.short})" for kept in candidates]
        raise NotInHistory(asked, known, packing.is_encrypted(live))
    (kept,) = chosen
    history.refuse_changed(kept.secret, delivery.placement, memory.state.of(delivery.placement.secret))
    reason = f"rolled back to revision {kept.revision_number} ({kept.bundle.revision.short})"
    return _with_hold(memory, delivery, Hold(reason, kept.secret.name, by=by, since=now))


def suspend(
    destination: Destination, delivery: Delivery, reason: str, clock: Clock = REAL_TIME, *, by: str = ""
) -> None:
    """Keep what is live, whatever the source brings, until `resume`. Raises NothingDeployed."""
    memory = deployed_memory(destination, delivery)
    memory.keep(_with_hold(memory, delivery, Hold(reason, by=by, since=_now(clock))))


def deployed_memory(destination: Destination, delivery: Delivery) -> StateStore:
    """What is remembered where the package is deployed. Raises NothingDeployed where it is not."""
    memory = load_state(destination)
    if not live_secrets(destination, delivery, memory):
        raise NothingDeployed(destination.name, delivery.placement.module)
    return memory


def suspension(destination: Destination, delivery: Delivery) -> Hold | None:
    """Why the package is suspended; None where it is not.

    A workload whose template somebody put back counts: `resume` mounts the package there again. So do files that
    admission changed when they were written: `resume` has them written once more.
    """
    remembered = load_state(destination).state.of(delivery.placement.secret)
    by_hand = _put_back(destination, delivery, remembered)
    if remembered.hold:
        return remembered.hold
    if by_hand:
        return Hold(f"somebody put back the template of {', '.join(by_hand)}")
    changed = remembered.changed_write
    return Hold(f"the API server stored Secret {changed.secret} otherwise than it was sent") if changed else None


def resume(destination: Destination, delivery: Delivery) -> Hold | None:
    """Follow the source again from the next pass on; returns the suspension that ended, None where there was none.

    Templates that somebody put back are wired again.
    """
    memory = load_state(destination)
    remembered = memory.state.of(delivery.placement.secret)
    ended = suspension(destination, delivery)
    by_hand = _put_back(destination, delivery, remembered)
    restarts = {name: revision_number for name, revision_number in remembered.restarts.items() if name not in by_hand}
    if ended:
        resumed = replace(remembered, restarts=restarts, hold=None, rewired=(), changed_write=None)
        memory.keep(memory.state.with_package(delivery.placement.secret, resumed))
    return ended


def _now(clock: Clock) -> int:
    return int(clock.utc().timestamp())


def _put_back(destination: Destination, delivery: Delivery, remembered: PackageState) -> Sequence[str]:
    """Workloads whose template somebody put back."""
    if not delivery.placement.wired:
        return ()
    secret, manager = delivery.placement.secret, wiring_manager(destination.installation)
    workloads = destination.cluster.workloads(destination.namespace, destination.selector)
    return [str(workload.ref) for workload in workloads if mounts.was_put_back(workload, secret, remembered, manager)]


def _with_hold(memory: StateStore, delivery: Delivery, hold: Hold) -> State:
    secret = delivery.placement.secret
    return memory.state.with_package(secret, replace(memory.state.of(secret), hold=hold))


def live_secrets(destination: Destination, delivery: Delivery, memory: StateStore) -> Sequence[Secret]:
    """The Secrets that hold what is live of a package."""
    secret = delivery.placement.secret
    state = with_names_found(destination, memory.state)
    known = (one for one in state.of(secret).secrets if ownership.can_be_named(one, delivery.placement))
    names = dict.fromkeys((secret, *known))
    found = (destination.cluster.secret(destination.namespace, name) for name in names)
    # anybody may have written a name into the state object
    ours = [one for one in found if one and (one.name == secret or ownership.is_ours(one, delivery.placement))]
    return packing.newest_revision(ours)


def _kept(destination: Destination, delivery: Delivery) -> tuple[history.KeptBundle, ...]:
    ring = history.history_names(delivery.placement.secret, destination.rollout.history)
    found = {name: destination.cluster.secret(destination.namespace, name) for name in ring}
    placement = delivery.placement
    return history.kept_bundles(
        {name: one for name, one in found.items() if one and history.is_kept_bundle(one, placement)}
    )


def _named(kept: Sequence[history.KeptBundle], asked: str) -> Sequence[history.KeptBundle]:
    """Those that *asked* names: a whole revision number or version goes before the start of a hash."""
    whole = [one for one in kept if asked in (one.bundle.version, str(one.revision_number))]
    return whole or [one for one in kept if _begins(one.bundle, asked)]


def _begins(bundle: Bundle, asked: str) -> bool:
    revision = bundle.revision.id
    return any(known.startswith(asked) for known in (revision, revision.partition(":")[2], bundle.digest))
