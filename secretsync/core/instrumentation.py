"""Signs of work, told as they happen to those who listen: metrics, and the health that tells slow from stuck.

Nobody listens to a run by hand, which pays nothing for them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from secretsync.core.errors import SecretSyncError


@dataclass(frozen=True)
class StageEnded:
    """A step of a pass, well or not; *target* or *package* says of which, where it is of one."""

    stage: str
    seconds: float
    target: str = ""
    package: str = ""


@dataclass(frozen=True)
class CallEnded:
    """One try of one call to the API; *code* is its HTTP status, or ``none`` where there was no answer."""

    verb: str
    resource: str
    code: str


@dataclass(frozen=True)
class SourceFailed:
    """A source could not answer."""

    package: str
    error: SecretSyncError


@dataclass(frozen=True)
class Notified:
    """Somebody was told, or could not be; *result* is ``sent`` or ``failed``."""

    channel: str
    result: str


@dataclass(frozen=True)
class ApplyBegan:
    """A target is about to be written: that many Secrets and restarts; *restores* says that it puts back."""

    target: str
    secrets: int
    restarts: int
    restores: bool


@dataclass(frozen=True)
class ObjectWritten:
    """A Secret of a package was written, or a workload was restarted."""

    target: str
    kind: str
    name: str


Signal = StageEnded | CallEnded | SourceFailed | Notified | ApplyBegan | ObjectWritten
Listener = Callable[[Signal], None]

_listeners: list[Listener] = []


def emit(signal: Signal) -> None:
    """Let all who listen know."""
    for listener in _listeners:
        listener(signal)


@contextmanager
def listening_to(listener: Listener) -> Iterator[None]:
    """Signs are told to *listener*, from all threads, until the end of this."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def stage(name: str, *, target: str = "", package: str = "") -> Iterator[None]:
    """What happens in here is one stage."""
    started_at = time.monotonic()
    try:
        yield
    finally:
        emit(StageEnded(name, time.monotonic() - started_at, target, package))


class _Target(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Target)
P = ParamSpec("P")
R = TypeVar("R")


def timed_stage(name: str) -> Callable[[Callable[Concatenate[T, P], R]], Callable[Concatenate[T, P], R]]:
    """Each call of the function, whose first argument is the destination, is one stage."""

    def decorate(step: Callable[Concatenate[T, P], R]) -> Callable[Concatenate[T, P], R]:
        @wraps(step)
        def timed(destination: T, /, *arguments: P.args, **keywords: P.kwargs) -> R:
            with stage(name, target=destination.name):
                return step(destination, *arguments, **keywords)

        return timed

    return decorate
