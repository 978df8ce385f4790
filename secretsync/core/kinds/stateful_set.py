"""apps/v1 StatefulSet."""

from __future__ import annotations

from secretsync.core.kinds.kind import Cause, Kind, State, Status, current, on_delete, share, unseen
from secretsync.core.model import Manifest


def rollout_status(obj: Manifest) -> Status:
    """How far a StatefulSet's rollout is."""
    spec, status = obj["spec"], obj.get("status", {})
    strategy = spec.get("updateStrategy", {})
    if strategy.get("type") == "OnDelete":
        return on_delete()
    if waiting := unseen(obj):
        return waiting
    want, partition = spec.get("replicas", 1), (strategy.get("rollingUpdate") or {}).get("partition", 0)
    to_update = max(want - partition, 0)
    updated = status.get("updatedReplicas", 0)
    if updated < to_update:
        return Status(State.IN_PROGRESS, f"{updated} of {to_update} replicas updated", Cause.NOT_READY)
    ready = status.get("availableReplicas", status.get("readyReplicas", 0))
    if ready < want:
        return Status(State.IN_PROGRESS, f"{ready} of {want} replicas available", Cause.NOT_READY)
    if partition:
        return Status(State.CURRENT, f"{updated} of {want} replicas updated; its partition keeps the rest")
    return current(want)


def allows_no_ready_pod(manifest: Manifest) -> bool:
    """Whether its updateStrategy takes all its pods down at once. False where it updates only some by itself."""
    spec = manifest["spec"]
    strategy, replicas = spec.get("updateStrategy") or {}, spec.get("replicas", 1)
    rules = strategy.get("rollingUpdate") or {}
    if strategy.get("type") == "OnDelete" or rules.get("partition", 0) > 0:
        return False
    return bool(replicas) and share(rules.get("maxUnavailable", 1), replicas) >= replicas


# https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
KIND = Kind("StatefulSet", "apps/v1", rollout_status, allows_no_ready_pod, waits_for_failed_pods=True)
