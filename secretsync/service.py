"""The long-running form, put together: the loop, and all that may ask it for a pass."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import structlog

from secretsync import __version__, assemble
from secretsync.errors import SecretSyncError
from secretsync.follow import Followed
from secretsync.loop import Bell, Loop, Rhythm
from secretsync.passes import Outcome, outcomes
from secretsync.sync import sync

log = structlog.get_logger()

LOOK = 5
"""Seconds between two looks at the configuration's file; the kubelet takes up to a minute to change it."""


def serve(path: Path, tell: Callable[[Outcome], None]) -> None:
    """Go on until asked to stop, which raises Stopped; each outcome is told."""
    followed, bell = Followed(path), Bell()
    signal.signal(signal.SIGUSR1, lambda *_: bell.ring())
    loop = Loop(lambda: _one_pass(followed, path.parent, tell), lambda: _rhythm(followed))
    loop.beside(LOOK, followed.look)
    log.info("started", version=__version__, interval=followed.current.interval)
    loop.run(bell.wait)


def _one_pass(followed: Followed, base: Path, tell: Callable[[Outcome], None]) -> bool:
    try:
        destinations = assemble.destinations(followed.current, base)
    except SecretSyncError as error:
        log.error("this pass could not begin", why=str(error))
        return False
    well = True
    for outcome in outcomes(destinations, sync):
        tell(outcome)
        well = well and outcome.exit_code == 0
    return well


def _rhythm(followed: Followed) -> Rhythm:
    told = followed.current
    return Rhythm(interval=told.interval, jitter=told.jitter, longest=told.max_interval)
