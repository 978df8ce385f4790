"""Watch the rollouts of a wave in the cluster until each workload has a verdict."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from secretsync.cluster.errors import Conflict, Unreachable
from secretsync.core.errors import SecretSyncError
from secretsync.core.instrumentation import timed_stage
from secretsync.core.kinds.kind import State, Status
from secretsync.core.log import foreign_text
from secretsync.core.model import Ref
from secretsync.reconcile.destination import Clock, Destination
from secretsync.reconcile.progress import rollout_progress
from secretsync.reconcile.wait import Observation, Stamps, wait_until_settled

log = structlog.get_logger()

SECRETS_EVERY, SECRETS_AT_LEAST_EVERY = 10.0, 60.0
"""Seconds between two looks at the Secrets while rollouts are watched: each comes after twice the time of the last."""


@timed_stage("watch")
def wait_for_rollouts(
    destination: Destination, stamps: Stamps, clock: Clock, title: str = "rollout", secrets: Sequence[str] = ()
) -> dict[Ref, Status]:
    """Wait for a verdict on each stamped workload, with the last log line of its pod where it failed.

    *title* is what progress is shown of. Raises Conflict where one of *secrets* is deleted meanwhile: no pod starts
    without it.
    """
    if not destination.cluster.runs_pods:
        written = Status(State.WRITTEN, "its pods restart when the manifest is applied")
        return dict.fromkeys(stamps, written)
    with rollout_progress(stamps, clock.now, title=title, timeout=destination.rollout.timeout) as progress:

        def sleep(seconds: float) -> None:
            progress.tick()
            clock.sleep(seconds)

        verdicts = wait_until_settled(
            stamps,
            _observing(destination, secrets, clock),
            timeout=destination.rollout.timeout,
            settle=destination.rollout.settle,
            now=clock.now,
            sleep=sleep,
            on_status=progress.update,
        )
    return {ref: _with_last_words(destination, verdict) for ref, verdict in verdicts.items()}


def _observing(destination: Destination, secrets: Sequence[str], clock: Clock) -> Callable[[], Observation | None]:
    """What is seen of the rollouts, with a look at the Secrets now and then: their pods would wait for ever."""
    observed_at, pause = clock.now(), SECRETS_EVERY

    def observe_waiting() -> Observation | None:
        nonlocal observed_at, pause
        if clock.now() - observed_at >= pause:
            observed_at, pause = clock.now(), min(2 * pause, SECRETS_AT_LEAST_EVERY)
            with contextlib.suppress(Unreachable):
                _refuse_deleted(destination, secrets)
        return observe_rollouts(destination)

    return observe_waiting


def _refuse_deleted(destination: Destination, secrets: Sequence[str]) -> None:
    for name in secrets:
        if destination.cluster.secret(destination.namespace, name) is None:
            raise Conflict(Ref("Secret", destination.namespace, name), "was deleted")


def observe_rollouts(destination: Destination) -> Observation | None:
    """One list per kind; None where the API could not be asked just now."""
    cluster, namespace = destination.cluster, destination.namespace
    try:
        # one that is unwired because it is selected no longer is watched as well
        workloads = cluster.workloads(namespace, "" if destination.wires else destination.selector)
        return Observation({workload.ref: workload for workload in workloads}, cluster.pods(namespace))
    except Unreachable as error:
        log.warning("the rollouts cannot be watched just now", why=str(error))
        return None


def _with_last_words(destination: Destination, verdict: Status) -> Status:
    """*verdict* with the last log line of the container that failed; what others said may hold a credential."""
    verdict = replace(verdict, message=foreign_text(verdict.message))
    if not verdict.bad or not verdict.container:
        return verdict
    try:
        tail = destination.cluster.log_tail(destination.namespace, verdict.pod, verdict.container)
    except SecretSyncError as error:
        tail = f"(unknown: {error})"
    tail = foreign_text(tail)
    return replace(verdict, message=f"{verdict.message}; last log line: {tail}") if tail else verdict
