"""Being asked to stop: SIGTERM and SIGINT end whatever is being done, at once where nothing is half done.

A kill is safe anywhere, as each write is whole and the next run finds and does what was not done yet. Where one is
asked politely, a step that has begun is finished first: then there is nothing to find.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE = 8.0
"""Seconds that a step gets to come to its end, and then each hindrance on the way out: Kubernetes waits 30 in all."""


class Stopped(BaseException):
    """Somebody asked the process to stop; like KeyboardInterrupt, no ordinary handler takes it for a failure."""

    def __init__(self, signal_name: str) -> None:
        super().__init__(signal_name)
        self.signal_name = signal_name
        self.state = ""
        """What was done by then, in a sentence, where somebody knows it."""

    def __str__(self) -> str:
        return f"stopped by {self.signal_name}" + (f": {self.state}" if self.state else "")


class _Here(threading.local):
    """What holds for this thread; signals are handled in the main one."""

    deferring = False


class _Asked:
    """By which signal the process was asked to stop, empty until then; *once* is set then."""

    by = ""
    once = threading.Event()


_here = _Here()


def install_signal_handlers() -> None:
    """From now on SIGTERM and SIGINT raise Stopped; as PID 1, a process without handlers would ignore them."""
    _Asked.by = ""
    _Asked.once.clear()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _handle)
    signal.signal(signal.SIGALRM, _lose_patience)


def restore_signal_handlers() -> None:
    """The way out was found: nobody is in a hurry any more."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def stop_if_asked() -> None:
    """For threads, which signals do not reach: raises Stopped where somebody asked, and this one defers nothing."""
    _stop_if_asked()


def sleep(seconds: float) -> None:
    """Sleep for *seconds*; a thread, which signals do not reach, only until somebody asks to stop."""
    if threading.current_thread() is threading.main_thread():
        time.sleep(seconds)
    else:
        _Asked.once.wait(seconds)


@contextmanager
def deferred() -> Iterator[None]:
    """Being asked to stop waits for the end of this, for a `safe_point` in it, or until the patience is at its end."""
    previous, _here.deferring = _here.deferring, True
    try:
        yield
    finally:
        _here.deferring = previous
        _stop_if_asked()


@contextmanager
def safe_point() -> Iterator[None]:
    """Nothing is half done here: whoever asked, or asks now, is heard at once. Raises Stopped."""
    previous, _here.deferring = _here.deferring, False
    try:
        _stop_if_asked()
        yield
    finally:
        _here.deferring = previous


def _stop_if_asked() -> None:
    if _Asked.by and not _here.deferring:
        raise Stopped(_Asked.by)


def _handle(number: int, _frame: FrameType | None) -> None:
    for repeated in (signal.SIGTERM, signal.SIGINT):
        signal.signal(repeated, signal.SIG_IGN)
    _Asked.by = signal.Signals(number).name
    _Asked.once.set()
    signal.setitimer(signal.ITIMER_REAL, PATIENCE, PATIENCE)
    _stop_if_asked()


def _lose_patience(_number: int, _frame: FrameType | None) -> None:
    raise Stopped(_Asked.by)
