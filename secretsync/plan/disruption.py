"""Workloads whose own strategy leaves no pod ready while they are restarted: a bad package takes those down at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from secretsync.core.errors import SecretSyncError
from secretsync.core.kinds import KINDS
from secretsync.core.model import Manifest, Ref, Workload


@dataclass(eq=False)
class WouldTakeDown(SecretSyncError):
    """A package that nothing has proven would go to workloads that have no ready pod meanwhile."""

    code = "would_take_down"

    workloads: Sequence[Ref]

    def __str__(self) -> str:
        names = ", ".join(str(ref) for ref in self.workloads)
        accepted = ", ".join(ref.name for ref in self.workloads)
        return (
            f"nothing was written: the strategy of {names} allows no ready pod during a restart, and nothing has "
            "proven the package there: let the canary prove it ('rollout: {canary: auto}'), fix the strategy "
            f"(maxSurge: 1, maxUnavailable: 0), or accept it: 'rollout: {{acceptDowntime: [{accepted}]}}'"
        )


def refuse_disruption(workloads: Sequence[Workload], *, proven: Collection[Ref], accepted: Collection[str]) -> None:
    """Raises WouldTakeDown where a workload that is to be restarted goes down and nobody has answered for that."""
    refused = [
        workload.ref
        for workload in workloads_taken_down(workloads)
        if workload.ref not in proven and workload.ref.name not in accepted
    ]
    if refused:
        raise WouldTakeDown(refused)


def workloads_taken_down(workloads: Sequence[Workload]) -> list[Workload]:
    """Those of *workloads* that are ready now and may have no ready pod while they are restarted."""
    return [workload for workload in workloads if _ready(workload.manifest) and allows_no_ready_pod(workload)]


def allows_no_ready_pod(workload: Workload) -> bool:
    """Whether a workload's update strategy may end all its pods before a new one is ready."""
    return KINDS[workload.ref.kind].allows_no_ready_pod(workload.manifest)


def _ready(manifest: Manifest) -> bool:
    status = manifest.get("status") or {}
    return bool(status.get("availableReplicas") or status.get("readyReplicas") or status.get("numberAvailable"))
