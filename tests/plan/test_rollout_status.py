"""Verdicts from objects alone."""

from __future__ import annotations

import pytest

from secretsync.core.kinds.kind import Cause, State
from secretsync.core.model import Manifest
from secretsync.plan.rollout_status import has_readiness_probe, is_ready, judge, pods_of, status
from tests.build import pod, waiting, workload

STAMP = {"secretsync.rucio/atlas": "1 sha256:x"}


@pytest.mark.parametrize(
    ("spec", "told", "state", "message"),
    [
        ({}, {}, State.CURRENT, "1 of 1 replicas updated"),
        ({"paused": True}, {}, State.PAUSED, "is paused: new pods start when it is resumed"),
        ({}, {"observedGeneration": 0}, State.IN_PROGRESS, "its controller has not seen the change yet"),
        ({"replicas": 3}, {"updatedReplicas": 1}, State.IN_PROGRESS, "1 of 3 replicas updated"),
        ({}, {"replicas": 2}, State.IN_PROGRESS, "1 old pod is still terminating"),
        ({}, {"availableReplicas": 0}, State.IN_PROGRESS, "0 of 1 updated replicas available"),
        (
            {"replicas": 0},
            {"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0},
            State.CURRENT,
            "is scaled to zero: its next pod starts with the new files",
        ),
        (
            {},
            {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]},
            State.FAILED,
            "made no progress within its progressDeadlineSeconds",
        ),
        (
            {},
            {
                "updatedReplicas": 0,
                "conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods"}],
            },
            State.IN_PROGRESS,
            "0 of 1 replicas updated: exceeded quota: pods",
        ),
    ],
)
def test_a_deployment_is_judged_by_its_status(spec: Manifest, told: Manifest, state: State, message: str) -> None:
    verdict = status(workload(spec=spec, status=told))
    assert (verdict.state, verdict.message) == (state, message)


@pytest.mark.parametrize(
    ("spec", "told", "state", "message"),
    [
        ({}, {}, State.CURRENT, "1 of 1 replicas updated"),
        (
            {"updateStrategy": {"type": "OnDelete"}},
            {"updatedReplicas": 0},
            State.ON_DELETE,
            "updates OnDelete: a pod gets the new files when it is deleted",
        ),
        ({}, {"observedGeneration": 0}, State.IN_PROGRESS, "its controller has not seen the change yet"),
        ({"replicas": 3}, {"updatedReplicas": 2}, State.IN_PROGRESS, "2 of 3 replicas updated"),
        (
            {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
            {"updatedReplicas": 1, "availableReplicas": 3},
            State.CURRENT,
            "1 of 3 replicas updated; its partition keeps the rest",
        ),
        (
            {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 5}}},
            {"updatedReplicas": 0, "availableReplicas": 2},
            State.CURRENT,
            "0 of 2 replicas updated; its partition keeps the rest",
        ),
        ({"replicas": 2}, {"updatedReplicas": 2}, State.IN_PROGRESS, "1 of 2 replicas available"),
    ],
)
def test_a_stateful_set_is_judged_by_its_status(spec: Manifest, told: Manifest, state: State, message: str) -> None:
    verdict = status(workload(kind="StatefulSet", spec=spec, status=told))
    assert (verdict.state, verdict.message) == (state, message)


@pytest.mark.parametrize(
    ("spec", "told", "state", "message"),
    [
        (
            {},
            {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2},
            State.CURRENT,
            "2 of 2 replicas updated",
        ),
        (
            {},
            {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1},
            State.IN_PROGRESS,
            "1 of 2 pods updated",
        ),
        (
            {},
            {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1},
            State.IN_PROGRESS,
            "1 of 2 updated pods available",
        ),
        (
            {"updateStrategy": {"type": "OnDelete"}},
            {},
            State.ON_DELETE,
            "updates OnDelete: a pod gets the new files when it is deleted",
        ),
    ],
)
def test_a_daemon_set_is_judged_by_its_status(spec: Manifest, told: Manifest, state: State, message: str) -> None:
    verdict = status(workload(kind="DaemonSet", spec=spec, status=told))
    assert (verdict.state, verdict.message) == (state, message)


def in_progress() -> object:
    return workload("atlas", annotations=STAMP, status={"availableReplicas": 0})


@pytest.mark.parametrize(
    ("containers", "cause", "message"),
    [
        (
            [waiting("CrashLoopBackOff", exit_code=1)],
            Cause.CRASH,
            "pod server-1, container rucio: CrashLoopBackOff (exit code 1)",
        ),
        (
            [waiting("ImagePullBackOff")],
            Cause.IMAGE,
            "pod server-1, container rucio: ImagePullBackOff, its image cannot be pulled",
        ),
        (
            [waiting("CreateContainerConfigError")],
            Cause.OTHER,
            "pod server-1, container rucio: CreateContainerConfigError, "
            "a Secret or ConfigMap that it refers to is missing",
        ),
        (
            [
                {
                    **waiting(""),
                    "state": {"waiting": {"reason": "CreateContainerConfigError", "message": "runs as root"}},
                }
            ],
            Cause.OTHER,
            "pod server-1, container rucio: CreateContainerConfigError, runs as root",
        ),
    ],
)
def test_a_pod_that_will_not_come_up_fails_its_workload_at_once(
    containers: list[Manifest], cause: Cause, message: str
) -> None:
    verdict = judge(in_progress(), [pod(annotations=STAMP, containers=containers)], STAMP)  # type: ignore[arg-type]
    assert (verdict.state, verdict.cause, verdict.message) == (State.FAILED, cause, message)
    assert (verdict.pod, verdict.container) == ("server-1", "rucio")


