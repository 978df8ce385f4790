"""Two processes of the long-running form on a real control plane: one leads, both can be asked for a pass."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.e2e.long_running import SECRET, started
from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import Site, until
from tests.on_demand import ON_DEMAND
from tests.servers import git_http
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

SECOND = {**PACKAGE, "rules.py": b"ALL = 'second'\n"}
THIRD = {**PACKAGE, "rules.py": b"ALL = 'third'\n"}


@pytest.mark.parametrize(
    "between_passes",
    [pytest.param(True, id="between two passes"), pytest.param(False, id="in a rollout", marks=ON_DEMAND)],
)
def test_no_push_is_lost_or_done_twice_when_the_leader_is_killed(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, between_passes: bool
) -> None:
    repository = Repository(tmp_path)
    repository.push(PACKAGE)
    election = {"cluster": {"context": control_plane.context, "kubeconfig": str(control_plane.kubeconfig)}}
    more = {"interval": 3600, "jitter": 0, "election": {**election, "namespace": namespace}}
    with git_http.serve(repository.bare.parent) as url:
        requirement = f"git+{url}/{repository.bare.name}"
        site = Site(control_plane, namespace, tmp_path, MODULE, requirement, "site-policy", imports=(MODULE,))
        site.add("rucio-server", probe=True)
        site.add("rucio-judge", probe=True)
        with started(site, "a", more) as leader, started(site, "b", more) as follower:
            until(lambda: leader.ready and follower.ready, "both are ready")
            until(lambda: site.live_files() == PACKAGE, "the first pass writes the package")
            if follower.leads:
                leader, follower = follower, leader
            assert (leader.leads, follower.leads) == (True, False)
            until(lambda: restarts(site) == [2, 2], "both workloads were restarted")

            repository.push(SECOND)
            assert follower.asked("a guess") == 401
            assert follower.asked(SECRET) == 202
            until(lambda: site.every_pod_runs(SECOND), "the leader heard what the follower was asked")

            if between_passes:
                until(lambda: not holder(site, "secretsync"), "the pass is over")
            leader.process.kill()
            repository.push(THIRD)
            assert follower.asked(SECRET) == 202
            until(lambda: follower.leads, "the follower takes over")
            until(lambda: site.every_pod_runs(THIRD), "what it was asked before is done", seconds=120)
            assert restarts(site) == [4, 4], follower.log.read_text()

            follower.process.send_signal(signal.SIGTERM)
            assert follower.process.wait(60) == 0
    assert holder(site, "secretsync-leader") == ""


def holder(site: Site, lease: str) -> str:
    live = site.plane.cluster.read("Lease", site.namespace, lease)
    return str(live["spec"]["holderIdentity"]) if live else ""


def restarts(site: Site) -> list[int]:
    """The workloads' generations: one when they were made, and one more for each restart."""
    return sorted(site.generations().values())
