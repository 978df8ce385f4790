"""The story on a schedule: a first pass at once, then one a period, or whenever somebody asks; never two at a time."""

from __future__ import annotations

import gc
import os
import random
import select
import time
from collections.abc import Callable
from dataclasses import dataclass

import schedule
import structlog

log = structlog.get_logger()


FIRST_RETRY = 30.0
"""Seconds after a first failure; by then the Lease of a run that was killed has expired (turn.SECONDS)."""


LEAST_PAUSE = 5.0
"""Seconds from the end of a pass to one that is asked for: who may ask does not make the loop hot."""


@dataclass(frozen=True)
class Schedule:
    """Seconds between the end of a pass and the next: *interval*, and up to *jitter* more at random.

    After a failure, which may be a hiccup, the next comes sooner; each in a row doubles the pause, up to *longest*.
    """

    interval: float
    jitter: float
    longest: float

    def pause(self, failures: int, chance: float) -> float:
        """The pause after so many failures in a row; *chance*, from 0 to 1, is how much of the jitter is added."""
        pause = self.interval
        if failures:
            pause = min(FIRST_RETRY, self.interval) * 2.0 ** min(failures - 1, 32)
        return min(pause, max(self.longest, self.interval)) + chance * self.jitter


class PassRequest:
    """Asks the loop for a pass: from a signal handler, from another thread. Rings that nobody heard yet are one."""

    def __init__(self) -> None:
        self._hear, self._ring = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def request(self) -> None:
        """Ask for a pass at once; several requests before it are one."""
        try:
            os.write(self._ring, b"!")
        except BlockingIOError:
            return  # it has rung often enough

    def wait(self, seconds: float) -> bool:
        """Wait for a ring, for *seconds* at most; whether there was one."""
        ready, _, _ = select.select([self._hear], [], [], seconds)
        if ready:
            os.read(self._hear, 1 << 16)
        return bool(ready)


_NEWER_OBJECTS = 1
"""The generations that hold what a pass made: the oldest, with all that was imported, is left alone."""


class Loop:
    """Calls *one_pass*, which says whether all went well, in the *rhythm* of the moment.

    *leads* says whether passes are this process's to make. One that raises is logged and counts as a failure: the loop
    neither ends nor becomes hot.
    """

    def __init__(
        self,
        one_pass: Callable[[], bool],
        rhythm: Callable[[], Schedule],
        *,
        leads: Callable[[], bool] = lambda: True,
        chance: Callable[[], float] = random.random,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._one_pass, self._rhythm, self._leads, self._chance, self._now = one_pass, rhythm, leads, chance, now
        self._scheduler = schedule.Scheduler()
        self._due = self._ended = now()
        self._failures = 0
        self._wanted = True

    def poll_between_passes(self, seconds: int, poll: Callable[[], bool]) -> None:
        """Between passes *poll* every so many seconds; a pass comes at once when it returns True."""
        self._scheduler.every(seconds).seconds.do(self._poll, poll)

    def run(self, wait: Callable[[float], bool]) -> None:
        """For ever; *wait* pauses for some seconds, or less when it is asked for a pass, and then returns True."""
        while True:
            if self._wanted:
                self._pass()
                self._plan()
                self._wanted = False
            if wait(self._pause()):
                self._due = min(self._due, max(self._now(), self._ended + LEAST_PAUSE))
            self._scheduler.run_pending()
            self._wanted = self._wanted or self._now() >= self._due

    def _pause(self) -> float:
        """Seconds until something is to be done: `schedule` reads the clock on the wall, which may be set back."""
        return max(0.0, min(self._scheduler.idle_seconds or 0.0, self._due - self._now()))

    def _pass(self) -> None:
        if self._leads():
            self._failures = 0 if self._succeeds() else self._failures + 1
        # connections, and what a follower is asked, lie in cycles: they would stay until the collector comes by itself
        gc.collect(_NEWER_OBJECTS)

    def _succeeds(self) -> bool:
        try:
            return self._one_pass()
        except Exception:
            log.exception("this pass failed unexpectedly; please report it")
            return False

    def _plan(self) -> None:
        """The next pass, anew after each: a long one neither makes it late nor piles others up behind it."""
        seconds = max(1, round(self._rhythm().pause(self._failures, self._chance())))
        self._ended = self._now()
        self._due = self._ended + seconds
        self._scheduler.clear("pass")
        self._scheduler.every(seconds).seconds.do(self._want).tag("pass")
        log.debug("the next pass comes", seconds=seconds, failures=self._failures)

    def _want(self) -> None:
        self._wanted = True

    def _poll(self, poll: Callable[[], bool]) -> None:
        self._wanted = poll() or self._wanted
