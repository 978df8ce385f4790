"""One run at a time: a Lease that is taken before anything is written, renewed meanwhile, and expires by itself."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from secretsync.cluster import lease as leases
from secretsync.cluster.errors import Conflict, Unreachable
from secretsync.core import shutdown
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Manifest
from secretsync.reconcile.destination import Destination

log = structlog.get_logger()

SECONDS = 30
"""How long a Lease holds without being renewed: a run that was killed is in nobody's way for longer."""


@dataclass(eq=False)
class Busy(SecretSyncError):
    """Another run is at work in the namespace."""

    code = "busy"
    category = "busy"

    namespace: str
    holder: str
    seconds: float

    def __str__(self) -> str:
        return (
            f"another run of secretsync is at work in namespace {self.namespace}: {self.holder}; nothing was written. "
            f"Run again when it has ended; if it was killed, in {self.seconds:.0f} s"
        )


@dataclass(eq=False)
class TurnLost(SecretSyncError):
    """Somebody else took the Lease while this run was at work."""

    code = "turn_lost"
    category = "busy"

    namespace: str

    def __str__(self) -> str:
        return (
            f"this run could not renew its Lease in namespace {self.namespace} and another took over: "
            "it stops here, the other goes on with the work"
        )


class Turn:
    """A Lease that this process holds."""

    def __init__(self, destination: Destination, lease: Manifest, utc: Callable[[], datetime]) -> None:
        self._destination, self._lease, self._utc = destination, lease, utc
        self._renewed = utc()

    def renew(self) -> None:
        """Say that the work goes on; costs a call only when a third of the time has passed. Raises TurnLost."""
        if self._utc() - self._renewed < timedelta(seconds=SECONDS / 3):
            return
        try:
            self._store(leases.acquired(self._lease, _me(), SECONDS, self._utc()))
        except Conflict:
            raise TurnLost(self._destination.namespace) from None
        except Unreachable as error:
            log.warning("the Lease could not be renewed just now", why=str(error))

    def while_sleeping(self, sleep: Callable[[float], None]) -> Callable[[float], None]:
        """*sleep*, with the Lease renewed on the way; whoever asks to stop meanwhile is heard."""

        def sleep_and_renew(seconds: float) -> None:
            with shutdown.safe_point():
                sleep(seconds)
            self.renew()

        return sleep_and_renew

    def end(self) -> None:
        """Let the next run begin at once."""
        try:
            self._store(leases.released(self._lease, self._utc()))
        except SecretSyncError as error:
            log.debug("the Lease was not released; it expires", why=str(error))

    def _store(self, lease: Manifest) -> None:
        self._lease = self._destination.cluster.store(lease, manager=self._destination.manager)
        self._renewed = self._utc()


@contextmanager
def turn(destination: Destination, utc: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[Turn]:
    """This process's turn in the namespace: a step that has begun is finished before it stops. Raises Busy."""
    cluster, namespace = destination.cluster, destination.namespace
    name = destination.installation
    live = cluster.read("Lease", namespace, name) or leases.free(namespace, name)
    if (left := _left(live, utc())) > 0:
        raise Busy(namespace, leases.holder(live), left)
    with shutdown.deferred():
        try:
            lease = cluster.store(leases.acquired(live, _me(), SECONDS, utc()), manager=destination.manager)
        except Conflict:
            raise Busy(namespace, "it began in this very moment", SECONDS) from None
        mine = Turn(destination, lease, utc)
        try:
            yield mine
        finally:
            mine.end()


def _left(lease: Manifest, now: datetime) -> float:
    """Seconds for which somebody else still holds the Lease."""
    spec, holder = leases.spec(lease), leases.holder(lease)
    if not holder or not spec.get("renewTime") or _is_dead(holder):
        return 0
    ago = now - datetime.fromisoformat(spec["renewTime"])
    return float(spec.get("leaseDurationSeconds", SECONDS)) - ago.total_seconds()


def _is_dead(holder: str) -> bool:
    """Whether the holder was a process of this host that is no longer there: no need to wait for it."""
    host, _, pid = holder.rpartition("/")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _me() -> str:
    return f"{socket.gethostname()}/{os.getpid()}"
