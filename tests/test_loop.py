from __future__ import annotations

from collections.abc import Callable

import pytest

from secretsync.loop import Loop
from secretsync.stop import Stopped


class Enough(BaseException):
    """Ends a loop that has no end of its own."""


def sleeping(times: int, slept: list[float]) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) >= times:
            raise Enough

    return sleep


def test_the_first_pass_comes_at_once() -> None:
    passes: list[int] = []
    with pytest.raises(Enough):
        Loop(lambda: passes.append(1), interval=300, jitter=0).run(sleeping(1, []))
    assert passes == [1]


def test_the_next_pass_is_one_interval_after_the_end_of_the_last() -> None:
    slept: list[float] = []
    with pytest.raises(Enough):
        Loop(lambda: None, interval=300, jitter=0).run(sleeping(1, slept))
    assert slept[0] == pytest.approx(300, abs=2)


def test_jitter_only_ever_adds() -> None:
    slept: list[float] = []
    for _ in range(20):
        with pytest.raises(Enough):
            Loop(lambda: None, interval=100, jitter=50).run(sleeping(1, slept))
    assert all(98 <= seconds <= 150 for seconds in slept)


def test_an_exception_neither_ends_the_loop_nor_makes_it_hot() -> None:
    slept: list[float] = []

    def broken() -> None:
        raise RuntimeError("a bug")

    with pytest.raises(Enough):
        Loop(broken, interval=300, jitter=0).run(sleeping(3, slept))
    assert all(seconds > 290 for seconds in slept)


def test_being_asked_to_stop_ends_the_loop_in_the_middle_of_a_pass() -> None:
    def stopped() -> None:
        raise Stopped("SIGTERM")

    with pytest.raises(Stopped):
        Loop(stopped, interval=300, jitter=0).run(sleeping(1, []))
