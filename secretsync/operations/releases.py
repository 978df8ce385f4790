"""What operators do by hand: history, rollback, suspend, resume. None of it needs the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from secretsync.core import packing, revision_numbers
from secretsync.core.errors import ConfigError, SecretSyncError
from secretsync.core.model import Bundle, Secret
from secretsync.operations.status import is_managed, live_secrets
from secretsync.plan import drift, history, mounts
from secretsync.plan.managed_fields import wiring_manager
from secretsync.plan.state import Hold, PackageState, State
from secretsync.reconcile.destination import REAL_TIME, Clock, Delivery, Destination, Report
from secretsync.reconcile.lock import Busy
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

    requested: str
    known: Sequence[str]
    encrypted: bool = False
    several: bool = False

    def __str__(self) -> str:
        names = ", ".join(self.known) or "no revision"
        problem = f"{self.requested!r} names {'several revisions' if self.several else 'no revision'}"
        if not self.requested:
            edited = "somebody had edited every earlier revision: name the one to bring back"
            problem = edited if self.known else "there is no earlier revision"
        hint = " An encrypted package goes back by a revert of the commit that brought it." if self.encrypted else ""
        return f"{problem}; the history keeps {names} (see 'secretsync history').{hint}".removesuffix(".")


@dataclass(eq=False)
class AlreadyLive(SecretSyncError):
    """A rollback was asked for to what is live."""

    code = "already_live"

    requested: str
    revision_number: int

    def __str__(self) -> str:
        return (
            f"{self.requested!r} is what is live already, as revision {self.revision_number}: choose another of "
            "'secretsync history', or stay there with 'secretsync suspend'"
        )


@dataclass(eq=False)
class ChangedByRequests(ConfigError):
    """A command by hand was given for a target that only a merge request changes."""

    code = "changed_by_requests"

    destination: str

    def __str__(self) -> str:
        return (
            f"{self.destination} is changed by merge requests alone: to go back, revert the merge in the repository; "
            "to stay, close the request, which is not opened again until the package changes, or name a fixed revision "
            "in 'requirement'"
        )


@dataclass(eq=False)
class RollbackWaits(SecretSyncError):
    """Another run is at work: it, or the next one, does what the rollback asks for."""

    code = "rollback_waits"
    category = "busy"

    module: str
    reason: str
    busy: str

    def __str__(self) -> str:
        return (
            f"it is remembered that {self.module} is to be {self.reason}, and it is suspended, but its files were not "
            f"put back yet: {self.busy}. Every run does it from now on; 'secretsync status' says when it is done"
        )


@dataclass(frozen=True)
class Entry:
    """A revision: its number, its files, and when they were written; *live* is the one that is deployed.

    Of an *edited* one somebody changed the files in the cluster: they are not what its commit holds. *restores* are the
    numbers that the same files had before a rollback or an undo brought them back; they name it too.
    """

    bundle: Bundle
    revision_number: int
    written: datetime | None = None
    live: bool = False
    edited: bool = False
    restores: tuple[int, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """All the numbers by which it is known."""
        return tuple(map(str, (self.revision_number, *self.restores)))


def revisions(destination: Destination, delivery: Delivery) -> tuple[Entry, ...]:
    """The live revision, and those that are kept, newest first."""
    memory = load_state(destination)
    live = live_secrets(destination, delivery, memory)
    kept = _kept_bundles(destination, delivery)
    is_ours = bool(live) and all(is_managed(secret, delivery) for secret in live)
    deployed = [_live_entry(live, kept, memory.state.of(delivery.placement.secret))] if is_ours else []
    digests = {entry.bundle.digest for entry in deployed}
    return (*deployed, *(_kept_entry(bundle) for bundle in kept if bundle.bundle.digest not in digests))


def _live_entry(live: Sequence[Secret], kept: Sequence[history.KeptBundle], package_state: PackageState) -> Entry:
    numbers = [revision_numbers.parse(secret.annotations.get(packing.REVISION_NUMBER)) for secret in live]
    written = max((secret.data_written for secret in live if secret.data_written), default=None)
    bundle, number = packing.live_bundle(live), max(numbers)
    same = [entry for entry in kept if entry.bundle.digest == bundle.digest]
    restores = {known for entry in same for known in (entry.revision_number, *entry.earlier_numbers)} - {0, number}
    edited = history.is_edited(live) and not drift.is_cut_off(live, package_state)
    return Entry(bundle, number, written, live=True, edited=edited, restores=tuple(sorted(restores)))


def _kept_entry(kept: history.KeptBundle) -> Entry:
    return Entry(kept.bundle, kept.revision_number, kept.written, edited=kept.edited, restores=kept.earlier_numbers)


def find(entries: Sequence[Entry], requested: str) -> Entry:
    """The revision that *requested* names: its number, its version, or the start of its commit, hash or digest.

    Raises NotInHistory where that is none, or several.
    """
    exact = [entry for entry in entries if requested in (entry.bundle.version, *entry.numbers)]
    matches = exact or [entry for entry in entries if _begins(entry.bundle, requested)]
    if len(matches) != 1:
        known = [f"{entry.revision_number} ({entry.bundle.revision.short})" for entry in entries]
        raise NotInHistory(requested, known, several=bool(matches))
    return matches[0]


def rollback(
    destination: Destination, delivery: Delivery, requested: str = "", clock: Clock = REAL_TIME, *, by: str = ""
) -> Report:
    """Bring back a kept revision, and suspend the package. By default it is the newest that nobody edited.

    *requested* is its number, its version, or the start of its commit, hash or digest.

    Raises NotInHistory, AlreadyLive, ChangedByRequests, RollbackWaits.
    """
    refuse_requests(destination)
    memory = load_state(destination)
    state = _rolled_back(destination, delivery, memory, requested, _now(clock), by)
    memory.save(state)
    hold = state.of(delivery.placement.secret).hold
    _publish(destination, f"secretsync: {delivery.placement.module} is {hold.reason if hold else 'rolled back'}")
    try:
        return sync(destination, clock)
    except Busy as busy:
        reason = hold.reason if hold else "rolled back"
        raise RollbackWaits(delivery.placement.module, reason, busy.at_work) from None


def refuse_requests(destination: Destination) -> None:
    """Raises ChangedByRequests where nothing can be changed by hand."""
    if destination.repository and destination.repository.proposes:
        raise ChangedByRequests(destination.name)


def preview_rollback(destination: Destination, delivery: Delivery, requested: str = "") -> Report:
    """What `rollback` would do; nothing is written. Raises NotInHistory, AlreadyLive, ChangedByRequests."""
    refuse_requests(destination)
    memory = load_state(destination)
    return preview_with(destination, _rolled_back(destination, delivery, memory, requested, 0, ""))


def _rolled_back(
    destination: Destination, delivery: Delivery, memory: StateStore, requested: str, now: int, by: str
) -> State:
    live = live_secrets(destination, delivery, memory)
    digest = packing.live_bundle(live).digest if live else ""
    candidates = [bundle for bundle in _kept_bundles(destination, delivery) if bundle.bundle.digest != digest]
    # what somebody wrote into the cluster comes back by its name alone
    chosen = _named(candidates, requested) if requested else [one for one in candidates if not one.edited][:1]
    if requested and not chosen:
        _refuse_live(destination, delivery, requested)
    if len(chosen) != 1:
        choices = [
            f"{bundle.revision_number} ({bundle.bundle.revision.short}{', edited' if bundle.edited else ''})"
            for bundle in candidates
        ]
        raise NotInHistory(requested, choices, packing.is_encrypted(live))
    (bundle,) = chosen
    history.refuse_changed(bundle.secret, delivery.placement, memory.state.of(delivery.placement.secret))
    edited = ", as somebody had edited it" if bundle.edited else ""
    reason = f"rolled back to revision {bundle.revision_number} ({bundle.bundle.revision.short}){edited}"
    hold = Hold(reason, bundle.secret.name, by=by, since=now, restored=bundle.revision_number)
    return _with_hold(memory, delivery, hold)


def _refuse_live(destination: Destination, delivery: Delivery, requested: str) -> None:
    """Raises AlreadyLive where *requested* names what is live."""
    live = [entry for entry in revisions(destination, delivery) if entry.live]
    if live and (requested in (live[0].bundle.version, *live[0].numbers) or _begins(live[0].bundle, requested)):
        raise AlreadyLive(requested, live[0].revision_number)


def suspend(
    destination: Destination, delivery: Delivery, reason: str, clock: Clock = REAL_TIME, *, by: str = ""
) -> None:
    """Keep what is live, whatever the source brings, until `resume`. Raises NothingDeployed, ChangedByRequests."""
    memory = deployed_memory(destination, delivery)
    memory.save(_with_hold(memory, delivery, Hold(reason, by=by, since=_now(clock))))
    _publish(destination, f"secretsync: {delivery.placement.module} is suspended: {reason}")


def deployed_memory(destination: Destination, delivery: Delivery) -> StateStore:
    """What is remembered where the package is deployed. Raises NothingDeployed where it is not, ChangedByRequests."""
    refuse_requests(destination)
    memory = load_state(destination)
    if not live_secrets(destination, delivery, memory):
        raise NothingDeployed(destination.name, delivery.placement.module)
    return memory


def suspension(destination: Destination, delivery: Delivery) -> Hold | None:
    """Why the package is suspended; None where it is not.

    A workload whose template somebody put back counts: `resume` mounts the package there again. So do files that
    admission changed when they were written: `resume` has them written once more.
    """
    package_state = load_state(destination).state.of(delivery.placement.secret)
    by_hand = _put_back(destination, delivery, package_state)
    if package_state.hold:
        return package_state.hold
    if by_hand:
        return Hold(f"somebody put back the template of {', '.join(by_hand)}")
    changed = package_state.changed_write
    return Hold(f"the API server stored Secret {changed.secret} otherwise than it was sent") if changed else None


def resume(destination: Destination, delivery: Delivery) -> Hold | None:
    """Follow the source again from the next pass on; returns the suspension that ended, None where there was none.

    Templates that somebody put back are wired again. Raises ChangedByRequests.
    """
    refuse_requests(destination)
    memory = load_state(destination)
    package_state = memory.state.of(delivery.placement.secret)
    hold = suspension(destination, delivery)
    by_hand = _put_back(destination, delivery, package_state)
    restarts = {
        name: revision_number for name, revision_number in package_state.restarts.items() if name not in by_hand
    }
    if hold:
        resumed = replace(package_state, restarts=restarts, hold=None, rewired=(), changed_write=None)
        memory.save(memory.state.with_package(delivery.placement.secret, resumed))
        _publish(destination, f"secretsync: {delivery.placement.module} follows its source again")
    return hold


def _publish(destination: Destination, title: str) -> None:
    if destination.repository is None:
        return
    # imported here: most targets are clusters
    from secretsync.reconcile.publish import publish_state

    publish_state(destination, title)


def _now(clock: Clock) -> int:
    return max(0, int(clock.utc().timestamp()))


def _put_back(destination: Destination, delivery: Delivery, package_state: PackageState) -> Sequence[str]:
    """Workloads whose template somebody put back."""
    if not delivery.placement.wired:
        return ()
    secret, manager = delivery.placement.secret, wiring_manager(destination.installation)
    workloads = destination.cluster.workloads(destination.namespace, destination.selector)
    return [
        str(workload.ref) for workload in workloads if mounts.was_put_back(workload, secret, package_state, manager)
    ]


def _with_hold(memory: StateStore, delivery: Delivery, hold: Hold) -> State:
    secret = delivery.placement.secret
    return memory.state.with_package(secret, replace(memory.state.of(secret), hold=hold))


def _kept_bundles(destination: Destination, delivery: Delivery) -> tuple[history.KeptBundle, ...]:
    ring = history.history_names(delivery.placement.secret, destination.rollout.history)
    secrets = {name: destination.cluster.secret(destination.namespace, name) for name in ring}
    placement = delivery.placement
    return history.kept_bundles(
        {
            name: kept_secret
            for name, kept_secret in secrets.items()
            if kept_secret and history.is_kept_bundle(kept_secret, placement)
        }
    )


def _named(bundles: Sequence[history.KeptBundle], requested: str) -> Sequence[history.KeptBundle]:
    """Those that *requested* names: a whole revision number or version goes before the start of a hash."""
    exact = [
        bundle
        for bundle in bundles
        if requested in (bundle.bundle.version, *map(str, (bundle.revision_number, *bundle.earlier_numbers)))
    ]
    return exact or [bundle for bundle in bundles if _begins(bundle.bundle, requested)]


def _begins(bundle: Bundle, requested: str) -> bool:
    revision = bundle.revision.id
    return any(name.startswith(requested) for name in (revision, revision.partition(":")[2], bundle.digest))
