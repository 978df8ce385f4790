"""The Secrets of a plan are written: each package as a whole, or not at all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import structlog

from secretsync.cluster.errors import Conflict, Refusal
from secretsync.core import packing
from secretsync.core.errors import SecretSyncError
from secretsync.core.instrumentation import ApplyBegan, ObjectWritten, emit, timed_stage
from secretsync.core.model import Secret
from secretsync.plan.diff import Action, Change, PackagePlan
from secretsync.plan.plan import Plan
from secretsync.plan.state import ChangedWrite, State
from secretsync.reconcile.admission import ChangedByAdmission, field_manager, refuse_changed_write
from secretsync.reconcile.destination import Destination
from secretsync.reconcile.lock import LeaseLost
from secretsync.reconcile.state_store import StateStore

log = structlog.get_logger()

_REMEMBERED = 20
"""Fields that admission changed, at most."""


@timed_stage("write")
def apply_secrets(destination: Destination, plan: Plan, store: StateStore, previous: State) -> None:
    """Every create and update, creates first; a package of which one is refused or changed stays as it was.

    So does all that was approved, where one is not what was read: another plan would not be the approved one. What is
    remembered of such packages is what was *previous*.
    """
    everything: list[tuple[Change, Secret]] = []
    restores = any(package.desired.hold for package in plan.packages)
    writes = sum(len(package.writes) for package in plan.packages)
    emit(ApplyBegan(destination.name, writes, len(plan.restarts), restores))
    for number, package in enumerate(plan.packages):
        written: list[tuple[Change, Secret]] = []
        try:
            for change in package.writes:
                stored = _write_secret(destination, change)
                written.append((change, stored))
                everything.append((change, stored))
                refuse_changed_write(destination, change.desired, stored)
        except (Conflict, Refusal, ChangedByAdmission) as error:
            # a Conflict too: planned again, the package may be refused for what somebody made of its other Secret
            all_of_it = isinstance(error, Conflict) and destination.approved
            if _put_back(destination, everything if all_of_it else written):
                _remember_put_back(plan.packages[0 if all_of_it else number :], store, previous)
            if isinstance(error, ChangedByAdmission):
                _remember_change(error, package, store, previous)
                raise replace(error, written=True) from None
            raise


def _put_back(destination: Destination, written: Sequence[tuple[Change, Secret]]) -> bool:
    """Whether all is as it was: a mixed package is worse than the one that was live before. Raises LeaseLost."""
    complete = True
    for change, secret in reversed(written):
        try:
            _put_back_secret(destination, change, secret)
        except LeaseLost:
            raise
        except SecretSyncError as error:
            log.error("a Secret could not be put back as it was", secret=secret.name, why=str(error))
            complete = False
        else:
            log.warning("put back as it was, as another Secret was refused or changed", secret=secret.name)
    return complete


def _put_back_secret(destination: Destination, change: Change, secret: Secret) -> None:
    if change.live is None:
        destination.cluster.delete(secret)
    else:
        stored = destination.cluster.replace(change.live, secret, manager=destination.manager)
        refuse_changed_write(destination, change.live, stored)


def _remember_put_back(packages: Sequence[PackagePlan], store: StateStore, previous: State) -> None:
    """No rollout of *packages* began: nothing of them was written, or it was put back."""
    state = store.state
    for secret in (package.placement.secret for package in packages):
        # what was kept of it stays in the history
        state = state.with_package(secret, replace(previous.of(secret), kept=state.of(secret).kept))
    try:
        store.save(state)
    except LeaseLost:
        raise
    except SecretSyncError as error:
        log.warning("that nothing was changed could not be remembered; the next run finds out", why=str(error))


def _remember_change(error: ChangedByAdmission, package: PackagePlan, store: StateStore, previous: State) -> None:
    """The files whose write was changed, and put back, are not written again while nothing changes."""
    secret = package.placement.secret
    recipe = package.desired.secrets[0].annotations.get(packing.RECIPE, "")
    fields = tuple(error.fields[:_REMEMBERED])
    changed = ChangedWrite(package.desired.bundle.revision.id, recipe, error.secret, fields)
    store.save(store.state.with_package(secret, store.state.of(secret).put_back(previous.of(secret), changed)))


def _write_secret(destination: Destination, change: Change) -> Secret:
    started_at = time.monotonic()
    manager = field_manager(destination, change)
    if change.live is None:
        written = destination.cluster.create(change.desired, manager=manager)
    else:
        written = destination.cluster.replace(change.desired, change.live, manager=manager)
    emit(ObjectWritten(destination.name, "Secret", change.desired.name))
    log.info(
        "created" if change.action is Action.CREATE else "updated",
        secret=change.desired.name,
        files=len(change.files),
        revision=change.desired.annotations[packing.REVISION_NUMBER],
        seconds=round(time.monotonic() - started_at, 3),
    )
    return written
