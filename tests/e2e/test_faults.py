"""Interrupted is normal: killed at any call, any call spoilt, the API server gone for a while.

A site of its own for each test: two Secrets, a server, two daemons and a StatefulSet in three waves. A walk visits
every twelfth call; with SECRETSYNC_TEST_EVERY_POINT=1 it visits all. Each walk prints how many points there were.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import Run, Site, ended
from tests.servers import api_proxy as faults
from tests.servers import git_http
from tests.servers.api_proxy import Fault, Proxy
from tests.servers.control_plane import ControlPlane
from tests.servers.http import Request

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

STEP = 1 if os.environ.get("SECRETSYNC_TEST_EVERY_POINT") else 12
OURS = {"site-policy", "site-policy-algorithms", "secretsync-state"}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path)
    repository.push(PACKAGE)
    return repository


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, repository: Repository, tmp_path: Path) -> Iterator[Site]:
    """Deployed and current."""
    with git_http.serve(repository.bare.parent) as url:
        site = Site(
            control_plane,
            namespace,
            tmp_path,
            MODULE,
            f"git+{url}/{repository.bare.name}",
            "site-policy",
            imports=(f"{MODULE}.permission", f"{MODULE}.algorithms"),
            settle=0,
            rollout={
                "waves": [{"selector": "app=judge"}, {"selector": "app=rucio-server"}],
                "acceptDowntime": ["hermes"],
            },
        )
        site.add("judge")
        site.add("rucio-server", probe=True)
        site.add("reaper")
        site.add("hermes", "StatefulSet", probe=True)
        first = site.run()
        assert first.code == 0, first
        yield site


def version(number: int) -> dict[str, bytes]:
    """A change to both Secrets."""
    text = f"ALL = {number}\n".encode()
    return {**PACKAGE, "rules.py": text, "algorithms/rules.py": text}


def assert_converged(site: Site, files: Mapping[str, bytes], before: Mapping[str, int], when: str) -> None:
    """Secrets and pods have the new bytes, every workload was restarted once, and nothing is left behind."""
    assert site.live_files() == files, when
    assert site.every_pod_runs(files), when
    assert site.generations() == {name: generation + 1 for name, generation in before.items()}, when
    assert site.names("Job") == set(), when
    assert {name for name in site.names("Secret") if "-history-" not in name} == OURS, when
    assert not site.plane.get("Lease", site.namespace, "secretsync")["spec"].get("holderIdentity"), when
    state = site.plane.cluster.secret(site.namespace, "secretsync-state")
    assert state is not None
    assert json.loads(state.data["state.json"])["packages"]["site-policy"]["finished"], when


def told(walk: str, points: int) -> None:
    """How many points a walk had, for who runs it with ``-s`` or sees it fail."""
    print(f"{walk}: {points} calls, every {STEP}. visited")


@pytest.mark.parametrize("kill", [faults.before, faults.after], ids=["before", "after"])
def test_killed_at_any_call_the_next_run_converges_and_restarts_nothing_more_often_than_needed(
    site: Site,
    repository: Repository,
    proxy: Proxy,
    through_proxy: Path,
    kill: Callable[[Callable[[], object]], Fault],
) -> None:
    for point in itertools.count(1, STEP):
        files = version(point)
        repository.push(files)
        before = site.generations()

        process = site.start("--once", kubeconfig=through_proxy)
        proxy.calls.clear()
        proxy.faults = {point: kill(process.kill)}
        killed = ended(process).code == -signal.SIGKILL
        proxy.faults = {}

        where = f"killed at call {point}"
        if killed:
            healed = site.run()
            assert healed.code == 0, f"{where}, then: {healed}"
        assert_converged(site, files, before, where)
        if not killed:
            told(f"killed {kill.__name__} a call", len(proxy.calls))
            return


FAULTS: dict[str, Fault] = {
    "429": faults.answers(429, retry_after="0"),
    "500": faults.answers(500),
    "500 after it took place": faults.fails_after,
    "reset before it took place": faults.reset_before,
    "reset after it took place": faults.reset_after,
    "half of the answer": faults.truncated,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_with_every_call_answered_wrongly_at_first_the_run_does_the_same(
    site: Site, repository: Repository, proxy: Proxy, through_proxy: Path, fault: Fault
) -> None:
    files = version(1)
    repository.push(files)
    before = site.generations()
    numbers = itertools.count()

    def every_other(request: Request) -> Fault | None:
        return None if next(numbers) % 2 else fault

    proxy.spoils = every_other
    run = site.run(kubeconfig=through_proxy)
    assert run.code == 0, run
    assert_converged(site, files, before, "every call spoilt")


WALKS: dict[str, Fault] = {
    **FAULTS,
    "delayed": faults.delayed(2),
    "repeated": faults.repeated,
}


@pytest.mark.parametrize("name", WALKS if STEP == 1 else ["repeated", "delayed"])
def test_with_any_one_call_spoilt_the_same_run_or_the_next_converges(
    site: Site, repository: Repository, proxy: Proxy, through_proxy: Path, name: str
) -> None:
    for point in itertools.count(1, STEP):
        files = version(point)
        repository.push(files)
        before = site.generations()
        proxy.calls.clear()
        proxy.faults = {point: WALKS[name]}
        run = site.run(kubeconfig=through_proxy)
        proxy.faults = {}

        where = f"call {point} {name}"
        if run.code:
            assert name == "repeated", f"{where}: {run}"  # two takes of one write look like somebody else's
            healed = site.run()
            assert healed.code == 0, f"{where}: {run}, then: {healed}"
        assert_converged(site, files, before, where)
        if len(proxy.calls) < point:
            told(name, len(proxy.calls))
            return


def test_killed_at_any_call_of_a_bad_packages_run_what_was_live_comes_back(
    site: Site, repository: Repository, proxy: Proxy, through_proxy: Path
) -> None:
    """Rollout and undo: whatever is killed, further runs put the very bytes back and leave every pod with them."""
    site = replace(site, check="never")
    for point in itertools.count(1 if STEP == 1 else 40, STEP * 5):
        good = version(point)
        repository.push(good)
        assert site.run().code == 0
        repository.push({**good, "rules.py": f"raise RuntimeError('bad {point}')\n".encode()})

        process = site.start("--once", kubeconfig=through_proxy)
        proxy.calls.clear()
        proxy.faults = {point: faults.before(process.kill)}
        killed = ended(process).code == -signal.SIGKILL
        proxy.faults = {}

        assert_put_back(site, good, site.run() if killed else None, f"killed at call {point}")
        if not killed:
            told("killed in the rollout of a bad package", len(proxy.calls))
            return


def assert_put_back(site: Site, good: Mapping[str, bytes], healed: Run | None, where: str) -> None:
    assert healed is None or healed.code in (0, 4), f"{where}, then: {healed}"
    assert site.live_files() == good, f"{where}, then: {healed}"
    assert site.every_pod_runs(good), f"{where}, then: {healed}"
    quiet = site.run()
    assert quiet.code == 0, f"{where}, then: {quiet}"
    assert "held: " in quiet.out, f"{where}, then: {quiet}"


def test_an_api_server_that_stands_still_for_ten_seconds_in_the_middle_is_waited_for(
    site: Site, repository: Repository, proxy: Proxy, through_proxy: Path
) -> None:
    files = version(1)
    repository.push(files)

    def stands_still(request: Request) -> Fault | None:
        if request.method != "PATCH":
            return None
        proxy.spoils = lambda request: None
        site.plane.signal("apiserver", signal.SIGSTOP)
        threading.Timer(10, site.plane.signal, ("apiserver", signal.SIGCONT)).start()
        return None

    proxy.spoils = stands_still
    run = site.run(kubeconfig=through_proxy)
    assert run.code == 0, run
    assert run.seconds > 10
    assert site.every_pod_runs(files)
