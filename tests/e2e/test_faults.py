"""Interrupted is normal: killed at any call, answered wrongly at every call, the API server gone for a while.

A site of its own for each test, with a server and three daemons; SECRETSYNC_TEST_EVERY_POINT=1 walks over all crash
points, otherwise it is every sixth.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import Site, ended
from tests.servers import api_proxy as faults
from tests.servers import git_http
from tests.servers.api_proxy import Fault, Proxy
from tests.servers.control_plane import ControlPlane
from tests.servers.http import Request

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

STEP = 1 if os.environ.get("SECRETSYNC_TEST_EVERY_POINT") else 12


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path)
    repository.push(PACKAGE)
    return repository


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, repository: Repository, tmp_path: Path) -> Iterator[Site]:
    """Deployed and current."""
    with git_http.serve(repository.bare.parent) as url:
        requirement = f"git+{url}/{repository.bare.name}"
        imports = (f"{MODULE}.permission", f"{MODULE}.algorithms")
        site = Site(control_plane, namespace, tmp_path, MODULE, requirement, "site-policy", imports=imports, settle=0)
        site.add_server_and_daemons(3)
        first = site.run()
        assert first.code == 0, first
        yield site


def version(number: int) -> dict[str, bytes]:
    """A change to both Secrets."""
    text = f"ALL = {number}\n".encode()
    return {**PACKAGE, "rules.py": text, "algorithms/rules.py": text}


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

        healed = site.run()
        assert healed.code == 0, f"killed at call {point}, then: {healed}"
        assert site.live_files() == files, f"killed at call {point}"
        assert site.every_pod_runs(files), f"killed at call {point}"
        assert site.generations() == {name: generation + 1 for name, generation in before.items()}, (
            f"killed at call {point}"
        )
        if not killed:
            return


FAULTS = {
    "429": faults.answers(429, retry_after="0"),
    "500": faults.answers(500),
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
    assert site.live_files() == files
    assert site.every_pod_runs(files)
    assert site.generations() == {name: generation + 1 for name, generation in before.items()}


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
