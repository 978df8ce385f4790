"""What a cluster runs of what git has: told by its workloads, the gate that asks them, and the rights that takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from secretsync.core.model import Manifest, Placement, Ref, Workload
from secretsync.operations.permissions import observing_rules
from secretsync.operations.status import status
from secretsync.reconcile import factory
from secretsync.reconcile.destination import After, Destination
from secretsync.reconcile.gates import still_waits_for
from secretsync.reconcile.observed import current_since, lag, running
from secretsync.reconcile.reconciler import preview, sync
from tests.cluster.repository.site import Site
from tests.memory_cluster import MemoryCluster

DIGEST, OTHER = "0123456789ab" + "c" * 52, "ba9876543210" + "d" * 52
WIRED = Placement("secretsync", "rucio", "site-policy", "site_policy", wired=True)
NAMED = replace(WIRED, wired=False)
BEGAN = "2026-01-01T06:00:00Z"


def workload(secret: str, *, stamp: str = "", ready: int = 1) -> Workload:
    template: dict[str, Any] = {
        "metadata": {"labels": {"app": "judge"}},
        "spec": {"volumes": [{"name": "policy", "secret": {"secretName": secret}}]},
    }
    if stamp:
        template["metadata"]["annotations"] = {"secretsync.rucio/site-policy": stamp}
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready}
    manifest = {
        "kind": "Deployment",
        "metadata": {"name": "judge", "namespace": "rucio", "generation": 1},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "judge"}}, "template": template},
        "status": {**status, "availableReplicas": ready},
    }
    return Workload(Ref("Deployment", "rucio", "judge"), manifest)


def replica_set(secret: str, created: str) -> Manifest:
    owner = {"kind": "Deployment", "name": "judge"}
    metadata = {"name": "judge-1", "namespace": "rucio", "creationTimestamp": created, "ownerReferences": [owner]}
    template = workload(secret).template
    return {"kind": "ReplicaSet", "metadata": metadata, "spec": {"template": template}}


@pytest.mark.parametrize(
    ("placement", "mounted", "stamp", "why"),
    [
        (WIRED, "site-policy-0123456789ab", "", ""),
        (WIRED, "site-policy-0123456789ab-algorithms", "", ""),
        (WIRED, "site-policy-0123456789ab.zip", "", ""),
        (WIRED, "site-policy-ba9876543210", "", "Deployment rucio/judge has other content"),
        (WIRED, "site-policy", "", "Deployment rucio/judge has other content"),
        (NAMED, "site-policy", f"3 sha256:{DIGEST}", ""),
        (NAMED, "site-policy", f"3 sha256:{OTHER}", "Deployment rucio/judge has other content"),
        (NAMED, "site-policy", "", "Deployment rucio/judge has other content"),
        (NAMED, "gridca", "", "no workload of it mounts the package"),
    ],
)
def test_a_workload_tells_by_name_or_stamp_what_it_runs(
    placement: Placement, mounted: str, stamp: str, why: str
) -> None:
    assert lag(running([workload(mounted, stamp=stamp)], placement), DIGEST) == why


def test_new_content_whose_pods_are_not_ready_is_not_current() -> None:
    assert "Deployment rucio/judge, " in lag(running([workload("site-policy-0123456789ab", ready=0)], WIRED), DIGEST)


def test_it_is_current_since_the_replica_set_with_that_secret_was_made() -> None:
    found = running([workload("site-policy-0123456789ab")], WIRED)
    cluster = MemoryCluster()
    cluster.others = [
        replica_set("site-policy-ba9876543210", "2025-01-01T00:00:00Z"),
        replica_set("site-policy-0123456789ab", BEGAN),
    ]
    assert current_since(cluster, "rucio", found) == datetime.fromisoformat(BEGAN)
    cluster.others = []
    assert current_since(cluster, "rucio", found) is None


def test_looking_at_a_cluster_takes_no_right_but_to_list_and_none_to_secrets() -> None:
    rules = observing_rules()
    assert {verb for rule in rules for verb in rule.verbs} == {"list"}
    assert "secrets" not in {resource for rule in rules for resource in rule.resources}


@pytest.fixture
def testbed(tmp_path: Path) -> tuple[Site, MemoryCluster]:
    """A target in git whose content was pushed, and the cluster that has yet to run it."""
    site = Site(tmp_path)
    site.sync()
    return site, MemoryCluster()


def _destination(site: Site, cluster: MemoryCluster | None) -> Destination:
    (destination,) = factory.destinations(site.configuration, site.folder)
    return replace(destination, name="testbed", observed=cluster)


def _live_name(site: Site) -> str:
    path = next(one for one in site.files() if "/secret-site-policy-" in one)
    return Path(path).name.removeprefix("secret-").removesuffix(".yaml")


@pytest.mark.slow
def test_status_says_what_git_has_and_which_workload_lags(testbed: tuple[Site, MemoryCluster]) -> None:
    site, cluster = testbed
    old = workload("site-policy-ba9876543210")
    cluster.live_workloads = {old.ref: old}
    (deployed,) = status(_destination(site, cluster))
    assert deployed.revision_number == 1
    (_, rollout) = deployed.workloads[old.ref]
    assert rollout.message == "mounts site-policy-ba9876543210, not what git has"
    new = workload(_live_name(site))
    cluster.live_workloads = {new.ref: new}
    (deployed,) = status(_destination(site, cluster))
    assert deployed.workloads[new.ref][0] == 1
    assert {verb for verb, _ in cluster.calls} == {"list"}


@pytest.mark.slow
def test_what_goes_after_a_target_in_git_waits_until_the_cluster_runs_it(testbed: tuple[Site, MemoryCluster]) -> None:
    site, cluster = testbed
    later = replace(_destination(site, None), cluster=MemoryCluster(), values=())
    digest = preview(later).plan.packages[0].desired.bundle.digest
    now = datetime.fromisoformat(BEGAN) + timedelta(hours=2)

    def why(observed: MemoryCluster | None, seconds: float = 0) -> str:
        waiting = replace(later, after=After(_destination(site, observed), seconds))
        return still_waits_for(waiting, waiting.deliveries[0], digest, now)

    assert "observe: {context: …}" in why(None)
    assert "no workload of it mounts the package" in why(cluster)
    name = _live_name(site)
    new = workload(name)
    cluster.live_workloads, cluster.others = {new.ref: new}, [replica_set(name, BEGAN)]
    assert why(cluster) == ""
    assert "1 h left" in why(cluster, 3 * 3600)
    assert why(cluster, 3600) == ""


@pytest.mark.slow
def test_labels_of_a_target_do_not_keep_its_commit_from_being_made(tmp_path: Path) -> None:
    site = Site(tmp_path)
    (target,) = site.configuration.targets
    configuration = site.configuration.model_copy(
        update={"targets": (target.model_copy(update={"labels": {"owner": "dpb"}}),)}
    )
    (destination,) = factory.destinations(configuration, site.folder)
    report = sync(destination)
    assert report.proposal
    assert report.proposal.state == "pushed"
