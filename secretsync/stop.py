"""Being asked to stop: SIGTERM and SIGINT end whatever is being done, at once.

That is safe anywhere: each write is whole, and what was not done yet the next run finds and does.
"""

from __future__ import annotations

import signal
from types import FrameType


class Stopped(BaseException):
    """Somebody asked the process to stop; like KeyboardInterrupt, no ordinary handler takes it for a failure."""

    def __init__(self, signal_name: str) -> None:
        super().__init__(signal_name)
        self.signal_name = signal_name

    def __str__(self) -> str:
        return f"stopped by {self.signal_name}; the next run goes on where this one was"


def listen() -> None:
    """From now on SIGTERM and SIGINT raise Stopped; as PID 1, a process without handlers would ignore them."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _raise)


def _raise(number: int, _frame: FrameType | None) -> None:
    for repeated in (signal.SIGTERM, signal.SIGINT):
        signal.signal(repeated, signal.SIG_IGN)
    raise Stopped(signal.Signals(number).name)
