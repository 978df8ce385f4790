"""What mounts a package and is no workload of the target is named with its owner."""

from __future__ import annotations

from typing import Any

import pytest

from secretsync.core.model import Manifest
from secretsync.plan.not_restarted import find_not_restarted, sentences
from secretsync.plan.plan import Live, make_plan
from secretsync.plan.state import State
from tests.build import desired, workload

SPEC = workload("atlas").template["spec"]
MISWIRED: Manifest = {**SPEC, "containers": [{**SPEC["containers"][0], "env": []}]}


def made(kind: str, name: str, *, by: tuple[str, str] | None = None, spec: Manifest = SPEC, **status: Any) -> Manifest:
    metadata: Manifest = {"name": name, "namespace": "rucio"}
    if by:
        metadata["ownerReferences"] = [{"kind": by[0], "name": by[1], "controller": True}]
    template = {"template": {"spec": spec}}
    specs = {"Pod": spec, "CronJob": {"jobTemplate": {"spec": template}}}
    return {"kind": kind, "metadata": metadata, "spec": specs.get(kind, template), "status": status}


def owners(*manifests: Manifest) -> list[str]:
    return [str(one.ref) for one in find_not_restarted(manifests, [workload("atlas", name="server")], {"atlas"})]


@pytest.mark.parametrize(
    ("manifests", "owner"),
    [
        ([made("Pod", "debug", phase="Running")], "Pod rucio/debug"),
        ([made("ReplicaSet", "old"), made("Pod", "old-1", by=("ReplicaSet", "old"))], "ReplicaSet rucio/old"),
        ([made("Job", "load"), made("Pod", "load-1", by=("Job", "load"))], "Job rucio/load"),
        (
            [
                made("CronJob", "sync"),
                made("Job", "sync-1", by=("CronJob", "sync")),
                made("Pod", "p", by=("Job", "sync-1")),
            ],
            "CronJob rucio/sync",
        ),
        ([made("Pod", "w-0", by=("Workspace", "w"))], "Workspace rucio/w"),
        (
            [made("ReplicaSet", "ui-6f", by=("Deployment", "ui")), made("Pod", "ui-1", by=("ReplicaSet", "ui-6f"))],
            "Deployment rucio/ui",
        ),
    ],
    ids=["bare pod", "bare ReplicaSet", "Job", "CronJob", "unknown kind", "Deployment not selected"],
)
def test_the_last_controller_of_the_chain_is_named_once(manifests: list[Manifest], owner: str) -> None:
    assert owners(*manifests) == [owner]


def test_a_pod_of_openshift_belongs_to_its_deployment_config() -> None:
    pod = made("Pod", "judge-3-x", by=("ReplicationController", "judge-3"))
    pod["metadata"]["annotations"] = {"openshift.io/deployment-config.name": "judge"}
    assert owners(pod) == ["DeploymentConfig rucio/judge"]


@pytest.mark.parametrize(
    "manifests",
    [
        [
            made("ReplicaSet", "server-6f", by=("Deployment", "server")),
            made("Pod", "x", by=("ReplicaSet", "server-6f")),
        ],
        [made("Pod", "done", phase="Succeeded")],
        [made("Job", "done", conditions=[{"type": "Complete", "status": "True"}])],
        [made("Pod", "another", spec={"containers": [], "volumes": [{"name": "v", "secret": {"secretName": "x"}}]})],
        [made("ControllerRevision", "server-7")],
    ],
    ids=["a workload's own", "ended pod", "ended Job", "mounts something else", "ControllerRevision"],
)
def test_nothing_is_said_of_what_needs_no_restart(manifests: list[Manifest]) -> None:
    assert owners(*manifests) == []


def test_owners_that_own_each_other_end_the_search() -> None:
    assert len(owners(made("Job", "a", by=("Job", "b")), made("Job", "b", by=("Job", "a")))) >= 1


def test_a_plan_names_them_and_judges_the_template_of_a_cron_job() -> None:
    beside = [made("CronJob", "sync", spec=MISWIRED), made("Pod", "debug", phase="Running")]
    plan = make_plan([desired({"__init__.py": ""})], Live({}, [], spawners=beside), State())
    assert [one.workload.kind for one in plan.not_in_force] == ["CronJob"]
    assert not any("no workload in namespace" in note for note in plan.notes)
    assert any("CronJob rucio/sync: the next pod of a CronJob starts with the new files" in one for one in plan.notes)
    assert any("Pod rucio/debug: this is no Deployment" in note for note in plan.notes)


def test_many_of_one_kind_are_one_line() -> None:
    beside = [made("Job", f"load-{number}") for number in range(9)]
    (line,) = sentences(find_not_restarted(beside, [], {"atlas"}))
    assert "and 6 more" in line
