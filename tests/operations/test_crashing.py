"""Pods that crash long after a rollout: what is said of them by each command that looks."""

from __future__ import annotations

import pytest

from secretsync.cli.output.describe import describe_pass
from secretsync.cli.output.status import describe_status
from secretsync.core.kinds.kind import State
from secretsync.operations.doctor import diagnose
from secretsync.operations.status import status
from tests.reconcile.test_reconciler import Site

CRASHING = {"name": "rucio", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}


@pytest.fixture
def site() -> Site:
    """The package is deployed and the rollout was complete; then the server's pods crash."""
    site = Site("server", "daemon")
    site.sync()
    for ref, workload in site.cluster.live_workloads.items():
        if ref.name == "server":
            workload.manifest["status"]["availableReplicas"] = 0
    for pod in site.cluster.live_pods:
        if pod["metadata"]["name"] == "server-1":
            pod["status"]["containerStatuses"] = [CRASHING]
    return site


def test_a_pass_with_nothing_to_do_does_not_count_it_among_the_current_ones(site: Site) -> None:
    report = site.sync()
    target = describe_pass(report, dry_run=False)
    assert report.plan.idle
    assert target.summary == "up to date: 1 Secret, 1/2 workloads (1 not current)"
    assert any("Deployment rucio/server is not current: 0 of 1" in warning for warning in target.warnings)


def test_status_says_that_they_crash_and_calls_the_package_failing(site: Site) -> None:
    (deployed,) = status(site.destination)
    server = next(found for ref, (_, found) in deployed.workloads.items() if ref.name == "server")
    assert (server.state, "CrashLoopBackOff" in server.message) == (State.FAILED, True)
    assert describe_status("here", [deployed]).packages[0].status == "failing"


def test_doctor_names_them_though_all_conditions_hold(site: Site) -> None:
    failing = diagnose(site.destination).failing
    assert [ref.name for ref in failing] == ["server"]
