"""What answers in place of an API server gives fields of other types: it is named, and no run ends in a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from secretsync.cluster import answers
from secretsync.cluster.answers import NotAnObject
from secretsync.cluster.connection import Reply
from secretsync.cluster.errors import Call, NotKubernetes
from secretsync.cluster.schema import wrong_field
from secretsync.core.kinds import KINDS, resource_of
from secretsync.core.kinds.kind import Kind
from tests.robustness.parsers import WORKLOAD

WRONG: dict[str, tuple[Any, ...]] = {
    "spec.replicas": ("spec", "replicas", "many"),
    "metadata.generation": ("metadata", "generation", 1.5),
    "metadata.managedFields[]": ("metadata", "managedFields", [7]),
    "metadata.managedFields[].fieldsV1": ("metadata", "managedFields", [{"fieldsV1": []}]),
    "metadata.creationTimestamp": ("metadata", "creationTimestamp", 5),
    "metadata.ownerReferences[].uid": ("metadata", "ownerReferences", [{"uid": 5}]),
    "spec.template": ("spec", "template", []),
    "spec.template.spec.containers[]": ("spec", "template", "spec", "containers", [5]),
    "spec.template.spec.containers[].env": ("spec", "template", "spec", "containers", [{"name": "a", "env": {}}]),
    "spec.template.spec.volumes[].secret": ("spec", "template", "spec", "volumes", [{"secret": 5}]),
    "spec.selector.matchExpressions[].values": ("spec", "selector", {"matchExpressions": [{"values": 7}]}),
    "status.conditions[].type": ("status", "conditions", [{"type": []}]),
    "status.updatedReplicas": ("status", "updatedReplicas", True),
    "status.containerStatuses[].state": ("status", "containerStatuses", [{"state": "Running"}]),
}


def changed(*path_and_value: Any) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(json.dumps(WORKLOAD))
    *path, name, value = path_and_value
    at = manifest
    for key in path:
        at = at[key]
    at[name] = value
    return manifest


@pytest.mark.parametrize("field", WRONG)
def test_a_field_of_another_type_is_named_with_its_path(field: str) -> None:
    manifest = changed(*WRONG[field])
    assert wrong_field(manifest, "Deployment") == f".{field}"
    body = json.dumps({"kind": "DeploymentList", "items": [manifest]}).encode()
    with pytest.raises(NotAnObject, match="of another type than Kubernetes'"):
        answers.items_in(body)


def test_a_workload_as_it_is_has_no_wrong_field() -> None:
    assert wrong_field(changed("spec", "replicas", 3), "Deployment") == ""


def test_a_cron_job_whose_job_runs_has_no_wrong_field() -> None:
    running = {"apiVersion": "batch/v1", "kind": "Job", "name": "a-1", "namespace": "rucio", "uid": "1"}
    cron_job = {"metadata": {"name": "a"}, "spec": {"schedule": "@daily"}, "status": {"active": [running]}}
    assert wrong_field(cron_job, "CronJobList") == ""


def test_a_lease_of_a_coordinated_election_has_no_wrong_field() -> None:
    spec = {"holderIdentity": "", "preferredHolder": "a", "strategy": "OldestEmulationVersion"}
    assert wrong_field({"metadata": {"name": "a"}, "spec": spec}, "Lease") == ""


def test_what_is_null_is_absent() -> None:
    manifest = changed("spec", "template", "metadata", "creationTimestamp", None)
    manifest["status"]["conditions"] = None
    assert wrong_field(manifest, "Deployment") == ""
    assert "conditions" not in manifest["status"]
    assert "creationTimestamp" not in manifest["spec"]["template"]["metadata"]


def test_fields_that_are_not_read_may_be_anything() -> None:
    assert wrong_field({"metadata": {"name": "a", "later": 5}, "spec": {"novel": [None]}}, "Pod") == ""


_RULES = {"maxUnavailable": "25%", "maxSurge": 1}
_CONDITIONS = [
    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
    {"type": "ReplicaFailure", "status": "True", "message": "m"},
]
_WORKLOAD: dict[str, Any] = json.loads(json.dumps(WORKLOAD))
FULL = {
    **_WORKLOAD,
    "spec": {
        **_WORKLOAD["spec"],
        "paused": False,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": _RULES, "canary": _RULES},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}},
    },
    "status": {
        **_WORKLOAD["status"],
        "phase": "Healthy",
        "message": "m",
        "readyReplicas": 1,
        "desiredNumberScheduled": 1,
        "numberAvailable": 1,
        "updatedNumberScheduled": 1,
        "currentRevision": "a",
        "updateRevision": "b",
        "conditions": _CONDITIONS,
    },
}
"""All fields that the verdict on a workload of any kind reads."""


def paths_in(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from paths_in(part, (*at, key))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(
    "value", [[], {}, "x", "9" * 5000, 10**30, 1.5, True, [[]], [{}], [7], None], ids=lambda v: repr(v)[:9]
)
def test_whatever_a_field_holds_it_is_refused_or_judged(kind: Kind, value: Any) -> None:
    for path in paths_in(FULL):
        manifest = json.loads(json.dumps(FULL))
        at = manifest
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
        body = json.dumps({"kind": f"{kind.name}List", "items": [manifest]}).encode()
        try:
            ((item,), _) = Reply(Call("list", resource_of(kind.name), "rucio"), 200, body).items()
        except NotKubernetes:
            continue
        if kind.has_template(item):
            kind.rollout_status(item)
            kind.allows_no_ready_pod(item)


def test_an_object_of_another_kind_than_was_asked_for_is_none() -> None:
    body = json.dumps({**WORKLOAD, "kind": "Lease"}).encode()
    reply = Reply(Call("get", "deployments.apps", "rucio", "site-policy"), 200, body)
    with pytest.raises(NotKubernetes, match="an object of another kind"):
        reply.stored()
