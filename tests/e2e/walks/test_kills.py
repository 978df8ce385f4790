"""Interrupted is normal: killed at any call, the next run goes on."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.repository import Repository
from tests.e2e.site import Run, Site, ended
from tests.e2e.walks.promise import STEP, assert_converged, assert_turn_ended, told, version
from tests.servers import api_proxy as faults
from tests.servers.api_proxy import Fault, Proxy

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]


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
        if not killed:  # with all done but the Lease given back, the next run writes nothing, and the Lease expires
            assert_turn_ended(site, where)
            told(f"killed {kill.__name__} a call", len(proxy.calls))
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
    assert "rejected: " in quiet.out, f"{where}, then: {quiet}"
