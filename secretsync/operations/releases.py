"""What operators do by hand: look at what is deployed, go back, hold, release. None of it needs the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from secretsync.core import packing
from secretsync.core.errors import SecretSyncError
from secretsync.core.kinds.kind import State, Status
from secretsync.core.model import Bundle, Ref, Secret, Workload
from secretsync.core.pod_references import secrets_referenced
from secretsync.plan import history, mounts, rollout_status
from secretsync.plan.diff import stamped_revision_number
from secretsync.plan.managed_fields import wiring_manager
from secretsync.plan.state import Hold, PackageState, Result
from secretsync.reconcile.destination import REAL_TIME, Clock, Delivery, Destination, Report
from secretsync.reconcile.reconciler import sync
from secretsync.reconcile.state_store import StateStore, load_state


@dataclass(eq=False)
class NothingDeployed(SecretSyncError):
    """There is no live Secret of the package."""

    code = "nothing_deployed"

    destination: str
    module: str

    def __str__(self) -> str:
        return f"{self.module} is not deployed in {self.destination}: run 'secretsync --once' first"


@dataclass(eq=False)
class NotInHistory(SecretSyncError):
    """No kept bundle, or more than one, is what was asked for."""

    code = "not_in_history"

    asked: str
    known: Sequence[str]

    def __str__(self) -> str:
        known = ", ".join(self.known) or "nothing"
        what = f"{self.asked!r} is not one bundle of the history" if self.asked else "there is no earlier bundle"
        return f"{what}; it keeps {known} (see 'secretsync history')"


@dataclass(frozen=True)
class Deployed:
    """One package as it is live. *bundle* is None where nothing is; *drift* says that its bytes are not what it says.

    *result* is what passes come to, since when; *workloads* tells for each that mounts it which write its template
    carries, and how its rollout is.
    """

    module: str
    bundle: Bundle | None
    revision_number: int
    since: datetime | None
    drift: bool
    remembered: PackageState
    result: Result | None
    workloads: Mapping[Ref, tuple[int, Status]]


@dataclass(frozen=True)
class Entry:
    """A bundle of the history, and the write under which it was live."""

    bundle: Bundle
    revision_number: int


def status(destination: Destination) -> tuple[Deployed, ...]:
    """What is deployed at a destination, told by the cluster alone."""
    memory = load_state(destination)
    workloads = destination.cluster.workloads(destination.namespace, destination.selector)
    return tuple(_deployed(destination, delivery, memory, workloads) for delivery in destination.deliveries)


def _deployed(
    destination: Destination, delivery: Delivery, memory: StateStore, workloads: Sequence[Workload]
) -> Deployed:
    secret = delivery.placement.secret
    live = live_secrets(destination, delivery, memory)
    names = {*(one.name for one in live), *memory.state.of(secret).secrets, *memory.state.of(secret).outdated}
    writes = [int(one.annotations.get(packing.REVISION_NUMBER, "0")) for one in live]
    return Deployed(
        module=delivery.placement.module,
        bundle=packing.live_bundle(live) if live else None,
        revision_number=max(writes, default=0),
        since=max((one.data_written for one in live if one.data_written), default=None),
        drift=bool(live) and not packing.is_intact(live),
        remembered=memory.state.of(secret),
        result=memory.state.results.get(secret),
        workloads={
            workload.ref: (stamped_revision_number(workload, secret), _status(destination, workload))
            for workload in workloads
            if names & secrets_referenced(workload.template)
        },
    )


def _status(destination: Destination, workload: Workload) -> Status:
    if not destination.cluster.runs_pods:
        return Status(State.WRITTEN, "its pods restart when the manifest is applied")
    return rollout_status.status(workload)


def entries(destination: Destination, delivery: Delivery) -> tuple[Entry, ...]:
    """The bundles that are kept, newest first, less the one that is live."""
    memory = load_state(destination)
    live = live_secrets(destination, delivery, memory)
    digest = packing.live_bundle(live).digest if live else ""
    return tuple(
        Entry(kept.bundle, kept.revision_number)
        for kept in _kept(destination, delivery)
        if kept.bundle.digest != digest
    )


def rollback(destination: Destination, delivery: Delivery, asked: str = "", clock: Clock = REAL_TIME) -> Report:
    """Bring back a kept bundle, by default the newest that is not live, and hold it until it is released.

    *asked* is the start of its commit, hash or digest, its version, or its write id. Raises NotInHistory.
    """
    memory = load_state(destination)
    live = live_secrets(destination, delivery, memory)
    digest = packing.live_bundle(live).digest if live else ""
    candidates = [kept for kept in _kept(destination, delivery) if kept.bundle.digest != digest]
    chosen = _named(candidates, asked) if asked else candidates[:1]
    if len(chosen) != 1:
        raise NotInHistory(asked, [kept.bundle.revision.short for kept in candidates])
    (kept,) = chosen
    hold = Hold(f"rolled back by hand to {kept.bundle.revision.short}", kept.secret.name)
    _set_hold(memory, delivery, hold)
    return sync(destination, clock)


def hold(destination: Destination, delivery: Delivery, reason: str) -> None:
    """Let what is live stay, whatever the source brings, until it is released. Raises NothingDeployed."""
    memory = load_state(destination)
    if not live_secrets(destination, delivery, memory):
        raise NothingDeployed(destination.name, delivery.placement.module)
    _set_hold(memory, delivery, Hold(reason))


def release(destination: Destination, delivery: Delivery) -> Hold | None:
    """Follow the source again from the next pass on; returns the hold that was ended, None where there was none.

    Templates that somebody put back are wired anew.
    """
    memory = load_state(destination)
    remembered = memory.state.of(delivery.placement.secret)
    ended = remembered.hold
    if by_hand := _put_back(destination, delivery, remembered):
        ended = ended or Hold(f"somebody put back the template of {', '.join(by_hand)}")
        restarts = {
            name: revision_number for name, revision_number in remembered.restarts.items() if name not in by_hand
        }
        remembered = replace(remembered, restarts=restarts)
    if ended:
        memory.keep(memory.state.with_package(delivery.placement.secret, replace(remembered, hold=None)))
    return ended


def _put_back(destination: Destination, delivery: Delivery, remembered: PackageState) -> Sequence[str]:
    """Workloads whose template somebody put back."""
    if not delivery.placement.wired:
        return ()
    secret, manager = delivery.placement.secret, wiring_manager(destination.installation)
    workloads = destination.cluster.workloads(destination.namespace, destination.selector)
    return [str(one.ref) for one in workloads if mounts.was_put_back(one, secret, remembered, manager)]


def _set_hold(memory: StateStore, delivery: Delivery, hold: Hold | None) -> None:
    secret = delivery.placement.secret
    memory.keep(memory.state.with_package(secret, replace(memory.state.of(secret), hold=hold)))


def live_secrets(destination: Destination, delivery: Delivery, memory: StateStore) -> Sequence[Secret]:
    """The Secrets that hold what is live of a package."""
    secret = delivery.placement.secret
    names = dict.fromkeys((secret, *memory.state.of(secret).secrets))
    found = (destination.cluster.secret(destination.namespace, name) for name in names)
    return packing.newest_revision([one for one in found if one])


def _kept(destination: Destination, delivery: Delivery) -> tuple[history.KeptBundle, ...]:
    ring = history.history_names(delivery.placement.secret, destination.rollout.history)
    return history.kept_bundles({name: destination.cluster.secret(destination.namespace, name) for name in ring})


def _named(kept: Sequence[history.KeptBundle], asked: str) -> Sequence[history.KeptBundle]:
    """Those that *asked* names: a whole write id or version goes before the start of a hash."""
    whole = [one for one in kept if asked in (one.bundle.version, str(one.revision_number))]
    return whole or [one for one in kept if _begins(one.bundle, asked)]


def _begins(bundle: Bundle, asked: str) -> bool:
    revision = bundle.revision.id
    return any(known.startswith(asked) for known in (revision, revision.partition(":")[2], bundle.digest))
