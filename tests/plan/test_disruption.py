from __future__ import annotations

import pytest

from secretsync.core.model import Manifest
from secretsync.plan.disruption import WouldTakeDown, allows_no_ready_pod, refuse_disruption, workloads_taken_down
from tests.build import workload

RECREATE = {"strategy": {"type": "Recreate"}}


def rolling(**rules: object) -> Manifest:
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": rules}}


@pytest.mark.parametrize(
    ("kind", "spec", "down"),
    [
        ("Deployment", {}, False),
        ("Deployment", RECREATE, True),
        ("Deployment", {**RECREATE, "paused": True}, False),
        ("Deployment", {**RECREATE, "replicas": 0}, False),
        ("Deployment", rolling(maxSurge=1, maxUnavailable=1), True),  # the default of Rucio's charts
        ("Deployment", {**rolling(maxSurge=1, maxUnavailable=1), "replicas": 2}, False),
        ("Deployment", {**rolling(maxSurge=1, maxUnavailable="50%"), "replicas": 3}, False),
        ("Deployment", {**rolling(maxSurge=1, maxUnavailable="100%"), "replicas": 3}, True),
        ("Deployment", rolling(maxSurge=0, maxUnavailable="25%"), True),
        ("StatefulSet", {}, True),
        ("StatefulSet", {"replicas": 2}, False),
        ("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, False),
        ("StatefulSet", {"updateStrategy": {"rollingUpdate": {"partition": 1}}}, False),
        ("DaemonSet", {}, True),
        ("DaemonSet", {"updateStrategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}, False),
    ],
)
def test_a_strategy_tells_whether_a_pod_stays_ready(kind: str, spec: Manifest, down: bool) -> None:
    assert allows_no_ready_pod(workload(kind=kind, spec=spec, status={"desiredNumberScheduled": 1})) is down


def test_a_workload_without_a_ready_pod_loses_nothing() -> None:
    assert workloads_taken_down([workload(spec=RECREATE, status={"availableReplicas": 0})]) == []


def test_what_nobody_has_proven_or_accepted_is_refused_with_the_ways_out() -> None:
    server = workload(spec=RECREATE)
    with pytest.raises(WouldTakeDown, match=r"Deployment rucio/server .*acceptDowntime: \[server\]"):
        refuse_disruption([server], proven=(), accepted=())


def test_what_is_proven_or_accepted_goes_on() -> None:
    server = workload(spec=RECREATE)
    refuse_disruption([server], proven=[server.ref], accepted=())
    refuse_disruption([server], proven=(), accepted=["server"])
