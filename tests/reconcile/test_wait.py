"""Waiting for verdicts, with time as an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from secretsync.core.kinds.kind import State, Status
from secretsync.core.model import Manifest, Ref, Workload
from secretsync.reconcile.wait import POLL, SLOWEST_POLL, Observation, wait_until_settled
from tests.build import pod, waiting, workload

STAMP = {"secretsync.rucio/atlas": "1 sha256:x"}
SERVER = Ref("Deployment", "rucio", "server")
JUDGE = Ref("Deployment", "rucio", "judge")


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def seen(*workloads: Workload, pods: tuple[Manifest, ...] = ()) -> Observation:
    return Observation({one.ref: one for one in workloads}, pods)


def watch(clock: Clock, observe: Callable[[], Observation | None], *refs: Ref, **more: Any) -> dict[Ref, Status]:
    arguments: dict[str, Any] = {"timeout": 60, "settle": 0, "on_status": lambda *_: None, **more}
    return wait_until_settled(dict.fromkeys(refs, STAMP), observe, now=clock.now, sleep=clock.sleep, **arguments)


CURRENT = workload("atlas", annotations=STAMP)
STUCK = workload("atlas", annotations=STAMP, status={"updatedReplicas": 0})


def test_a_stuck_rollout_times_out_with_its_last_word(clock: Clock) -> None:
    verdict = watch(clock, lambda: seen(STUCK), SERVER)[SERVER]
    assert (verdict.state, verdict.message) == (State.TIMED_OUT, "0 of 1 replicas updated")
    assert clock.time == 1060


def test_a_current_workload_with_a_probe_needs_no_settling(clock: Clock) -> None:
    probed = workload("atlas", annotations=STAMP, probe=True)
    assert watch(clock, lambda: seen(probed), SERVER, settle=30)[SERVER].state is State.CURRENT
    assert clock.time == 1000


def test_a_workload_without_a_probe_is_current_after_its_pods_ran_a_while(clock: Clock) -> None:
    observe = lambda: seen(CURRENT, pods=(pod(annotations=STAMP),))  # noqa: E731
    assert watch(clock, observe, SERVER, settle=30)[SERVER].state is State.CURRENT
    assert clock.time == pytest.approx(1030, abs=POLL)


def test_a_workload_without_a_probe_that_is_scaled_to_zero_has_no_pods_to_wait_for(clock: Clock) -> None:
    status = {"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0}
    empty = workload("atlas", annotations=STAMP, spec={"replicas": 0}, status=status)
    assert watch(clock, lambda: seen(empty), SERVER, settle=30)[SERVER].state is State.CURRENT
    assert clock.time == 1000


def test_a_restart_while_settling_starts_the_time_anew(clock: Clock) -> None:
    def observe() -> Observation:
        count = 1 if clock.time >= 1020 else 0
        running = {"name": "rucio", "restartCount": count, "state": {"running": {}}}
        return seen(CURRENT, pods=(pod(annotations=STAMP, containers=[running]),))

    assert watch(clock, observe, SERVER, settle=30)[SERVER].state is State.CURRENT
    assert clock.time == pytest.approx(1050, abs=2 * POLL)


def test_a_pod_that_crashes_while_settling_fails_the_rollout(clock: Clock) -> None:
    def observe() -> Observation:
        state = [waiting("CrashLoopBackOff", exit_code=3)] if clock.time >= 1005 else None
        return seen(CURRENT, pods=(pod(annotations=STAMP, containers=state),))

    verdict = watch(clock, observe, SERVER, settle=30)[SERVER]
    assert verdict.state is State.FAILED
    assert clock.time == pytest.approx(1005, abs=POLL)


def test_all_workloads_settle_at_once(clock: Clock) -> None:
    other = workload("atlas", name="judge", annotations=STAMP)
    pods = (pod(annotations=STAMP), pod("judge", name="judge-1", annotations=STAMP))
    verdicts = watch(clock, lambda: seen(CURRENT, other, pods=pods), SERVER, JUDGE, settle=30)
    assert {verdict.state for verdict in verdicts.values()} == {State.CURRENT}
    assert clock.time == pytest.approx(1030, abs=POLL)


def test_the_first_failure_ends_the_wait_and_the_rest_stays_in_progress(clock: Clock) -> None:
    crashing = pod(annotations=STAMP, containers=[waiting("CrashLoopBackOff")])
    waiting_too = workload("atlas", name="judge", annotations=STAMP, status={"updatedReplicas": 0})
    verdicts = watch(clock, lambda: seen(STUCK, waiting_too, pods=(crashing,)), SERVER, JUDGE)
    assert verdicts[SERVER].state is State.FAILED
    assert verdicts[JUDGE].state is State.IN_PROGRESS
    assert clock.time == 1000


def test_an_api_that_does_not_answer_for_a_while_is_waited_for(clock: Clock) -> None:
    answers: Iterator[Observation | None] = iter([None, None, seen(CURRENT)])
    assert watch(clock, lambda: next(answers), SERVER)[SERVER].state is State.CURRENT


def test_an_api_that_never_answers_times_out(clock: Clock) -> None:
    assert watch(clock, lambda: None, SERVER)[SERVER].state is State.TIMED_OUT


def test_a_workload_that_was_deleted_is_superseded(clock: Clock) -> None:
    verdict = watch(clock, seen, SERVER)[SERVER]
    assert (verdict.state, verdict.message) == (State.SUPERSEDED, "was deleted meanwhile")


def test_each_change_of_a_verdict_is_told_once(clock: Clock) -> None:
    told: list[str] = []
    watch(clock, lambda: seen(STUCK), SERVER, on_status=lambda _, verdict: told.append(str(verdict.state)))
    assert told == ["in progress", "timed out"]


def test_nothing_to_watch_asks_nobody(clock: Clock) -> None:
    assert watch(clock, lambda: pytest.fail("asked")) == {}


def test_the_first_looks_come_quickly_and_the_later_ones_less_often(clock: Clock) -> None:
    looks: list[float] = []

    def observe() -> Observation:
        looks.append(clock.time)
        return seen(STUCK)

    watch(clock, observe, SERVER, timeout=600)
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert pauses[0] < 0.5
    assert pauses[10] == POLL
    assert max(pauses) == SLOWEST_POLL
    assert len(looks) < 100, "each look lists the pods once: ten minutes of a rollout that hangs are no flood"


def test_a_workload_that_is_scaled_to_zero_has_no_pod_to_wait_for(clock: Clock) -> None:
    none = {"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0}
    zero = workload("atlas", annotations=STAMP, spec={"replicas": 0}, status=none)
    assert watch(clock, lambda: seen(zero), SERVER, settle=5)[SERVER].state is State.CURRENT


@pytest.mark.parametrize(("look", "pause"), [(0.05, POLL), (0.2, 6), (30, SLOWEST_POLL)])
def test_the_longer_a_look_takes_the_longer_is_the_pause_after_it(clock: Clock, look: float, pause: float) -> None:
    began: list[float] = []

    def observe() -> Observation:
        began.append(clock.time)
        clock.sleep(look)
        return seen(STUCK)

    watch(clock, observe, SERVER, timeout=600)
    pauses = [after - before - look for before, after in pairwise(began)]
    assert pauses[8] == pytest.approx(pause)
