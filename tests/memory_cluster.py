"""A cluster in memory, for what the story decides: every call is recorded, and any may be made to fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from secretsync.cluster.errors import Conflict
from secretsync.cluster.rbac import Review
from secretsync.cluster.selector import selects
from secretsync.core.kinds import KINDS
from secretsync.core.kinds.kind import Kind
from secretsync.core.model import Manifest, Ref, Secret, Workload
from secretsync.core.revision_numbers import has_newer_stamp
from secretsync.core.secret_codec import replacement_manifest
from tests.applied import applied


class MemoryCluster:
    """Keeps Secrets, workloads and pods; *before* is called with each verb and name, and may raise.

    *admit* is a policy that every Secret passes on its way in: it may change it, or raise.
    """

    runs_pods = True
    calls_at_once = 1
    """One after the other, so that a test knows which comes first; it may be set to more."""

    def __init__(self, *workloads: Workload) -> None:
        self.secrets: dict[str, Secret] = {}
        self.live_workloads = {workload.ref: workload for workload in workloads}
        self.live_pods: list[Manifest] = []
        self.others: list[Manifest] = []
        self.calls: list[tuple[str, str]] = []
        self.before: Callable[[str, str], None] = lambda verb, name: None
        self.admit: Callable[[Secret], Secret] = lambda secret: secret
        self.words = ""
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)
        self.objects: dict[tuple[str, str], Manifest] = {}
        self.events: list[Manifest] = []
        self._version = 0

    def secret(self, namespace: str, name: str) -> Secret | None:
        self._called("get", name)
        return self.secrets.get(name)

    def create(self, secret: Secret, *, manager: str) -> Secret:
        self._called("create", secret.name)
        if secret.name in self.secrets:
            raise Conflict(secret.ref, "was created by someone else")
        return self._store(self.admit(secret), wrote_data=True)

    def dry_run(self, secret: Secret, live: Secret | None, *, manager: str) -> Secret:
        self._called("dry run", secret.name)
        return self.admit(replacement_manifest(live, secret) if live else secret)

    def replace(self, secret: Secret, live: Secret, *, manager: str) -> Secret:
        self._called("replace", secret.name)
        found = self.secrets.get(secret.name)
        if found is None or found.metadata["resourceVersion"] != live.metadata["resourceVersion"]:
            raise Conflict(secret.ref, "was changed by someone else")
        admitted = self.admit(replacement_manifest(live, secret))
        return self._store(admitted, wrote_data=admitted.data != found.data)

    def delete(self, live: Secret) -> None:
        self._called("delete", live.name)
        self.secrets.pop(live.name, None)

    def workloads(self, namespace: str, selector: str = "") -> Sequence[Workload]:
        self._called("list", "workloads")
        return [one for one in self.live_workloads.values() if selects(selector, one.labels)]

    def workload_kinds(self) -> Sequence[Kind]:
        return list(KINDS.values())

    def pods(self, namespace: str) -> Sequence[Manifest]:
        self._called("list", "pods")
        return self.live_pods

    def review(self, namespace: str) -> Review | None:
        return None

    def spawners(self, namespace: str) -> Sequence[Manifest]:
        self._called("list", "spawners")
        return self.others

    def annotate(self, workload: Workload, annotations: Mapping[str, str], *, manager: str) -> Workload:
        self._called("annotate", workload.ref.name)
        if has_newer_stamp(self.live_workloads[workload.ref].template_annotations, annotations):
            raise Conflict(workload.ref, "was restarted for a newer revision")
        manifest = deepcopy(self.live_workloads[workload.ref].manifest)
        manifest["spec"]["template"].setdefault("metadata", {})["annotations"] = dict(annotations)
        self.live_workloads[workload.ref] = Workload(workload.ref, manifest)
        return self.live_workloads[workload.ref]

    def wire(self, workload: Workload, part: Manifest, *, manager: str) -> Workload:
        self._called("wire", workload.ref.name)
        if self.live_workloads[workload.ref].template != workload.template:
            raise Conflict(workload.ref, "was changed by someone else")
        manifest = applied(self.live_workloads[workload.ref].manifest, part, manager)
        self.live_workloads[workload.ref] = Workload(workload.ref, manifest)
        return self.live_workloads[workload.ref]

    def set_managed_fields(self, workload: Workload, fields: Sequence[Manifest], *, manager: str) -> Workload:
        self._called("own", workload.ref.name)
        manifest = deepcopy(self.live_workloads[workload.ref].manifest)
        manifest["metadata"]["managedFields"] = deepcopy(list(fields))
        self.live_workloads[workload.ref] = Workload(workload.ref, manifest)
        return self.live_workloads[workload.ref]

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        return self.words

    def read(self, kind: str, namespace: str, name: str) -> Manifest | None:
        self._called("get", name)
        return deepcopy(self.objects.get((kind, name)))

    def store(self, manifest: Manifest, *, manager: str) -> Manifest:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        self._called("store", name)
        there = self.objects.get((kind, name), {"metadata": {}})
        if manifest["metadata"].get("resourceVersion") != there["metadata"].get("resourceVersion"):
            raise Conflict(Ref(kind, "rucio", name), "was written by someone else")
        self._version += 1
        stored = deepcopy(manifest)
        stored["metadata"] |= {"resourceVersion": str(self._version), "uid": name}
        self.objects[kind, name] = stored
        return deepcopy(stored)

    def server_time(self) -> datetime:
        return self.time

    def create_event(self, event: Manifest, *, manager: str) -> None:
        self._called("tell", event["reason"])
        self.events.append(event)

    def remove(self, manifest: Manifest) -> None:
        self._called("remove", manifest["metadata"]["name"])
        self.objects.pop((manifest["kind"], manifest["metadata"]["name"]), None)
        self.live_pods = [pod for pod in self.live_pods if pod["metadata"]["name"] != manifest["metadata"]["name"]]

    def edit(self, name: str, **data: bytes) -> None:
        """Somebody changes a Secret by hand."""
        secret = self.secrets[name]
        self._store(replace(secret, data={**secret.data, **data}), wrote_data=True)

    @property
    def writes(self) -> list[tuple[str, str]]:
        """All writes but those of the Lease."""
        return [call for call in self.calls if call[0] not in ("get", "list", "store", "dry run")]

    def _called(self, verb: str, name: str) -> None:
        self.before(verb, name)
        self.calls.append((verb, name))

    def _store(self, secret: Secret, *, wrote_data: bool) -> Secret:
        self._version += 1
        written = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self._version)
        metadata = {**secret.metadata, "resourceVersion": str(self._version), "uid": secret.name}
        stored = replace(secret, metadata=metadata, data_written=written if wrote_data else secret.data_written)
        self.secrets[secret.name] = stored
        return stored
