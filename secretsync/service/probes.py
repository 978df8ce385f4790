"""Whether the long-running form is well: alive while there are signs of work, ready after its first pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from secretsync import config
from secretsync.core.instrumentation import CallEnded, Signal

_LEASES = "leases.coordination.k8s.io"
_QUESTIONS = 4
_LONGEST_CALL = 60.0
"""Seconds that one try of a call to the API, or a wait between two, takes at most."""


def stuck_after(configuration: config.Config) -> float:
    """Seconds without any sign of work after which the loop is stuck: more than its slowest single step may take.

    That is a fetch, which asks its source a few questions, each with a timeout of its own.
    """
    return _QUESTIONS * max(_LONGEST_CALL, *(package.timeout for package in configuration.packages)) + _LONGEST_CALL


@dataclass(frozen=True)
class Verdict:
    """Whether all is well, and a sentence."""

    healthy: bool
    sentence: str


class Health:
    """Learns from signals of work. A source or a cluster that is down is no reason to start this process anew.

    *stuck_after* gives how many seconds without a signal are too many; *follows* is None where this process makes the
    passes itself, else whether it knows who does.
    """

    def __init__(
        self,
        stuck_after: Callable[[], float],
        follows: Callable[[], bool | None] = lambda: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience, self._follows, self._now = stuck_after, follows, now
        self._last_sign = now()
        self._complete = False

    def record(self, signal: Signal) -> None:
        """Something moves; Leases are renewed while a pass hangs, too."""
        if not (isinstance(signal, CallEnded) and signal.resource == _LEASES):
            self.turning()

    def turning(self) -> None:
        """The loop goes round."""
        self._last_sign = self._now()

    def completed(self) -> None:
        """A pass came to its end, well or not."""
        self._complete = True

    @property
    def alive(self) -> Verdict:
        """Whether the last signal of work is recent enough, in seconds; for the liveness probe."""
        silent = self._now() - self._last_sign
        if silent > self._patience():
            return Verdict(False, f"the loop is stuck: no sign of work for {silent:.0f} s")
        return Verdict(True, f"the last sign of work was {silent:.0f} s ago")

    @property
    def ready(self) -> Verdict:
        """Whether a first pass was made, or the leader is followed; for the readiness probe."""
        follows = self._follows()
        if follows is not None:
            return Verdict(follows, "follows the leader" if follows else "cannot read the Lease")
        return Verdict(self._complete, "made a pass" if self._complete else "its first pass goes on")
