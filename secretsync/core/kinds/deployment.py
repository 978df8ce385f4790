"""apps/v1 Deployment."""

from __future__ import annotations

from collections.abc import Mapping

from secretsync.core.kinds.kind import Cause, Kind, State, Status, current, no_ready_pod_while_rolling, unseen
from secretsync.core.model import Manifest


def rollout_status(obj: Manifest) -> Status:
    """How far a Deployment's rollout is."""
    spec, status = obj["spec"], obj.get("status", {})
    if spec.get("paused"):
        return Status(State.PAUSED, "is paused: new pods start when it is resumed")
    if waiting := unseen(obj):
        return waiting
    conditions = {condition.get("type"): condition for condition in status.get("conditions", ())}
    progressing = conditions.get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Status(State.FAILED, "made no progress within its progressDeadlineSeconds", _cause(conditions))
    want = spec.get("replicas", 1)
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    if updated < want:
        return Status(
            State.IN_PROGRESS, f"{updated} of {want} replicas updated{_replica_failure(conditions)}", _cause(conditions)
        )
    if total > updated:
        return Status(State.IN_PROGRESS, f"{_pods(total - updated)} still terminating")
    available = status.get("availableReplicas", 0)
    if available < want:
        return Status(State.IN_PROGRESS, f"{available} of {want} updated replicas available", Cause.NOT_READY)
    return current(want)


def allows_no_ready_pod(manifest: Manifest) -> bool:
    """Whether its strategy may leave no pod ready: Recreate, or a maxUnavailable of all replicas."""
    spec = manifest["spec"]
    strategy, replicas = spec.get("strategy") or {}, spec.get("replicas", 1)
    if spec.get("paused") or not replicas:
        return False
    if strategy.get("type") == "Recreate":
        return True
    return no_ready_pod_while_rolling(strategy.get("rollingUpdate") or {}, replicas)


def _replica_failure(conditions: Mapping[str, Manifest]) -> str:
    failure = conditions.get("ReplicaFailure", {})
    return f": {failure.get('message', '')}" if failure.get("status") == "True" else ""


def _cause(conditions: Mapping[str, Manifest]) -> Cause:
    message = _replica_failure(conditions)
    return (Cause.QUOTA if "quota" in message else Cause.OTHER) if message else Cause.NOT_READY


def _pods(number: int) -> str:
    return "1 old pod is" if number == 1 else f"{number} old pods are"


KIND = Kind("Deployment", "apps/v1", rollout_status, allows_no_ready_pod)
