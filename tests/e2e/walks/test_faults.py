"""Faults are normal: any call spoilt, the API server gone for a while."""

from __future__ import annotations

import itertools
import signal
import threading
from pathlib import Path

import pytest

from tests.e2e.repository import Repository
from tests.e2e.site import Site
from tests.e2e.walks.promise import STEP, assert_converged, assert_turn_ended, told, version
from tests.servers import api_proxy as faults
from tests.servers.api_proxy import Fault, Proxy
from tests.servers.http import Request

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

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
    assert_turn_ended(site, "every call spoilt")


WALKS: dict[str, Fault] = {
    **FAULTS,
    "delayed": faults.delayed(2),
    "repeated": faults.repeated,
}


@pytest.mark.parametrize("name", WALKS if STEP == 1 else ["repeated"])
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
        assert_turn_ended(site, where)
        if len(proxy.calls) < point:
            told(name, len(proxy.calls))
            return


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
