"""Which of several processes makes the passes: who holds the Lease, as Kubernetes' own components do it.

Clocks of two hosts are never compared: a Lease is free when nobody has renewed it for its time, as this process saw it
(https://pkg.go.dev/k8s.io/client-go/tools/leaderelection). Two that both believe to lead do no harm: each write is at
the version that was read, and one run at a time has its turn in a namespace.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import structlog

from secretsync import config
from secretsync.cluster import lease as leases
from secretsync.cluster.errors import Conflict
from secretsync.cluster.protocol import Objects
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Manifest
from secretsync.core.secret_codec import OURS
from secretsync.reconcile.factory import open_cluster

log = structlog.get_logger()

SECONDS = 15
"""How long a Lease holds without being renewed: for that long nobody makes a pass when the leader was killed."""

RETRY = 3
"""Seconds between two looks at the Lease, which the leader renews at each."""

ASKED = OURS + "sync-asked"
"""The annotation by which a follower tells the leader that somebody asked for a pass."""

_TRIES = 5


class Election:
    """One candidate for the Lease *name*. *wake* is called when a pass should come at once.

    That is when this process begins to lead, and when somebody asked a follower.
    """

    def __init__(
        self,
        cluster: Objects,
        namespace: str,
        name: str,
        wake: Callable[[], None],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster, self._namespace, self._name = cluster, namespace, name
        self._wake, self._now = wake, now
        self._me = f"{socket.gethostname()}_{uuid.uuid4()}"
        self._renewed: float | None = None
        self._read: float | None = None
        self._seen, self._seen_since = ("", ""), now()
        self._heard = ""

    @property
    def leads(self) -> bool:
        """Whether the passes are this process's: for a little less long than others respect its Lease."""
        return self._renewed is not None and self._now() - self._renewed < SECONDS - RETRY

    @property
    def follows(self) -> bool | None:
        """None while this process leads, else whether it could read the Lease lately."""
        if self.leads:
            return None
        return self._read is not None and self._now() - self._read < SECONDS

    def step(self) -> None:
        """Look at the Lease; renew it, or take it where it is free."""
        led, started_at = self.leads, self._now()
        try:
            lease = self._read_lease()
            if self._may_take(lease):
                self._check_requests(self._store(leases.acquired(lease, self._me, SECONDS, datetime.now(UTC))))
                self._renewed = started_at
            else:
                self._renewed = None
        except Conflict:
            log.debug("another process wrote the Lease at the same time")
        except SecretSyncError as error:
            log.warning("the Lease of the leader cannot be read or renewed just now", why=str(error))
        if self.leads and not led:
            log.info("this process leads", lease=f"{self._namespace}/{self._name}")
            self._wake()
        elif led and not self.leads:
            log.warning("this process leads no longer", lease=f"{self._namespace}/{self._name}")

    def request_pass(self) -> None:
        """A pass shall come at once, whoever leads. Raises SecretSyncError."""
        if self.leads:
            self._wake()
            return
        for tries_left in reversed(range(_TRIES)):
            lease = self._read_lease()
            lease["metadata"].setdefault("annotations", {})[ASKED] = f"{datetime.now(UTC).isoformat()} {uuid.uuid4()}"
            try:
                self._store(lease)
            except Conflict:
                if not tries_left:
                    raise
            else:
                return

    def release(self) -> None:
        """Let another lead at once."""
        if not self.leads:
            return
        self._renewed = None
        try:
            lease = self._read_lease()
            if leases.holder(lease) == self._me:
                self._store(leases.released(lease, datetime.now(UTC)))
        except SecretSyncError as error:
            log.debug("the Lease was not released; it expires", why=str(error))

    @contextmanager
    def campaigning(self) -> Iterator[None]:
        """A thread takes a step every RETRY seconds until the end of this; the Lease is then released."""
        stopped = threading.Event()

        def campaign() -> None:
            while not stopped.is_set():
                try:
                    self.step()
                except Exception:
                    log.exception("a fault in the election; please report it")
                stopped.wait(RETRY)

        thread = threading.Thread(target=campaign, name="election", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join(SECONDS)
            self.release()

    def _read_lease(self) -> Manifest:
        """The Lease as it is, or as it would be."""
        lease = self._cluster.read("Lease", self._namespace, self._name) or leases.free(self._namespace, self._name)
        self._read = self._now()
        # a renewal by its holder changes this, a question to it does not
        observed = (leases.holder(lease), leases.spec(lease).get("renewTime", ""))
        if observed != self._seen:
            self._seen, self._seen_since = observed, self._now()
        return lease

    def _may_take(self, lease: Manifest) -> bool:
        if leases.holder(lease) in ("", self._me):
            return True
        unchanged: float = self._now() - self._seen_since
        return unchanged >= leases.duration(lease, SECONDS)

    def _check_requests(self, lease: Manifest) -> None:
        """Whether a follower was asked since this process leads; what was asked before is done by its first pass."""
        requested_at = (lease["metadata"].get("annotations") or {}).get(ASKED, "")
        if self.leads and requested_at != self._heard:
            self._wake()
        self._heard = requested_at

    def _store(self, lease: Manifest) -> Manifest:
        return self._cluster.store(lease, manager="secretsync-election")


def candidate(election: config.Election, installation: str, base: Path, wake: Callable[[], None]) -> Election:
    """This process, as one of several that could make the passes."""
    # imported here: the official client is needed only where the API is spoken to
    from secretsync.cluster.connection import BRISK

    cluster = open_cluster(cast("config.LiveCluster", election.cluster), base, BRISK)
    return Election(cluster, election.namespace, f"{installation}-leader", wake)
