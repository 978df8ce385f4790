"""What a place answers in which nothing runs: no pods, no server, no clock but the host's, no account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from secretsync.cluster.rbac import Access
from secretsync.core.kinds import KINDS
from secretsync.core.kinds.kind import Kind
from secretsync.core.model import Manifest, Secret, Workload


class NothingRuns:
    """The verbs of Cluster that Manifests has not, where each has but one answer."""

    runs_pods = False
    calls_at_once = 1

    def dry_run(self, secret: Secret, live: Secret | None, *, manager: str) -> Secret | None:
        """None: files have no admission that could change a write."""
        return None

    def workload_kinds(self) -> Sequence[Kind]:
        """All kinds: a file may hold any of them."""
        return list(KINDS.values())

    def pods(self, namespace: str) -> Sequence[Manifest]:
        """None: no pod runs from a file."""
        return ()

    def set_managed_fields(self, workload: Workload, fields: Sequence[Manifest], *, manager: str) -> Workload:
        """There are none here, hence nothing to do."""
        return workload

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        """Empty: no pod writes a log."""
        return ""

    def read(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """None: beside Secrets and workloads nothing is kept in files."""
        return None

    def store(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Nothing runs here, so nothing is locked and no Job is started: each write is checked by its own version."""
        return manifest

    def server_time(self) -> datetime:
        """This machine's clock: there is no server."""
        return datetime.now(UTC)

    def review(self, namespace: str) -> None:
        """None: files have no rules of access."""
        return

    def allows(self, namespace: str, access: Access) -> bool:
        """True: the file system decides when a file is written."""
        return True

    def create_event(self, event: Manifest, *, manager: str) -> None:
        """Whoever reads the directory's history sees what happened."""

    def remove(self, manifest: Manifest) -> None:
        """Nothing to do: no such object was written."""
        return