def test_an_init_container_that_crashes_counts_too() -> None:
    crashing = pod(annotations=STAMP, init=[waiting("CrashLoopBackOff")])
    assert judge(in_progress(), [crashing], STAMP).state is State.FAILED  # type: ignore[arg-type]


def test_an_old_pod_that_crashes_does_not_speak_for_the_new_ones() -> None:
    old = pod(annotations={}, containers=[waiting("CrashLoopBackOff")])
    assert judge(in_progress(), [old], STAMP).state is State.IN_PROGRESS  # type: ignore[arg-type]


def test_a_pod_that_waits_is_named_with_what_it_waits_for() -> None:
    verdict = judge(in_progress(), [pod(annotations=STAMP, containers=[waiting("ContainerCreating")])], STAMP)  # type: ignore[arg-type]
    assert verdict.state is State.IN_PROGRESS
    assert verdict.message == ("0 of 1 updated replicas available; pod server-1, container rucio: ContainerCreating")


def test_a_pod_that_no_node_takes_is_named_with_the_reason() -> None:
    conditions = [{"type": "PodScheduled", "reason": "Unschedulable", "message": "0/3 nodes fit"}]
    verdict = judge(in_progress(), [pod(annotations=STAMP, conditions=conditions)], STAMP)  # type: ignore[arg-type]
    assert (verdict.cause, verdict.state) == (Cause.SCHEDULING, State.IN_PROGRESS)
    assert "cannot be scheduled: 0/3 nodes fit" in verdict.message


def test_a_template_that_somebody_else_changed_is_superseded() -> None:
    assert judge(workload("atlas"), [], STAMP).state is State.SUPERSEDED


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ({"matchLabels": {"app": "server"}}, True),
        ({"matchLabels": {"app": "other"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["server"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["server"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_pods_are_found_as_kubernetes_selects_them(selector: Manifest, found: bool) -> None:
    assert bool(pods_of(workload(spec={"selector": selector}), [pod()])) is found


def test_a_pod_on_its_way_out_does_not_count() -> None:
    ending = pod()
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z"
    assert pods_of(workload(), [ending]) == []


def test_a_workload_has_a_readiness_probe_only_when_each_container_has_one() -> None:
    assert has_readiness_probe(workload(probe=True))
    assert not has_readiness_probe(workload())


def test_a_new_pod_that_runs_and_is_not_ready_is_named_and_may_be_the_packages_fault() -> None:
    hanging = {"name": "rucio", "ready": False, "state": {"running": {}}}
    verdict = judge(in_progress(), [pod(annotations=STAMP, containers=[hanging])], STAMP)  # type: ignore[arg-type]
    assert (verdict.cause, verdict.container) == (Cause.NOT_READY, "rucio")
    assert verdict.message.endswith("pod server-1, container rucio runs and is not ready")


def test_a_package_that_no_pod_has_met_is_not_to_blame() -> None:
    assert judge(in_progress(), [], STAMP).cause is Cause.OTHER  # type: ignore[arg-type]
    creating = pod(annotations=STAMP, containers=[waiting("ContainerCreating")])
    assert judge(in_progress(), [creating], STAMP).cause is Cause.OTHER  # type: ignore[arg-type]


def test_a_progress_deadline_that_passed_while_no_node_took_the_pod_is_the_schedulings_fault() -> None:
    late = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    server = workload("atlas", annotations=STAMP, status={"conditions": late})
    conditions = [{"type": "PodScheduled", "reason": "Unschedulable", "message": "0/3 nodes fit"}]
    verdict = judge(server, [pod(annotations=STAMP, conditions=conditions)], STAMP)
    assert (verdict.state, verdict.cause) == (State.FAILED, Cause.SCHEDULING)


def test_a_container_that_is_ready_is_not_what_a_pod_waits_for() -> None:
    beside = {"name": "sidecar", "ready": True, "state": {"running": {}}}
    hanging = {"name": "rucio", "ready": False, "state": {"running": {}}}
    verdict = judge(in_progress(), [pod(annotations=STAMP, containers=[beside, hanging])], STAMP)  # type: ignore[arg-type]
    assert verdict.container == "rucio"


@pytest.mark.parametrize(
    ("condition", "ready"),
    [(("Ready", "True"), True), (("Ready", "False"), False), (("PodScheduled", "True"), False)],
)
def test_a_pod_is_ready_by_that_condition_alone(condition: tuple[str, str], ready: bool) -> None:
    kind, status = condition
    assert is_ready(pod(conditions=[{"type": kind, "status": status}])) is ready
