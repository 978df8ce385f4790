"""What a cluster runs of the packages that a site's repository holds: read off its workloads, and nothing else of it.

A Secret that is named by its digest tells by its name which content a pod template mounts; where names stay, the
template's annotation does. No Secret is read, so the right to list workloads and pods is all that is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from secretsync.cluster.protocol import Cluster
from secretsync.core import packing
from secretsync.core.kinds.kind import State
from secretsync.core.model import Manifest, Placement, Ref, Workload
from secretsync.core.pod_references import pod_template, secrets_referenced
from secretsync.plan import ownership
from secretsync.plan.rollout_status import pods_of, status

_DIGITS = 12
"""Of a digest, in the name of a Secret."""


@dataclass(frozen=True)
class Running:
    """A workload of the observed cluster that mounts a package: *digests* are the starts of those it tells."""

    workload: Workload
    digests: frozenset[str]
    names: frozenset[str]

    def runs(self, digest: str) -> bool:
        """Whether its template has the content with *digest*, and no other."""
        return self.digests == {digest[:_DIGITS]}


def running(workloads: Sequence[Workload], placement: Placement) -> tuple[Running, ...]:
    """The workloads that mount the package."""
    with_names = [(workload, _names(workload.template, placement)) for workload in workloads]
    return tuple(
        Running(workload, frozenset(_digests(workload.template, names, placement)), frozenset(names))
        for workload, names in with_names
        if names
    )


def lag(deployed: Sequence[Running], digest: str) -> str:
    """Why the cluster is not current with the content that has *digest*; empty where it is."""
    if not deployed:
        return "no workload of it mounts the package"
    behind = [str(running.workload.ref) for running in deployed if not running.runs(digest)]
    if behind:
        return f"{', '.join(behind)} {'has' if len(behind) == 1 else 'have'} other content"
    unhealthy = next(
        (running.workload for running in deployed if status(running.workload).state is not State.CURRENT), None
    )
    return f"{unhealthy.ref}, {status(unhealthy).message}" if unhealthy else ""


def current_since(cluster: Cluster, namespace: str, deployed: Sequence[Running]) -> datetime | None:
    """Since when the last of the workloads has pods of its template; None where nothing tells it.

    A ReplicaSet was made when its rollout began; elsewhere the oldest pod that mounts the same tells.
    """
    spawners = cluster.spawners(namespace)
    times = [_started_at(running, spawners) for running in deployed]
    return max((time for time in times if time), default=None) if all(times) else None


def _started_at(running: Running, spawners: Sequence[Manifest]) -> datetime | None:
    owned = [
        manifest
        for manifest in spawners
        if _is_owned(manifest, running.workload.ref) or pods_of(running.workload, [manifest])
    ]
    same_mounts = [manifest for manifest in owned if running.names <= secrets_referenced(pod_template(manifest))]
    created = [str(manifest["metadata"].get("creationTimestamp") or "") for manifest in same_mounts]
    return min((datetime.fromisoformat(text) for text in created if text), default=None)


def _is_owned(manifest: Manifest, ref: Ref) -> bool:
    owners = manifest["metadata"].get("ownerReferences") or ()
    return any((owner.get("kind"), owner.get("name")) == (ref.kind, ref.name) for owner in owners)


def _names(template: Manifest, placement: Placement) -> set[str]:
    return {name for name in secrets_referenced(template) if ownership.can_be_named(name, placement)}


def _digests(template: Manifest, names: set[str], placement: Placement) -> set[str]:
    if placement.wired:
        suffixes = {name.removeprefix(f"{placement.secret}-") for name in names}
        return {text[:_DIGITS] for text in suffixes}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    stamp = str(annotations.get(packing.stamp_key(placement.secret)) or "")
    return {stamp.partition("sha256:")[2][:_DIGITS]}
