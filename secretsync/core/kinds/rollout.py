"""argoproj.io/v1alpha1 Rollout, of Argo Rollouts (https://argo-rollouts.readthedocs.io/en/stable/features/specification/).

The verdict is its controller's own: ``status.phase``, which is one of Healthy, Progressing, Paused and Degraded.
"""

from __future__ import annotations

from secretsync.core.kinds.kind import (
    Cause,
    Kind,
    State,
    Status,
    current,
    no_ready_pod_while_rolling,
    observed_generation,
)
from secretsync.core.model import Manifest


def rollout_status(obj: Manifest) -> Status:
    """How far a Rollout is."""
    spec, status = obj["spec"], obj.get("status") or {}
    if spec.get("paused"):
        return Status(State.PAUSED, "is paused: new pods start when it is resumed")
    if observed_generation(status) < obj["metadata"].get("generation", 0) or not status.get("phase"):
        return Status(State.IN_PROGRESS, "its controller has not seen the change yet")
    reason = f": {status['message']}" if status.get("message") else ""
    replicas = spec.get("replicas", 1)
    match status["phase"]:
        case "Healthy":
            return current(replicas)
        case "Paused":
            return Status(
                State.PAUSED, f"waits at a step of its strategy until it is promoted or the pause ends{reason}"
            )
        case "Degraded":
            # a specification that its controller does not take is nothing that a package could have done
            return Status(State.FAILED, f"is degraded{reason}", Cause.OTHER if _is_invalid(status) else Cause.NOT_READY)
        case _:
            updated = status.get("updatedReplicas", 0)
            return Status(State.IN_PROGRESS, f"{updated} of {replicas} replicas updated{reason}", Cause.NOT_READY)


def allows_no_ready_pod(obj: Manifest) -> bool:
    """Whether its strategy may end all its pods before a new one is ready; a blue-green one keeps the old set."""
    spec = obj["spec"]
    strategy, replicas = spec.get("strategy") or {}, spec.get("replicas", 1)
    if spec.get("paused") or not replicas or "blueGreen" in strategy:
        return False
    return no_ready_pod_while_rolling(strategy.get("canary") or {}, replicas)


def has_template(obj: Manifest) -> bool:
    """False for one with a workloadRef: the Deployment that it refers to has the template, and is stamped itself."""
    return "template" in obj["spec"]


def _is_invalid(status: Manifest) -> bool:
    return any(condition.get("type") == "InvalidSpec" for condition in status.get("conditions") or ())


KIND = Kind(
    "Rollout",
    "argoproj.io/v1alpha1",
    rollout_status,
    allows_no_ready_pod,
    optional=True,
    wirable=False,
    has_template=has_template,
)
