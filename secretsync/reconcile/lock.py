"""One run at a time: a Lease that is taken before anything is written, renewed meanwhile, and expires by itself.

It is a fencing token too: a process may be stopped for any time between two of its lines (SIGSTOP, a frozen VM), so
before each write the Lease is known to be still its own. What a Lease's times mean is judged by the API server's clock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

import structlog

from secretsync.cluster import lease as leases
from secretsync.cluster.errors import Conflict, Unreachable
from secretsync.cluster.fenced import FencedCluster
from secretsync.core import shutdown
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Manifest
from secretsync.reconcile import identity
from secretsync.reconcile.destination import Destination

if TYPE_CHECKING:
    from secretsync.cluster.protocol import Cluster

log = structlog.get_logger()

SECONDS = 30
"""How long a Lease holds without being renewed: a run that was killed is in nobody's way for longer."""

PROOF_HOLDS = 3.0
"""Seconds for which a Lease counts as still held since the API server said so."""


@dataclass(eq=False)
class Busy(SecretSyncError):
    """Another run is at work in the namespace."""

    code = "busy"
    category = "busy"

    namespace: str
    holder: str
    seconds: float

    @property
    def at_work(self) -> str:
        """Who it is, without what follows from that."""
        return f"another run of secretsync is at work in namespace {self.namespace}: {self.holder}"

    def __str__(self) -> str:
        return (
            f"{self.at_work}; nothing was written. "
            f"Run again when it has ended; if it was killed, in {self.seconds:.0f} s"
        )


@dataclass(eq=False)
class LeaseLost(SecretSyncError):
    """The Lease is no longer this run's, which was stopped for longer than it holds, or could not renew it."""

    code = "lease_lost"
    category = "busy"

    namespace: str

    def __str__(self) -> str:
        return (
            f"the Lease in namespace {self.namespace} is no longer this run's: it expired, and another took over, or "
            "somebody deleted it. This run stops here and writes nothing more; the next one goes on with the work"
        )


Ticks = Callable[[], Sequence[float]]
"""Clocks that go on while this process, or its machine, is stopped, in seconds: only differences mean something."""


def _ticks() -> Sequence[float]:
    """The clock that counts while a machine sleeps, and the one on the wall, which a frozen machine sees jump."""
    awake = time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
    return awake, time.time()


class HeldLease:
    """A Lease that this run holds; *sent_at* is when it asked for it: it may have been stopped before the answer."""

    def __init__(self, destination: Destination, lease: Manifest, ticks: Ticks, sent_at: Sequence[float]) -> None:
        self._destination, self._lease, self._ticks = destination, lease, ticks
        self._me = leases.holder(lease)
        self._renewed = self._proven = sent_at
        self._asking = threading.Lock()

    @property
    def fenced(self) -> Destination:
        """The destination, where nothing is written unless the Lease is still held; a directory has no Leases."""
        if not self._destination.cluster.runs_pods:
            return self._destination
        fenced = cast("Cluster", FencedCluster(self._destination.cluster, self.confirm))
        return replace(self._destination, cluster=fenced)

    def confirm(self) -> None:
        """The Lease is still this run's; the API is asked only where that was long ago. Raises LeaseLost.

        Of several threads that write, one asks, and the others wait for its answer.
        """
        with self._asking:
            if self._since(self._proven) < PROOF_HOLDS:
                return
            if self._since(self._renewed) >= SECONDS / 3:
                self._renew()
            else:
                self._lease = self._as_still_held()

    def renew(self) -> None:
        """Say that the work goes on; costs a call only when a third of the time has passed. Raises LeaseLost."""
        if self._since(self._renewed) < SECONDS / 3:
            return
        try:
            self._renew()
        except Unreachable as error:
            log.warning("the Lease could not be renewed just now", why=str(error))

    def while_sleeping(self, sleep: Callable[[float], None]) -> Callable[[float], None]:
        """*sleep*, with the Lease renewed on the way; whoever asks to stop meanwhile is heard."""

        def sleep_and_renew(seconds: float) -> None:
            with shutdown.safe_point():
                sleep(seconds)
            self.renew()

        return sleep_and_renew

    def release(self) -> None:
        """Let the next run begin at once."""
        try:
            self._store(leases.released(self._lease, self._destination.cluster.server_time()))
        except SecretSyncError as error:
            log.debug("the Lease was not released; it expires", why=str(error))

    def _renew(self) -> None:
        try:
            self._store(self._acquired(self._lease))
        except Conflict:
            # somebody may have written a label on it
            lease = self._as_still_held()
            try:
                self._store(self._acquired(lease))
            except Conflict:
                raise LeaseLost(self._destination.namespace) from None

    def _acquired(self, lease: Manifest) -> Manifest:
        return leases.acquired(lease, self._me, SECONDS, self._destination.cluster.server_time())

    def _as_still_held(self) -> Manifest:
        sent_at = self._ticks()
        lease = self._destination.cluster.read("Lease", self._destination.namespace, self._destination.installation)
        if lease is None or leases.holder(lease) != self._me:
            raise LeaseLost(self._destination.namespace)
        self._proven = sent_at
        return lease

    def _store(self, lease: Manifest) -> None:
        sent_at = self._ticks()
        self._lease = self._destination.cluster.store(lease, manager=self._destination.manager)
        self._renewed = self._proven = sent_at

    def _since(self, earlier: Sequence[float]) -> float:
        return max(abs(now - before) for now, before in zip(self._ticks(), earlier, strict=True))


@contextmanager
def hold_lease(destination: Destination, ticks: Ticks = _ticks) -> Iterator[HeldLease]:
    """The Lease of the namespace, held until the end of this, or of the pass where *destination* has one for it.

    What has begun is finished before a stop. Raises Busy.
    """
    take = partial(_taken_lease, destination, ticks)
    if destination.lease:
        yield destination.lease.held(take)
        return
    with take() as lease:
        yield lease


@contextmanager
def _taken_lease(destination: Destination, ticks: Ticks) -> Iterator[HeldLease]:
    cluster, namespace = destination.cluster, destination.namespace
    name = destination.installation
    live = cluster.read("Lease", namespace, name) or leases.free(namespace, name)
    now, holder = cluster.server_time(), leases.holder(live)
    if (remaining := leases.seconds_left(live, now, SECONDS)) > 0 and not identity.is_dead(holder):
        raise Busy(namespace, identity.readable(holder), remaining)
    with shutdown.deferred():
        me, sent_at = str(identity.this_process()), ticks()
        try:
            lease = cluster.store(leases.acquired(live, me, SECONDS, now), manager=destination.manager)
        except Conflict:
            raise Busy(namespace, "it began in this very moment", SECONDS) from None
        lease = {**lease, "spec": {**leases.spec(lease), "holderIdentity": me}}
        held_lease = HeldLease(destination, lease, ticks, sent_at)
        try:
            yield held_lease
        finally:
            held_lease.release()
