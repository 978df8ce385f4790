"""A cluster that is written to only while a Lease is known to be held: a fencing token before every write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from secretsync.cluster.protocol import Cluster
from secretsync.core.model import Manifest, Secret, Workload


class FencedCluster:
    """*cluster*, with *confirm* called before each write; what that raises stops the write.

    A process may be stopped for any time between two of its lines: what it knew before is no longer true after that.
    """

    def __init__(self, cluster: Cluster, confirm: Callable[[], None]) -> None:
        self._cluster, self._confirm = cluster, confirm
        self.runs_pods = cluster.runs_pods

    def __getattr__(self, verb: str) -> Any:
        """All that reads, and all that only asks."""
        return getattr(self._cluster, verb)

    def create(self, secret: Secret, *, manager: str) -> Secret:
        """Create the Secret, if the Lease is still held. Raises LeaseLost."""
        self._confirm()
        return self._cluster.create(secret, manager=manager)

    def replace(self, secret: Secret, live: Secret, *, manager: str) -> Secret:
        """Replace the Secret, if the Lease is still held. Raises LeaseLost."""
        self._confirm()
        return self._cluster.replace(secret, live, manager=manager)

    def delete(self, live: Secret) -> None:
        """Delete the Secret, if the Lease is still held. Raises LeaseLost."""
        self._confirm()
        self._cluster.delete(live)

    def annotate(self, workload: Workload, annotations: Mapping[str, str], *, manager: str) -> Workload:
        """Stamp the workload, if the Lease is still held. Raises LeaseLost."""
        self._confirm()
        return self._cluster.annotate(workload, annotations, manager=manager)

    def wire(self, workload: Workload, part: Manifest, *, manager: str) -> Workload:
        """Apply *part*, if the Lease is still held. Raises LeaseLost."""
        self._confirm()
        return self._cluster.wire(workload, part, manager=manager)

    def set_managed_fields(self, workload: Workload, fields: Sequence[Manifest], *, manager: str) -> Workload:
        """Replace the ``managedFields``, if the Lease is still held. Raises LeaseLost."""
        self._confirm()
        return self._cluster.set_managed_fields(workload, fields, manager=manager)

    def store(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Write the object, if the Lease is still held. Raises LeaseLost."""
        self._confirm()
        return self._cluster.store(manifest, manager=manager)

    def create_event(self, event: Manifest, *, manager: str) -> None:
        """Write the Event, if the Lease is still held. Raises LeaseLost."""
        self._confirm()
        self._cluster.create_event(event, manager=manager)

    def remove(self, manifest: Manifest) -> None:
        """Delete the object, if the Lease is still held. Raises LeaseLost."""
        self._confirm()
        self._cluster.remove(manifest)
