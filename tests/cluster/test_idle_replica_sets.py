from __future__ import annotations

from typing import Any

from secretsync.cluster.idle_replica_sets import without_unread_fields
from secretsync.core.model import Ref, Workload
from secretsync.core.pod_references import pod_template, secrets_referenced
from secretsync.plan.not_restarted import find_not_restarted

TEMPLATE = {
    "metadata": {"annotations": {"openshift.io/deployment-config.name": "rucio"}, "labels": {"app": "rucio"}},
    "spec": {
        "volumes": [
            {"name": "policy", "secret": {"secretName": "site-policy"}},
            {"name": "all", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
            {"name": "run", "emptyDir": {}},
        ],
        "initContainers": [{"name": "init", "image": "rucio", "envFrom": [{"secretRef": {"name": "from"}}]}],
        "containers": [
            {
                "name": "rucio",
                "image": "rucio",
                "args": ["--run"],
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "variable", "key": "a"}}}],
            }
        ],
    },
}


def test_it_tells_the_same_secrets_and_the_same_owner() -> None:
    whole = replica_set(0)
    (part,) = without_unread_fields([whole])
    assert len(str(part)) < len(str(whole))
    assert (
        secrets_referenced(pod_template(part))
        == secrets_referenced(pod_template(whole))
        == {"site-policy", "projected", "from", "variable"}
    )
    assert part["metadata"]["ownerReferences"] == whole["metadata"]["ownerReferences"]
    assert part["metadata"]["creationTimestamp"] == whole["metadata"]["creationTimestamp"]


def test_the_same_templates_are_held_once() -> None:
    first, second = without_unread_fields([replica_set(0), replica_set(0)])
    assert first["spec"]["template"] is second["spec"]["template"]


def test_one_with_pods_stays_whole() -> None:
    assert list(without_unread_fields([replica_set(1)])) == [replica_set(1)]


def test_what_is_not_restarted_is_found_all_the_same() -> None:
    manifests = [replica_set(0), {**replica_set(2), "metadata": {"name": "bare", "namespace": "rucio"}}]
    workloads = [Workload(Ref("Deployment", "rucio", "rucio"), {"spec": {"template": TEMPLATE}})]
    found = find_not_restarted(manifests, workloads, {"site-policy"})
    assert find_not_restarted(list(without_unread_fields(manifests)), workloads, {"site-policy"}) == found
    assert found


def replica_set(replicas: int) -> dict[str, Any]:
    owner = {"kind": "Deployment", "name": "rucio", "controller": True}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": "rucio-1",
            "namespace": "rucio",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "ownerReferences": [owner],
        },
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "rucio"}}, "template": TEMPLATE},
        "status": {"replicas": replicas},
    }
