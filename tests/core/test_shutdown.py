"""Being asked to stop, with real signals that this process sends to itself."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from secretsync.core import shutdown
from tests.reconcile.test_reconciler import Site

pytestmark = pytest.mark.usefixtures("signal_handlers")


def ask(number: signal.Signals = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whatever_is_being_done_ends_at_once(number: signal.Signals) -> None:
    with pytest.raises(shutdown.Stopped, match=number.name):
        ask(number)


def stopped(step: Callable[[list[str]], None]) -> list[str]:
    """What *step* had done when it was stopped."""
    done: list[str] = []
    with pytest.raises(shutdown.Stopped), shutdown.deferred():
        step(done)
    return done


def test_a_step_that_has_begun_is_finished_first() -> None:
    def step(done: list[str]) -> None:
        ask()
        done.append("the step")

    assert stopped(step) == ["the step"]


def test_a_step_within_a_step_does_not_end_the_deferral() -> None:
    def step(done: list[str]) -> None:
        with shutdown.deferred():
            ask()
        done.append("the outer step")

    assert stopped(step) == ["the outer step"]


def test_a_pause_within_a_step_is_a_place_to_stop() -> None:
    def step(done: list[str]) -> None:
        with shutdown.safe_point():
            ask()
            done.append("the pause went on")
        done.append("the step went on")

    assert stopped(step) == []


def test_a_pause_after_the_question_does_not_even_begin() -> None:
    def step(done: list[str]) -> None:
        ask()
        with shutdown.safe_point():
            done.append("the pause began")

    assert stopped(step) == []


def test_a_step_that_fails_after_the_question_stops_all_the_same() -> None:
    def step(done: list[str]) -> None:
        ask()
        raise ValueError("the step failed")

    assert stopped(step) == []


def test_patience_with_a_step_that_hangs_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def step(done: list[str]) -> None:
        ask()
        time.sleep(60)
        done.append("the step")

    monkeypatch.setattr(shutdown, "PATIENCE", 0.05)
    assert stopped(step) == []


def test_a_way_out_that_hangs_has_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def step(done: list[str]) -> None:
        try:
            ask()
            time.sleep(60)
        finally:
            time.sleep(60)
            done.append("the way out")

    monkeypatch.setattr(shutdown, "PATIENCE", 0.05)
    assert stopped(step) == []


def test_a_way_out_that_hangs_outside_of_a_step_has_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def leave() -> None:
        try:
            ask()
        finally:
            time.sleep(60)
            done.append("the way out")

    monkeypatch.setattr(shutdown, "PATIENCE", 0.05)
    with pytest.raises(shutdown.Stopped):
        leave()
    assert done == []


def test_asking_twice_does_not_disturb_the_last_step() -> None:
    def step(done: list[str]) -> None:
        ask()
        ask()
        done.append("the step")

    assert stopped(step) == ["the step"]


def asked_at(site: Site, verb: str, name: str) -> list[tuple[str, str]]:
    """What a run still wrote that was asked to stop at this call, which went on."""

    def before(called: str, on: str) -> None:
        if (called, on) == (verb, name):
            site.cluster.calls.clear()
            ask()

    site.cluster.before = before
    with pytest.raises(shutdown.Stopped):
        site.sync()
    return [call for call in site.cluster.writes if call[1] != "secretsync-state"]


def test_a_run_that_is_asked_to_stop_while_it_writes_ends_when_all_is_written_and_stamped() -> None:
    site = Site("server", "judge")
    assert asked_at(site, "create", "atlas") == [("create", "atlas"), ("annotate", "server"), ("annotate", "judge")]
    assert site.cluster.objects["Lease", "secretsync"]["spec"]["holderIdentity"] == ""


def test_a_run_that_is_asked_to_stop_while_it_reads_touches_nothing() -> None:
    assert asked_at(Site("server", "judge"), "list", "workloads") == []


def test_the_run_after_one_that_was_stopped_does_only_what_was_left() -> None:
    site = Site("server", "judge")
    asked_at(site, "create", "atlas")
    shutdown.install_signal_handlers()
    site.cluster.before = lambda verb, name: None
    site.cluster.calls.clear()
    report = site.sync()
    assert not report.failed
    assert ("create", "atlas") not in site.cluster.writes


def test_a_thread_beside_the_main_one_stops_at_its_next_pause() -> None:
    ended: list[BaseException] = []
    asked = threading.Event()

    def work() -> None:
        try:
            with shutdown.deferred():
                asked.wait(60)
                with shutdown.safe_point():
                    pass
        except shutdown.Stopped as stopped:
            ended.append(stopped)

    thread = threading.Thread(target=work)
    thread.start()
    with pytest.raises(shutdown.Stopped):
        ask()
    asked.set()
    thread.join(60)
    assert [type(one) for one in ended] == [shutdown.Stopped]


def test_a_thread_that_sleeps_wakes_when_somebody_asks() -> None:
    thread = threading.Thread(target=shutdown.sleep, args=(600,))
    thread.start()
    with pytest.raises(shutdown.Stopped):
        ask()
    thread.join(60)
    assert not thread.is_alive()
