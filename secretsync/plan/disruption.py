"""Workloads whose own strategy leaves no pod ready while they are restarted: a bad package takes those down at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from secretsync.core.errors import SecretSyncError
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
            f"nothing was touched: the strategy of {names} allows no ready pod during a restart, and nothing has "
            "proven the package there: let the canary prove it ('rollout: {canary: auto}'), mend the strategy "
            f"(maxSurge: 1, maxUnavailable: 0), or accept it: 'rollout: {{acceptDowntime: [{accepted}]}}'"
        )


def refuse_disruption(workloads: Sequence[Workload], *, proven: Collection[Ref], accepted: Collection[str]) -> None:
    """Raises WouldTakeDown where a workload that is to be restarted goes down and nobody has answered for that."""
    refused = [
        one.ref for one in workloads_taken_down(workloads) if one.ref not in proven and one.ref.name not in accepted
    ]
    if refused:
        raise WouldTakeDown(refused)


def workloads_taken_down(workloads: Sequence[Workload]) -> list[Workload]:
    """Those of *workloads* that are ready now and may have no ready pod while they are restarted."""
    return [one for one in workloads if _ready(one.manifest) and allows_no_ready_pod(one)]


def allows_no_ready_pod(workload: Workload) -> bool:
    """Whether a workload's update strategy may end all its pods before a new one is ready."""
    return _RULES[workload.ref.kind](workload.manifest)


def _deployment(manifest: Manifest) -> bool:
    spec = manifest["spec"]
    strategy, replicas = spec.get("strategy") or {}, spec.get("replicas", 1)
    if spec.get("paused") or not replicas:
        return False
    if strategy.get("type") == "Recreate":
        return True
    rules = strategy.get("rollingUpdate") or {}
    unavailable = _share(rules.get("maxUnavailable", "25%"), replicas)
    surge = _share(rules.get("maxSurge", "25%"), replicas, up=True)
    # Kubernetes itself takes 1 where both would be 0, as nothing could move
    return bool((unavailable or (0 if surge else 1)) >= replicas)


def _stateful_set(manifest: Manifest) -> bool:
    spec = manifest["spec"]
    strategy, replicas = spec.get("updateStrategy") or {}, spec.get("replicas", 1)
    rules = strategy.get("rollingUpdate") or {}
    if strategy.get("type") == "OnDelete" or rules.get("partition", 0) > 0:
        return False
    return bool(replicas) and _share(rules.get("maxUnavailable", 1), replicas) >= replicas


def _daemon_set(manifest: Manifest) -> bool:
    strategy = manifest["spec"].get("updateStrategy") or {}
    pods = (manifest.get("status") or {}).get("desiredNumberScheduled", 0)
    if strategy.get("type") == "OnDelete":
        return False
    return bool(pods) and _share((strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1), pods, up=True) >= pods


_RULES = {"Deployment": _deployment, "StatefulSet": _stateful_set, "DaemonSet": _daemon_set}


def _share(told: int | str, of: int, *, up: bool = False) -> int:
    """A number, or a percentage of *of* in whole pods."""
    if isinstance(told, int):
        return told
    percent = int(told.rstrip("%"))
    return -(-percent * of // 100) if up else percent * of // 100


def _ready(manifest: Manifest) -> bool:
    status = manifest.get("status") or {}
    return bool(status.get("availableReplicas") or status.get("readyReplicas") or status.get("numberAvailable"))
