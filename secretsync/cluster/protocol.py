"""The cluster as secretsync needs it: a few verbs, the same for the API and for a directory of manifests.

A directory has the verbs of Manifests; what runs in a cluster is watched, started, locked and asked with the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from secretsync.core.kinds.kind import Kind
from secretsync.core.model import Manifest, Secret, Workload

if TYPE_CHECKING:
    from secretsync.cluster.rbac import Access, Review


class Manifests(Protocol):
    """Secrets and workloads. Reads return what is live; writes raise Conflict when that is not what was read."""

    def secret(self, namespace: str, name: str) -> Secret | None:
        """One Secret by its name; None where there is none."""

    def create(self, secret: Secret, *, manager: str) -> Secret:
        """Create it; Conflict where it exists."""

    def replace(self, secret: Secret, live: Secret, *, manager: str) -> Secret:
        """Put *secret* in place of *live*, whole; labels, annotations and finalizers of others are sent back."""

    def delete(self, live: Secret) -> None:
        """Delete exactly the object that was read; nothing happens when it has gone."""

    def workloads(self, namespace: str, selector: str = "") -> Sequence[Workload]:
        """All workloads of the kinds of core/kinds: one list per kind."""

    def spawners(self, namespace: str) -> Sequence[Manifest]:
        """All that is a pod or may still start one beside workloads: ReplicaSets, Jobs, CronJobs and pods."""

    def annotate(self, workload: Workload, annotations: Mapping[str, str], *, manager: str) -> Workload:
        """Apply pod-template annotations server-side as *manager*, which starts new pods.

        Conflict where the template carries the stamp of a newer revision.
        """


class Fields(Protocol):
    """Parts of a workload that have an owner each: server-side apply."""

    def wire(self, workload: Workload, part: Manifest, *, manager: str) -> Workload:
        """Apply a part of the pod template server-side as *manager*, who then has that and nothing else of it.

        Whatever else has a field of *part* loses it. Conflict when the template is no longer what was read.
        """

    def set_managed_fields(self, workload: Workload, fields: Sequence[Manifest], *, manager: str) -> Workload:
        """Say anew who has what of a workload, which itself stays as it is. Conflict when it is not what was read."""


class Pods(Protocol):
    """What runs, and what it last wrote."""

    def pods(self, namespace: str) -> Sequence[Manifest]:
        """All pods, in one list."""

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        """The last line that a container, or the one before it, wrote; empty where it cannot be read."""


class Objects(Protocol):
    """Leases, Jobs, pods, ConfigMaps and Events, each whole; writes raise Conflict as those of Manifests."""

    def read(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """One Lease, Job, pod or ConfigMap by its name; None where there is none."""

    def store(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Create it, or replace what is live at the ``resourceVersion`` that it carries; else Conflict."""

    def remove(self, manifest: Manifest) -> None:
        """Delete exactly this object and, in the background, what it owns; nothing happens when it has gone."""

    def create_event(self, event: Manifest, *, manager: str) -> None:
        """Write an Event, whose name is its own."""


class ApiServer(Protocol):
    """What the API server says of itself, of this account, and of a write that is not made."""

    def server_time(self) -> datetime:
        """What time it is by the API server's clock, as its last answer told; by the host's where nothing runs."""

    def review(self, namespace: str) -> Review | None:
        """What this account may do there; None where nobody is asked."""

    def allows(self, namespace: str, access: Access) -> bool:
        """Whether this account may do one thing there."""

    def workload_kinds(self) -> Sequence[Kind]:
        """The kinds of workload that this cluster has."""

    def dry_run(self, secret: Secret, live: Secret | None, *, manager: str) -> Secret | None:
        """What a create or replace would store, after admission; None where nobody can be asked. Nothing is written."""


class Cluster(Manifests, Fields, Pods, Objects, ApiServer, Protocol):
    """All of it.

    *runs_pods* is False where nothing runs, as in a directory of manifests: a rollout cannot be watched there.
    *calls_at_once* is how many calls may be under way, from as many threads.
    """

    runs_pods: bool
    calls_at_once: int
