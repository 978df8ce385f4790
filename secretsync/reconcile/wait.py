"""Watch rollouts until each has a verdict. Time is an argument, so that an hour's behaviour is a millisecond's test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from secretsync.core.kinds.kind import State, Status
from secretsync.core.model import Manifest, Ref, Workload
from secretsync.plan.rollout_status import has_readiness_probe, judge, new_pods, pod_failure, restarts

POLL = 2.0
"""Seconds between two looks; each look costs one list per kind. The first come sooner: pods start quickly."""

SLOWEST_POLL = 10.0
"""Seconds between two looks at most, where each takes long, as of a thousand workloads, or the rollout does."""

_FIRST_POLL = 0.25
_WAITED_PER_PAUSE = 20
"""A pause grows to this part of what was waited already: ten minutes of one that hangs are less than 100 looks."""
_PAUSE_PER_LOOK = 30
"""A pause is at least so many times as long as the look before it: who watches many workloads costs the API no more."""

Stamps = Mapping[Ref, Mapping[str, str]]
"""The annotations that each watched workload's template was given."""


@dataclass(frozen=True)
class Observation:
    """What one pass over the API saw of a namespace."""

    workloads: Mapping[Ref, Workload]
    pods: Sequence[Manifest]


class Settling:
    """Workloads without a readiness probe are current only when their new pods have run a while without a restart."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._quiet_since: dict[Ref, tuple[dict[str, int] | None, float]] = {}

    def judge(self, workload: Workload, new: Sequence[Manifest], now: float) -> Status | None:
        """What is still to be said against a rollout that Kubernetes calls complete; None where nothing is."""
        if failure := next(filter(None, map(pod_failure, new)), None):
            return failure
        counts = restarts(new)
        restart_counts, since = self._quiet_since.get(workload.ref, (None, now))
        if counts != restart_counts:
            since = now
            self._quiet_since[workload.ref] = counts, since
        elapsed = now - since
        if elapsed < self.seconds:
            return Status(
                State.IN_PROGRESS,
                f"has no readiness probe; new pods ran {elapsed:.0f} of {self.seconds:.0f} s (rollout.settle)",
            )
        return None

    def disturbed(self, ref: Ref) -> None:
        """The workload's pods are not quiet any more: settling starts anew."""
        self._quiet_since.pop(ref, None)


def wait_until_settled(
    stamps: Stamps,
    observe: Callable[[], Observation | None],
    *,
    timeout: float,
    settle: float,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    on_status: Callable[[Ref, Status], None],
) -> dict[Ref, Status]:
    """A verdict for each workload in *stamps*; the first failure ends the wait for all, the rest stay in progress.

    *observe* returns None when the API could not be asked this time. *timeout* and *settle* are seconds.
    """
    settling, started_at, pause = Settling(settle), now(), _FIRST_POLL
    verdicts: dict[Ref, Status] = {ref: Status(State.IN_PROGRESS, "was just restarted") for ref in stamps}
    while stamps:
        observed_at = now()
        # given away at once: of a thousand workloads two observations are too many to hold
        _update_verdicts(verdicts, observe(), stamps, settling, now, on_status)
        if all(verdict.ended for verdict in verdicts.values()) or any(verdict.bad for verdict in verdicts.values()):
            break
        if now() - started_at >= timeout:
            for ref, verdict in verdicts.items():
                if not verdict.ended:
                    verdicts[ref] = replace(verdict, state=State.TIMED_OUT)
                    on_status(ref, verdicts[ref])
            break
        longer = max(_PAUSE_PER_LOOK * (now() - observed_at), (now() - started_at) / _WAITED_PER_PAUSE)
        sleep(min(max(pause, min(longer, SLOWEST_POLL)), started_at + timeout - now()))
        pause = min(pause * 1.5, POLL)
    return verdicts


def _update_verdicts(
    verdicts: dict[Ref, Status],
    observation: Observation | None,
    stamps: Stamps,
    settling: Settling,
    now: Callable[[], float],
    on_status: Callable[[Ref, Status], None],
) -> None:
    """Bring those of *verdicts* that have not ended to what was observed; None is an API that could not be asked."""
    if observation is None:
        return
    for ref in [ref for ref, verdict in verdicts.items() if not verdict.ended]:
        verdict = _verdict(ref, stamps[ref], observation, settling, now())
        if verdict != verdicts[ref]:
            verdicts[ref] = replace(verdict, at=now() if verdict.ended else None)
            on_status(ref, verdict)


def _verdict(
    ref: Ref, annotations: Mapping[str, str], observation: Observation, settling: Settling, now: float
) -> Status:
    workload = observation.workloads.get(ref)
    if workload is None:
        return Status(State.SUPERSEDED, "was deleted meanwhile")
    verdict = judge(workload, observation.pods, annotations)
    if verdict.state is not State.CURRENT:
        settling.disturbed(ref)
        return verdict
    if not settling.seconds or has_readiness_probe(workload) or workload.manifest["spec"].get("replicas") == 0:
        return verdict
    return settling.judge(workload, new_pods(workload, observation.pods, annotations), now) or verdict
