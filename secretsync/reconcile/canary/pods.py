"""What the pod of a proof says beside its word: whose it is, how its container does, and whether it was interrupted."""

from __future__ import annotations

from secretsync.core.model import Manifest

DELETED = "its pod was deleted before it ended"


def container_status(pod: Manifest, name: str) -> Manifest:
    """The status of the proof's own container: an admission webhook may have put others beside it."""
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    return next((status for status in statuses if status.get("name") == name), {})


def interruption(pod: Manifest, terminated: Manifest) -> str:
    """Why a proof ended that says nothing about the package; empty where nobody interrupted it.

    https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
    """
    status = pod.get("status", {})
    for condition in status.get("conditions") or ():
        if condition.get("type") == "DisruptionTarget" and condition.get("status") == "True":
            return f"its pod was evicted ({condition.get('reason')}): {condition.get('message')}"
    if status.get("phase") == "Failed" and (status.get("reason") or not terminated):
        return f"its pod failed ({status.get('reason')}): {status.get('message')}"
    if "deletionTimestamp" in pod["metadata"]:
        return DELETED
    if terminated.get("reason") == "OOMKilled":
        return (
            "its container reached its limit of memory (OOMKilled): raise 'resources.limits.memory' of the workload, "
            "or load less when the package is imported"
        )
    return ""


def belongs(pod: Manifest, job_name: str) -> bool:
    """Whether the Job of that name made the pod."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(owner.get("kind") == "Job" and owner.get("name") == job_name for owner in owners)
