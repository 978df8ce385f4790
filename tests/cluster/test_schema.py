"""What answers in place of an API server gives fields of other types: it is named, and no run ends in a traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest

from secretsync.cluster import answers
from secretsync.cluster.answers import NotAnObject
from secretsync.cluster.connection import Reply
from secretsync.cluster.errors import Call, NotKubernetes
from secretsync.cluster.schema import wrong_field
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
    assert wrong_field(manifest) == f".{field}"
    body = json.dumps({"kind": "DeploymentList", "items": [manifest]}).encode()
    with pytest.raises(NotAnObject, match="of another type than Kubernetes'"):
        answers.items_in(body)


def test_a_workload_as_it_is_has_no_wrong_field() -> None:
    assert wrong_field(changed("spec", "replicas", 3)) == ""


def test_a_cron_job_whose_job_runs_has_no_wrong_field() -> None:
    running = {"apiVersion": "batch/v1", "kind": "Job", "name": "a-1", "namespace": "rucio", "uid": "1"}
    cron_job = {"metadata": {"name": "a"}, "spec": {"schedule": "@daily"}, "status": {"active": [running]}}
    assert wrong_field(cron_job) == ""


def test_what_is_null_is_absent() -> None:
    manifest = changed("spec", "template", "metadata", "creationTimestamp", None)
    manifest["status"]["conditions"] = None
    assert wrong_field(manifest) == ""
    assert "conditions" not in manifest["status"]
    assert "creationTimestamp" not in manifest["spec"]["template"]["metadata"]


def test_fields_that_are_not_read_may_be_anything() -> None:
    assert wrong_field({"metadata": {"name": "a", "later": 5}, "spec": {"novel": [None]}}) == ""


def test_an_object_of_another_kind_than_was_asked_for_is_none() -> None:
    body = json.dumps({**WORKLOAD, "kind": "Lease"}).encode()
    reply = Reply(Call("get", "deployments.apps", "rucio", "site-policy"), 200, body)
    with pytest.raises(NotKubernetes, match="an object of another kind"):
        reply.stored()
