"""apps/v1 DaemonSet."""

from __future__ import annotations

from secretsync.core.kinds.kind import Cause, Kind, State, Status, current, on_delete, share, unseen
from secretsync.core.model import Manifest


def rollout_status(obj: Manifest) -> Status:
    """How far a DaemonSet's rollout is."""
    spec, status = obj["spec"], obj.get("status", {})
    if spec.get("updateStrategy", {}).get("type") == "OnDelete":
        return on_delete()
    if waiting := unseen(obj):
        return waiting
    want, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
    if updated < want:
        return Status(State.IN_PROGRESS, f"{updated} of {want} pods updated", Cause.NOT_READY)
    available = status.get("numberAvailable", 0)
    if available < want:
        return Status(State.IN_PROGRESS, f"{available} of {want} updated pods available", Cause.NOT_READY)
    return current(want)


def allows_no_ready_pod(manifest: Manifest) -> bool:
    """Whether its updateStrategy takes all pods down at once. False where it updates no pod by itself."""
    strategy = manifest["spec"].get("updateStrategy") or {}
    pods = (manifest.get("status") or {}).get("desiredNumberScheduled", 0)
    if strategy.get("type") == "OnDelete":
        return False
    return bool(pods) and share((strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1), pods, up=True) >= pods


KIND = Kind("DaemonSet", "apps/v1", rollout_status, allows_no_ready_pod)
