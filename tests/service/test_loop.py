from __future__ import annotations

import datetime
import gc
import itertools
import threading
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import schedule
from hypothesis import given
from hypothesis import strategies as st

from secretsync.core.shutdown import Stopped
from secretsync.service.loop import Loop, PassRequest, Schedule

EVERY_FIVE_MINUTES = Schedule(interval=300, jitter=0, longest=1800)


Clock = Callable[..., "Hours"]


class Enough(BaseException):
    """Ends a loop that has no end of its own."""


class Hours:
    """A clock that `schedule` reads; waiting moves it. *asked* are the moments at which somebody asks for a pass."""

    def __init__(self, until: float, asked: tuple[float, ...] = ()) -> None:
        self.passed, self.until, self.asked = 0.0, until, list(asked)
        self.set_back = 0.0

    def now(self) -> datetime.datetime:
        return datetime.datetime(2026, 1, 1, 12) + datetime.timedelta(seconds=self.passed - self.set_back)

    def wait(self, seconds: float) -> bool:
        rings = bool(self.asked) and self.asked[0] <= self.passed + seconds
        self.passed = max(self.passed, self.asked.pop(0)) if rings else self.passed + seconds
        if self.passed > self.until:
            raise Enough
        return rings


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Makes a clock, and `schedule` reads it."""

    def moved(until: float, asked: tuple[float, ...] = ()) -> Hours:
        hours = Hours(until, asked)

        class Moved(datetime.datetime):
            @classmethod
            def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
                return hours.now()

        names = {name: getattr(datetime, name) for name in ("timedelta", "time", "timezone", "date")}
        monkeypatch.setattr(schedule, "datetime", SimpleNamespace(datetime=Moved, **names))
        return hours

    return moved


def run(loop: Loop, hours: Hours) -> None:
    with pytest.raises(Enough):
        loop.run(hours.wait)


def looping(hours: Hours, one_pass: Callable[[], bool], rhythm: Callable[[], Schedule], **more: Any) -> Loop:
    return Loop(one_pass, rhythm, now=lambda: hours.passed, **more)


def test_the_first_pass_comes_at_once_and_then_one_a_period(moved: Clock) -> None:
    hours, at = moved(until=1000), []
    run(looping(hours, lambda: at.append(hours.passed) is None, lambda: EVERY_FIVE_MINUTES), hours)
    assert at == [0, 300, 600, 900]


def test_a_long_pass_is_followed_by_a_whole_pause(moved: Clock) -> None:
    hours, at = moved(until=3000), []

    def long() -> bool:
        at.append(hours.passed)
        hours.passed += 1000
        return True

    run(looping(hours, long, lambda: EVERY_FIVE_MINUTES), hours)
    assert at == [0, 1300, 2600]


def test_jitter_only_ever_adds(moved: Clock) -> None:
    hours, at = moved(until=700), []
    jittery = Schedule(interval=300, jitter=60, longest=1800)
    run(looping(hours, lambda: at.append(hours.passed) is None, lambda: jittery, chance=lambda: 0.5), hours)
    assert at == [0, 330, 660]


@pytest.mark.parametrize("broken", [lambda: False, lambda: 1 / 0], ids=["fails", "raises"])
def test_after_a_failure_the_next_pass_comes_sooner_and_then_ever_later_up_to_a_limit(
    moved: Clock, broken: Callable[[], bool]
) -> None:
    hours, at = moved(until=10_000), []

    def one_pass() -> bool:
        at.append(hours.passed)
        return broken()

    run(looping(hours, one_pass, lambda: EVERY_FIVE_MINUTES), hours)
    pauses = [after - before for before, after in itertools.pairwise(at)]
    assert pauses == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800, 1800]


def test_a_pass_that_went_well_brings_the_period_back(moved: Clock) -> None:
    hours, at, fates = moved(until=900), [], iter([False, False, False, True, True, True])

    def one_pass() -> bool:
        at.append(hours.passed)
        return next(fates)

    run(looping(hours, one_pass, lambda: EVERY_FIVE_MINUTES), hours)
    assert at == [0, 30, 90, 210, 510, 810]


def test_whoever_asks_gets_a_pass_at_once_and_the_period_begins_anew(moved: Clock) -> None:
    hours, at = moved(until=800, asked=(100, 150)), []
    run(looping(hours, lambda: at.append(hours.passed) is None, lambda: EVERY_FIVE_MINUTES), hours)
    assert at == [0, 100, 150, 450, 750]


def test_who_asks_again_and_again_does_not_make_the_loop_hot(moved: Clock) -> None:
    hours, at = moved(until=29, asked=tuple(range(1, 29))), []
    run(looping(hours, lambda: at.append(hours.passed) is None, lambda: EVERY_FIVE_MINUTES), hours)
    assert at == [0, 5, 10, 15, 20, 25]


def test_what_looks_beside_may_ask_for_a_pass(moved: Clock) -> None:
    hours, at = moved(until=450), []
    loop = looping(hours, lambda: at.append(hours.passed) is None, lambda: EVERY_FIVE_MINUTES)
    loop.poll_between_passes(5, lambda: hours.passed == 100)
    run(loop, hours)
    assert at == [0, 100, 400]


def test_two_reasons_at_one_moment_are_one_pass(moved: Clock) -> None:
    hours, at = moved(until=310, asked=(300,)), []
    loop = looping(hours, lambda: at.append(hours.passed) is None, lambda: EVERY_FIVE_MINUTES)
    loop.poll_between_passes(5, lambda: hours.passed == 300)
    run(loop, hours)
    assert at == [0, 300]


def test_a_new_rhythm_holds_from_the_next_pause_on(moved: Clock) -> None:
    hours, at = moved(until=1000), []
    run(
        looping(
            hours,
            lambda: at.append(hours.passed) is None,
            lambda: Schedule(100 if hours.passed >= 300 else 300, jitter=0, longest=1800),
        ),
        hours,
    )
    assert at == [0, 300, 400, 500, 600, 700, 800, 900, 1000]


def test_a_clock_that_is_set_back_does_not_hold_up_the_passes(moved: Clock) -> None:
    hours, at = moved(until=1000), []

    def one_pass() -> bool:
        at.append(hours.passed)
        return True

    def set_back() -> bool:
        hours.set_back = 3600 if hours.passed >= 400 else 0
        return False

    loop = looping(hours, one_pass, lambda: EVERY_FIVE_MINUTES)
    loop.poll_between_passes(5, set_back)
    run(loop, hours)
    assert at == [0, 300, 600, 900]


def test_who_does_not_lead_makes_no_pass(moved: Clock) -> None:
    hours, at = moved(until=1000), []
    loop = looping(
        hours, lambda: at.append(hours.passed) is None, lambda: EVERY_FIVE_MINUTES, leads=lambda: hours.passed >= 500
    )
    run(loop, hours)
    assert at == [600, 900]


def test_being_asked_to_stop_ends_the_loop_in_the_middle_of_a_pass() -> None:
    def stopped() -> bool:
        raise Stopped("SIGTERM")

    with pytest.raises(Stopped):
        Loop(stopped, lambda: EVERY_FIVE_MINUTES).run(lambda seconds: False)


@given(
    interval=st.floats(1, 1e5),
    jitter=st.floats(0, 1e4),
    longest=st.floats(1, 1e6),
    failures=st.integers(0, 10**6),
    chance=st.floats(0, 1),
)
def test_no_pause_is_longer_than_its_limit_and_none_is_hot(
    interval: float, jitter: float, longest: float, failures: int, chance: float
) -> None:
    pause = Schedule(interval, jitter, longest).pause(failures, chance)
    assert min(interval, 30) <= pause <= max(interval, longest) + jitter


def test_a_bell_that_nobody_rang_is_not_heard() -> None:
    assert not PassRequest().wait(0)


def test_many_rings_that_nobody_heard_are_one() -> None:
    bell = PassRequest()
    for _ in range(100_000):
        bell.request()
    assert bell.wait(0)
    assert not bell.wait(0)


def test_a_ring_from_another_thread_ends_the_wait() -> None:
    bell = PassRequest()
    thread = threading.Thread(target=bell.request)
    thread.start()
    assert bell.wait(60)
    thread.join()


def test_what_a_pass_opened_is_let_go_before_the_next_wherever_it_lies_in_a_cycle(moved: Clock) -> None:
    class Opened:
        """As a pool of connections: it refers to itself."""

        def __init__(self) -> None:
            self.itself = self

    hours, still_open = moved(until=700), list[weakref.ref[Opened]]()
    seen: list[int] = []

    def one_pass() -> bool:
        seen.append(sum(reference() is not None for reference in still_open))
        still_open.append(weakref.ref(Opened()))
        return True

    gc.disable()
    try:
        with pytest.raises(Enough):
            Loop(one_pass, lambda: EVERY_FIVE_MINUTES, now=lambda: hours.passed).run(hours.wait)
    finally:
        gc.enable()
    assert seen == [0, 0, 0]
