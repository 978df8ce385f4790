"""Argo Rollouts' Rollout: its controller's own verdict in secretsync's words, and when it leaves no pod ready."""

from __future__ import annotations

from typing import Any

import pytest

from secretsync.core.kinds.kind import Cause, State
from secretsync.core.kinds.rollout import KIND
from secretsync.core.model import Manifest


def rollout(phase: str = "", observed: str = "4", spec: Manifest | None = None, **status: Any) -> Manifest:
    return {
        "metadata": {"name": "server", "generation": 4},
        "spec": {"replicas": 3, "template": {}, **(spec or {})},
        "status": {"phase": phase, "observedGeneration": observed, **status},
    }


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        ("Healthy", State.CURRENT),
        ("Progressing", State.IN_PROGRESS),
        ("Paused", State.PAUSED),
        ("Degraded", State.FAILED),
        ("", State.IN_PROGRESS),
    ],
)
def test_the_phase_is_the_verdict(phase: str, state: State) -> None:
    assert KIND.rollout_status(rollout(phase)).state is state


@pytest.mark.parametrize("observed", ["3", "", "5d8f7c6b9"])
def test_a_phase_of_an_earlier_generation_says_nothing(observed: str) -> None:
    assert KIND.rollout_status(rollout("Healthy", observed)).state is State.IN_PROGRESS


def test_the_generation_that_was_observed_is_compared_as_a_number() -> None:
    assert KIND.rollout_status(rollout("Healthy", "10")).state is State.CURRENT


def test_a_new_rollout_without_a_status_is_in_progress() -> None:
    assert KIND.rollout_status({"metadata": {"generation": 1}, "spec": {}}).state is State.IN_PROGRESS


def test_its_controllers_message_is_in_the_sentence() -> None:
    verdict = KIND.rollout_status(rollout("Degraded", message="RolloutAborted: the analysis failed"))
    assert verdict.message == "is degraded: RolloutAborted: the analysis failed"
    assert verdict.cause is Cause.NOT_READY


def test_a_specification_that_is_refused_is_not_the_packages_fault() -> None:
    verdict = KIND.rollout_status(rollout("Degraded", conditions=[{"type": "InvalidSpec", "status": "True"}]))
    assert verdict.cause is Cause.OTHER


def test_one_that_somebody_paused_is_not_waited_for() -> None:
    assert KIND.rollout_status(rollout("Progressing", spec={"paused": True})).state is State.PAUSED


@pytest.mark.parametrize(
    ("spec", "down"),
    [
        ({"strategy": {"canary": {}}}, False),
        ({"strategy": {"canary": {"maxUnavailable": "100%"}}}, True),
        ({"strategy": {"canary": {"maxSurge": 0, "maxUnavailable": 1}}, "replicas": 1}, True),
        ({"strategy": {"blueGreen": {}}, "replicas": 1}, False),
        ({"strategy": {"canary": {"maxUnavailable": "100%"}}, "paused": True}, False),
        ({"strategy": {"canary": {"maxUnavailable": "100%"}}, "replicas": 0}, False),
    ],
)
def test_a_strategy_tells_whether_a_pod_stays_ready(spec: Manifest, down: bool) -> None:
    assert KIND.allows_no_ready_pod(rollout(spec=spec)) is down


def test_one_that_refers_to_a_deployment_is_no_workload_of_its_own() -> None:
    referring = {"metadata": {"generation": 1}, "spec": {"workloadRef": {"kind": "Deployment", "name": "server"}}}
    assert not KIND.has_template(referring)
    assert KIND.has_template(rollout())
