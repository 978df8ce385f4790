"""Writes side by side: they begin in order, and none begins after one that failed."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from secretsync.core import shutdown
from secretsync.core.concurrency import for_each


class Desk:
    """Holds each item until *places* of them are under way together."""

    def __init__(self, places: int) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self._barrier = threading.Barrier(places, timeout=30)

    def meet(self, item: int) -> None:
        self.begun.append(item)
        self._barrier.wait()
        self.ended.append(item)


def test_as_many_as_allowed_are_under_way_together() -> None:
    desk = Desk(4)
    for_each(range(8), desk.meet, at_once=4)
    assert sorted(desk.ended) == list(range(8))


def test_they_begin_in_their_order() -> None:
    begun: list[int] = []
    for_each(range(50), begun.append, at_once=1)
    assert begun == list(range(50))


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_after_one_that_fails_no_further_one_begins(at_once: int) -> None:
    begun: list[int] = []

    def act(item: int) -> None:
        begun.append(item)
        if item == 3:
            raise KeyError(item)

    with pytest.raises(KeyError):
        for_each(range(100), act, at_once=at_once)
    assert len(begun) <= 4 + at_once


def test_those_under_way_come_to_their_end_before_the_failure_is_raised() -> None:
    ended: list[int] = []
    failed = threading.Event()

    def act(item: int) -> None:
        if item == 0:
            failed.set()
            raise SystemExit
        assert failed.wait(30)
        ended.append(item)

    with pytest.raises(SystemExit):
        for_each(range(3), act, at_once=3)
    assert sorted(ended) == [1, 2]


def test_a_stop_whose_patience_is_at_its_end_is_the_last_that_begins() -> None:
    before = signal.signal(signal.SIGALRM, shutdown._lose_patience)
    begun: list[int] = []

    def act(item: int) -> None:
        begun.append(item)
        if item == 3:
            os.kill(os.getpid(), signal.SIGALRM)

    try:
        with pytest.raises(shutdown.Stopped), shutdown.deferred():
            for_each(range(1000), act, at_once=4)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(begun) < 1000


def test_what_is_bound_to_the_log_is_bound_in_every_thread() -> None:
    seen: list[object] = []
    with bound_contextvars(at="production"):
        for_each(range(4), lambda item: seen.append(get_contextvars().get("at")), at_once=4)
    assert seen == ["production"] * 4
