"""Whatever is in a package, no site goes down: a verdict for each workload, and a bad package undoes itself.

Check and canary are off here, so that the rollout alone has to cope. A site of its own for each test.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.readiness import never_below_what_the_strategy_allows
from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import Run, Site, ended, until
from tests.servers import git_http
from tests.servers.api_proxy import Fault, Proxy
from tests.servers.control_plane import ControlPlane
from tests.servers.http import Request

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

SYNTAX_ERROR = {**PACKAGE, "rules.py": b"def all(:\n"}
HANGS = {**PACKAGE, "rules.py": b"import time\ntime.sleep(1e6)\n"}
GOOD = {**PACKAGE, "rules.py": b"ALL = False\n"}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path)
    repository.push(PACKAGE)
    return repository


@pytest.fixture
def empty_site(control_plane: ControlPlane, namespace: str, repository: Repository, tmp_path: Path) -> Iterator[Site]:
    with git_http.serve(repository.bare.parent) as url:
        yield Site(
            control_plane,
            namespace,
            tmp_path,
            MODULE,
            f"git+{url}/{repository.bare.name}",
            "site-policy",
            imports=(f"{MODULE}.permission", f"{MODULE}.algorithms"),
            settle=1,
            check="never",
            rollout={
                "canary": "off",
                "waves": [{"selector": "app=judge"}, {"selector": "app=rucio-server"}],
                "acceptDowntime": ["hermes", "everywhere"],
            },
        )


@pytest.fixture
def site(empty_site: Site) -> Site:
    """A daemon, then a server of two, then another daemon; deployed and current."""
    empty_site.add("judge")
    empty_site.add("rucio-server", replicas=2, probe=True)
    empty_site.add("reaper", probe=True)
    return deployed(empty_site)


def deployed(site: Site) -> Site:
    first = site.run()
    assert first.code == 0, first
    until(lambda: site.every_pod_runs(PACKAGE), "every pod runs the package")
    return site


def with_timeout(site: Site, seconds: float, **more: Any) -> Site:
    return replace(site, rollout={**site.rollout, "timeout": seconds, **more})


def only_in(role: str, statement: str) -> dict[str, bytes]:
    """A package that does *statement* in one workload alone."""
    text = f"import os, time\nif os.environ['SITE_ROLE'] == '{role}':\n    {statement}\nALL = 'again'\n"
    return {**PACKAGE, "rules.py": text.encode()}


def assert_undone(site: Site, run: Run) -> None:
    """The very bytes are back, every pod runs them, and the next run leaves the rejected digest alone."""
    assert run.code == 4, run
    assert "What was live before was put back" in " ".join(run.out.split()), run
    assert site.live_files() == PACKAGE
    until(lambda: site.every_pod_runs(PACKAGE), "every pod runs what was live before")
    assert_held(site)


def assert_held(site: Site) -> None:
    mark = site.plane.audit_mark()
    held = site.run()
    assert held.code == 0, held
    assert "held: " in held.out
    assert "was rejected" in " ".join(held.out.split())
    assert not [call for call in site.plane.calls_since(mark, site.namespace) if call.writes]


def restarts_since(site: Site, before: Mapping[str, int]) -> dict[str, int]:
    return {name: generation - before[name] for name, generation in site.generations().items()}


def test_a_syntax_error_meets_one_daemon_is_undone_held_and_released_by_a_new_commit(
    site: Site, repository: Repository
) -> None:
    before = site.generations()
    repository.push(SYNTAX_ERROR)
    with never_below_what_the_strategy_allows(site, "rucio-server", "reaper"):
        run = site.run()
        assert_undone(site, run)
    assert "SyntaxError" in run.out
    assert restarts_since(site, before) == {"judge": 2, "rucio-server": 1, "reaper": 1}

    repository.push(GOOD)
    healed = site.run()
    assert healed.code == 0, healed
    assert "held" not in healed.out
    assert site.every_pod_runs(GOOD)


def test_an_import_that_hangs_times_out_and_is_undone(site: Site, repository: Repository) -> None:
    repository.push(HANGS)
    with never_below_what_the_strategy_allows(site, "rucio-server", "reaper"):
        run = with_timeout(site, 15).run()
        assert_undone(site, run)
    assert "timed out" in run.out


def test_a_crash_in_the_second_wave_alone_is_undone_in_the_first_too(site: Site, repository: Repository) -> None:
    before = site.generations()
    repository.push(only_in("rucio-server", "raise RuntimeError('not on a server')"))
    with never_below_what_the_strategy_allows(site, "rucio-server", "reaper"):
        run = site.run()
        assert_undone(site, run)
    assert "RuntimeError: not on a server" in run.out
    assert restarts_since(site, before) == {"judge": 2, "rucio-server": 2, "reaper": 1}


def test_a_daemon_that_was_broken_before_goes_last_and_decides_nothing(
    empty_site: Site, repository: Repository
) -> None:
    broken = empty_site.add("broken", imports=["nothing_of_that_name"])
    site = replace(empty_site, rollout={**empty_site.rollout, "timeout": 30})
    site.add("judge")
    site.add("rucio-server", replicas=2, probe=True)
    assert site.run().code == 4
    until(lambda: is_down(site, broken), "the broken daemon is seen to be down")

    repository.push(GOOD)
    run = site.run()
    assert run.code == 0, run
    assert "as it was not current before the run: Deployment broken" in " ".join(run.out.split())
    assert site.live_files() == GOOD

    repository.push(only_in("rucio-server", "raise RuntimeError('bad')"))
    undone = site.run()
    assert undone.code == 4, undone
    assert "What was live before was put back" in " ".join(undone.out.split()), undone
    assert site.live_files() == GOOD
    assert_held(site)


def is_down(site: Site, workload: Mapping[str, Any]) -> bool:
    live = site.plane.get(workload["kind"], site.namespace, workload["metadata"]["name"])
    return not live["status"].get("availableReplicas")


def test_a_stateful_set_whose_pod_hangs_is_freed_by_the_undo(empty_site: Site, repository: Repository) -> None:
    empty_site.add("hermes", "StatefulSet", replicas=2, probe=True)
    site = with_timeout(deployed(empty_site), 12)
    repository.push(HANGS)
    run = site.run()
    assert_undone(site, run)


def test_a_stateful_set_that_hung_in_a_run_that_was_stopped_takes_the_next_commit(
    empty_site: Site, repository: Repository
) -> None:
    empty_site.add("hermes", "StatefulSet", probe=True)
    site = with_timeout(deployed(empty_site), 12, onFailure="stop")
    repository.push(HANGS)
    assert site.run().code == 4
    repository.push(GOOD)
    healed = site.run()
    assert healed.code == 0, healed
    assert site.every_pod_runs(GOOD)


def test_each_workload_is_reported_for_what_it_is(empty_site: Site, repository: Repository) -> None:
    empty_site.add("judge")
    paused = empty_site.add("paused")
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
    assert imported_by(site, "everywhere") == imported_by(site, "judge") != imported_by(site, paused_name(paused))


def paused_name(workload: Mapping[str, Any]) -> str:
    name: str = workload["metadata"]["name"]
    return name


def imported_by(site: Site, name: str) -> list[dict[str, str]]:
    return [found for pod, found in site.imported().items() if pod.startswith(name)]


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
    time.sleep(3)  # until the API server has compiled it
    try:
        yield
    finally:
        site.plane.remove("ValidatingAdmissionPolicyBinding", "", policy)
        site.plane.remove("ValidatingAdmissionPolicy", "", policy)
        time.sleep(3)


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
    patches = [call for call in site.plane.calls_since(mark, site.namespace) if call.verb == "patch"]
    assert sorted(call.name for call in patches) == ["judge", "reaper", "rucio-server", "rucio-ui"]
    assert " ".join(runs[2].out.split()).count("it is not restarted again") == 1


def test_a_rollback_to_the_bundle_before_the_last_needs_no_git_server(
    control_plane: ControlPlane, empty_site: Site, repository: Repository
) -> None:
    empty_site.add("judge")
    site = deployed(empty_site)
    first = {**PACKAGE, "rules.py": b"ALL = 'first'\n"}
    for files in (first, GOOD, {**PACKAGE, "rules.py": b"ALL = 'last'\n"}):
        commit = repository.push(files)
        assert site.run().code == 0
    assert commit

    away = replace(site, requirement="git+http://127.0.0.1:9/policy.git")
    listed = ended(away.start("history"))
    assert listed.code == 0, listed
    before_the_last = listed.out.splitlines()[2].split()[0]
    back = ended(away.start("rollback", before_the_last))
    assert back.code == 0, back
    assert site.live_files() == first
    assert site.every_pod_runs(first)

    held = away.run()
    assert held.code == 0, held
    assert "rolled back by hand" in " ".join(held.out.split())
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
