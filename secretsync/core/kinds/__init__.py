"""The kinds of objects in a namespace: workloads, and what else has or starts pods.

A kind of workload is a file of this package and a line of KINDS. The client of the API, the directory of manifests,
the verdicts, the Role of ``secretsync rbac`` and of the chart are made from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping

from secretsync.core.kinds import daemon_set, deployment, rollout, stateful_set
from secretsync.core.kinds.kind import Kind, plural

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        deployment.KIND,
        stateful_set.KIND,
        daemon_set.KIND,
        rollout.KIND,
    )
}
"""The kinds of workload by their names, in the order in which they are listed."""

SPAWNERS: Mapping[str, str] = {
    "ReplicaSet": "apps/v1",
    "ControllerRevision": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Pod": "v1",
}
"""What is a pod, or may still start one, beside workloads: kind and apiVersion."""

_OTHERS = {"Secret": "v1", "ConfigMap": "v1", "Lease": "coordination.k8s.io/v1", "Event": "events.k8s.io/v1"}


def api_version(kind: str) -> str:
    """The apiVersion of any *kind* that secretsync reads or writes."""
    return KINDS[kind].api_version if kind in KINDS else SPAWNERS.get(kind) or _OTHERS[kind]


def resource_of(kind: str) -> str:
    """As kubectl and messages name it: ``deployments.apps``, ``pods``."""
    group = api_version(kind).rpartition("/")[0]
    return f"{plural(kind)}.{group}" if group else plural(kind)
