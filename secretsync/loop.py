"""The story on a schedule: a first pass at once, then one a period, until somebody asks it to stop."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import schedule
import structlog

log = structlog.get_logger()


class Loop:
    """Calls *one_pass* every *interval* seconds plus up to *jitter* more, at random.

    A pass that raises is logged and the next comes in its time: the loop neither ends nor becomes hot.
    """

    def __init__(self, one_pass: Callable[[], object], *, interval: float, jitter: float) -> None:
        self._one_pass, self._interval, self._jitter = one_pass, interval, jitter
        self._scheduler = schedule.Scheduler()

    def run(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """The first pass at once, then one a period; Stopped, which a signal raises, ends it."""
        self._pass()
        while True:
            sleep(max(0.0, self._scheduler.idle_seconds or 0.0))
            self._scheduler.run_pending()

    def _pass(self) -> type[schedule.CancelJob]:
        try:
            self._one_pass()
        except Exception:
            log.exception("this pass failed unexpectedly; please report it")
        # planned anew after each pass: a long one neither makes the next late nor piles others up behind it
        seconds = max(1, round(self._interval + random.uniform(0, self._jitter)))  # noqa: S311 - nothing secret in it
        self._scheduler.every(seconds).seconds.do(self._pass)
        log.info("the next pass comes", seconds=seconds)
        return schedule.CancelJob
