"""Others are at work in the namespace: what they do is told, and not fought."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.repository import PACKAGE, Repository
from tests.e2e.scenarios.promises import GOOD, deployed, imported_by, restarts_since, with_timeout
from tests.e2e.site import Site, ended, until
from tests.on_demand import ON_DEMAND
from tests.servers import api_proxy as faults
from tests.servers.api_proxy import Fault, Proxy
from tests.servers.http import Request

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]


def test_each_workload_is_reported_for_what_it_is(empty_site: Site, repository: Repository) -> None:
    empty_site.add("judge")
    empty_site.add("paused")
    empty_site.add("zero", replicas=0)
    empty_site.add("by-hand", "StatefulSet", spec={"updateStrategy": {"type": "OnDelete"}})
    empty_site.add("everywhere", "DaemonSet")
    site = deployed(empty_site)
    before = site.generations()
    live = site.plane.get("Deployment", site.namespace, "paused")
    live["spec"]["paused"] = True
    site.plane.put(live)

    repository.push(GOOD)
    run = site.run()
    assert run.code == 0, run
    told = " ".join(run.out.split())
    assert "paused: Deployment paused: is paused: new pods start when it is resumed" in told
    assert "on delete: StatefulSet by-hand: updates OnDelete: a pod gets the new files when it is deleted" in told
    assert restarts_since(site, before) == {"judge": 1, "paused": 2, "zero": 1, "by-hand": 1, "everywhere": 1}
    assert imported_by(site, "everywhere") == imported_by(site, "judge")
    assert imported_by(site, "paused") != imported_by(site, "judge")


def test_a_quota_that_stops_new_pods_rejects_nothing_and_the_next_run_goes_on(
    site: Site, repository: Repository
) -> None:
    before = site.generations()
    pods = len(site.pods())
    quota = {"metadata": {"name": "few", "namespace": site.namespace}, "spec": {"hard": {"pods": str(pods)}}}
    site.plane.put({"apiVersion": "v1", "kind": "ResourceQuota", **quota})
    repository.push(GOOD)
    run = with_timeout(site, 8).run()
    assert run.code == 4, run
    assert "quota" in run.out
    assert site.live_files() == GOOD

    site.plane.remove("ResourceQuota", site.namespace, "few")
    done = site.run()
    assert done.code == 0, done
    assert site.every_pod_runs(GOOD)
    assert restarts_since(site, before) == {"judge": 1, "rucio-server": 1, "reaper": 1}


def test_a_policy_that_denies_one_restart_is_named_and_when_it_goes_the_next_run_ends_the_work(
    site: Site, repository: Repository
) -> None:
    before = site.generations()
    repository.push(GOOD)
    with denying(site, "reaper"):
        run = site.run()
    assert run.code == 4, run
    assert "hands off" in run.out
    assert site.live_files() == GOOD

    done = site.run()
    assert done.code == 0, done
    assert site.every_pod_runs(GOOD)
    assert restarts_since(site, before) == {"judge": 1, "rucio-server": 1, "reaper": 1}


@contextmanager
def denying(site: Site, name: str) -> Iterator[None]:
    """An admission policy lets nobody change one Deployment."""
    policy = f"deny-{site.namespace}"
    group = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": policy}}
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}
    site.plane.put(
        {
            **group,
            "kind": "ValidatingAdmissionPolicy",
            "spec": {
                "matchConstraints": {"resourceRules": [rule]},
                "matchConditions": [
                    {"name": "it", "expression": f"object.metadata.name == '{name}'"},
                    {"name": "here", "expression": f"object.metadata.namespace == '{site.namespace}'"},
                ],
                "validations": [{"expression": "false", "message": "hands off"}],
            },
        }
    )
    binding = {"policyName": policy, "validationActions": ["Deny"]}
    site.plane.put({**group, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding})

    def admitted() -> bool:
        return site.plane.admits("Deployment", site.namespace, name)

    try:
        until(lambda: not admitted(), "the policy holds")
        yield
    finally:
        site.plane.remove("ValidatingAdmissionPolicyBinding", "", policy)
        site.plane.remove("ValidatingAdmissionPolicy", "", policy)
        until(admitted, "the policy has gone")


def test_somebody_elses_rollout_in_the_middle_is_superseded_and_not_fought(
    site: Site, repository: Repository, proxy: Proxy, through_proxy: Path
) -> None:
    mine = site.add("rucio-ui", probe=True)
    assert site.run().code == 0
    mine["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "RUCIO_UI_COLOUR", "value": "blue"})

    def another_rollout(request: Request) -> Fault | None:
        """Right after our restart its owner rolls out a template of its own, without our annotation."""
        if request.method != "PATCH" or "/rucio-ui" not in request.path:
            return None
        return lambda forward: (forward(), site.plane.put(mine))[0]

    repository.push(GOOD)
    proxy.spoils = another_rollout
    run = site.run(kubeconfig=through_proxy)
    assert run.code == 0, run
    assert "superseded: Deployment rucio-ui" in " ".join(run.out.split())

    mark = site.plane.audit_mark()
    again = site.run()
    assert again.code == 0, again
    assert "it is not restarted again" in " ".join(again.out.split())
    assert not [call for call in site.plane.calls_since(mark, site.namespace) if call.writes]
    until(lambda: site.every_pod_runs(GOOD), "the owner's rollout took the new files")


def test_an_owner_that_replaces_the_deployment_all_the_time_is_told_once_and_not_fought(
    site: Site, repository: Repository
) -> None:
    mine = site.add("rucio-ui", probe=True)
    assert site.run().code == 0
    repository.push(GOOD)
    over = threading.Event()

    def replaces() -> None:
        while not over.wait(2):
            site.plane.put(mine)

    owner = threading.Thread(target=replaces)
    owner.start()
    try:
        mark = site.plane.audit_mark()
        runs = [site.run(), site.run(), site.run()]
    finally:
        over.set()
        owner.join()
    assert [run.code for run in runs] == [0, 0, 0], runs
    calls = site.plane.calls_since(mark, site.namespace)
    # a stamp that comes while the owner writes is refused as a conflict, and sent again
    patches = [call for call in calls if call.verb == "patch" and call.status == 200]
    assert sorted(call.name for call in patches) == ["judge", "reaper", "rucio-server", "rucio-ui"]
    assert " ".join(runs[2].out.split()).count("it is not restarted again") == 1


@ON_DEMAND
def test_a_rollback_to_the_bundle_before_the_last_needs_no_git_server(empty_site: Site, repository: Repository) -> None:
    empty_site.add("judge")
    site = deployed(empty_site)
    first = {**PACKAGE, "rules.py": b"ALL = 'first'\n"}
    for files in (first, GOOD, {**PACKAGE, "rules.py": b"ALL = 'last'\n"}):
        repository.push(files)
        assert site.run().code == 0

    away = replace(site, requirement="git+http://127.0.0.1:9/policy.git")
    listed = ended(away.start("history"))
    assert listed.code == 0, listed
    back = ended(away.start("rollback", "2"))
    assert back.code == 0, back
    assert site.live_files() == first
    assert site.every_pod_runs(first)

    held = away.run()
    assert held.code == 0, held
    assert "rolled back to revision" in " ".join(held.out.split())
    assert ended(away.start("release")).code == 0
    assert site.run().code == 0
    assert site.live_files()["rules.py"] == b"ALL = 'last'\n"


def test_pods_that_started_between_a_hand_edit_and_its_repair_are_replaced(site: Site) -> None:
    before = site.generations()
    edited = site.plane.get("Secret", site.namespace, "site-policy")
    edited["data"]["rules.py"] = "QUxMID0gJ2J5IGhhbmQnCg=="
    site.plane.put(edited)
    judge = next(pod for pod in site.pods() if pod["metadata"]["labels"]["app"] == "judge")
    site.plane.remove("Pod", site.namespace, judge["metadata"]["name"])
    until(lambda: not site.every_pod_runs(PACKAGE), "a pod has read what was edited by hand")

    repaired = site.run()
    assert repaired.code == 0, repaired
    assert site.live_files() == PACKAGE
    assert site.every_pod_runs(PACKAGE)
    assert restarts_since(site, before) == {"judge": 1, "rucio-server": 1, "reaper": 1}


@ON_DEMAND
def test_an_api_that_goes_away_for_good_ends_the_run_in_words_and_the_next_run_ends_the_work(
    site: Site, repository: Repository, proxy: Proxy, through_proxy: Path
) -> None:
    before = site.generations()
    repository.push(GOOD)

    def gone_after_the_first_restart(request: Request) -> Fault | None:
        if request.method != "PATCH":
            return None
        proxy.spoils = lambda request: faults.reset_before
        return None

    proxy.spoils = gone_after_the_first_restart
    run = with_timeout(site, 10).run(kubeconfig=through_proxy)
    assert run.code in (1, 4), run
    assert "Traceback" not in run.log
    assert proxy.url.removeprefix("https://") in run.log + run.out, run

    done = site.run()
    assert done.code == 0, done
    assert site.every_pod_runs(GOOD)
    assert restarts_since(site, before) == {"judge": 1, "rucio-server": 1, "reaper": 1}
