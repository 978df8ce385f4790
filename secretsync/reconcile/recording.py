"""What a pass came to is left in the cluster, and told as Events, where it differs from what the last one came to."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import structlog

from secretsync.cluster.errors import Forbidden, Unreachable
from secretsync.core.deferred_imports import deferred_imports
from secretsync.core.errors import ConfigError, SecretSyncError
from secretsync.plan.state import Result
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Destination
from secretsync.reconcile.events import Event, events_of, manifest
from secretsync.reconcile.results import results_of
from secretsync.reconcile.state_store import load_state

# most passes tell nothing new
with deferred_imports("secretsync.reconcile.lock"):
    from secretsync.reconcile.lock import hold_lease

log = structlog.get_logger()

Notify = Callable[[Destination, Sequence[Event]], None]
"""Tells people."""


def record_outcome(
    outcome: Outcome, notify: Notify | None = None, utc: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """A pass with nothing to tell writes nothing. What cannot be told is logged, and decides nothing."""
    if not outcome.destination.cluster.runs_pods:
        return
    try:
        events = _record(outcome, utc)
    except SecretSyncError as error:
        _log_unrecorded(outcome, error)
    else:
        if notify and events:
            notify(outcome.destination, events)


def _log_unrecorded(outcome: Outcome, error: SecretSyncError) -> None:
    # imported here, as above
    from secretsync.reconcile.lock import Busy
    from secretsync.reconcile.rights import MissingRights

    if isinstance(error, Busy):
        log.debug("another run records its outcome", why=str(error))
        return
    # a pass that failed for the same reason, or for want of rights, has said so already
    reported = str(error) == str(outcome.error) or (
        isinstance(error, Forbidden) and isinstance(outcome.error, MissingRights)
    )
    level = log.debug if reported else log.warning
    level("the outcome of this pass could not be recorded in the cluster", why=str(error))


def _record(outcome: Outcome, utc: Callable[[], datetime]) -> Sequence[Event]:
    """What is news, once that was remembered: of two that are at work, one tells it."""
    destination = outcome.destination
    results = results_of(outcome, max(0, int(utc().timestamp())))
    if not results or isinstance(outcome.error, (Unreachable, ConfigError)):
        return ()
    previous = _before(outcome)
    events = events_of(outcome, {secret: result.verdict for secret, result in previous.items()})
    if not events and all(_is_known(result, previous.get(secret)) for secret, result in results.items()):
        return ()
    with hold_lease(destination) as lease:
        destination = lease.fenced
        memory = load_state(destination)
        if not memory.exists:
            return ()  # nothing was ever deployed: whoever tries to reads the log
        memory.save(memory.state.with_results(results))
        _write_events(destination, events, utc)
    return events


def _before(outcome: Outcome) -> Mapping[str, Result]:
    return outcome.report.results if outcome.report else load_state(outcome.destination).state.results


def _is_known(result: Result, previous: Result | None) -> bool:
    return previous is not None and (result.verdict, result.reason) == (previous.verdict, previous.reason)


def _write_events(destination: Destination, events: Sequence[Event], utc: Callable[[], datetime]) -> None:
    instance = f"{socket.gethostname()}/{os.getpid()}"
    for event in events:
        name = f"{event.regarding.name[:200]}.{uuid.uuid4().hex[:16]}"
        try:
            destination.cluster.create_event(manifest(event, name, utc(), instance), manager=destination.manager)
        except SecretSyncError as error:
            log.warning("an Event could not be written, nor are the others", why=str(error))
            return
