"""What a person sees while rollouts are waited for: a moving line on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from secretsync.core.kinds.kind import State, Status
from secretsync.core.model import Ref

log = structlog.get_logger()

EVERY = 15.0
"""Seconds between two lines in a log."""


class Progress:
    """Collects verdicts as they come, and shows how far all of them are."""

    def __init__(self, total: int, now: Callable[[], float], show: Callable[[str], None], every: float) -> None:
        self._total, self._now, self._show, self._every = total, now, show, every
        self._verdicts: dict[Ref, Status] = {}
        self._shown = now()

    def tell(self, ref: Ref, verdict: Status) -> None:
        """A verdict that is new; those that are final are logged."""
        self._verdicts[ref] = verdict
        if verdict.bad:
            log.error(str(verdict.state), workload=str(ref), why=verdict.message)
        elif verdict.ended:
            log.info(str(verdict.state), workload=str(ref), why=verdict.message)

    def tick(self) -> None:
        """Time passes."""
        if self._now() - self._shown >= self._every:
            self._shown = self._now()
            self._show(self.line())

    def line(self) -> str:
        """``12 of 29 current; Deployment rucio/judge: 0 of 1 replicas updated``."""
        current = sum(verdict.state is State.CURRENT for verdict in self._verdicts.values())
        waiting = next(((ref, told) for ref, told in self._verdicts.items() if not told.ended), None)
        return f"{current} of {self._total} current" + (f"; {waiting[0]}: {waiting[1].message}" if waiting else "")


@contextmanager
def progress(total: int, now: Callable[[], float]) -> Iterator[Progress]:
    """Shows progress for as long as the context lasts. Clusters side by side, in threads, share no moving line."""
    if not sys.stderr.isatty() or threading.current_thread() is not threading.main_thread():
        yield Progress(total, now, lambda line: log.info("waiting", why=line), EVERY)
        return
    from rich.console import Console  # slow to import, and only a terminal needs it

    with Console(stderr=True).status("waiting for rollouts") as moving:
        yield Progress(total, now, moving.update, 0)
