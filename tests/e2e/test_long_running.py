"""Two processes of the long-running form on a real control plane: one leads, both can be asked for a pass."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import ROOT, Site, until
from tests.on_demand import ON_DEMAND
from tests.servers import git_http
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

SECRET = "only the forge knows"
SECOND = {**PACKAGE, "rules.py": b"ALL = 'second'\n"}
THIRD = {**PACKAGE, "rules.py": b"ALL = 'third'\n"}


@dataclass
class Process:
    """One process of the long-running form, with ports of its own; what it says is in *log*."""

    process: subprocess.Popen[bytes]
    health: int
    webhook: int
    log: Path

    def told(self, path: str) -> tuple[int, str]:
        return answered(urllib.request.Request(f"http://127.0.0.1:{self.health}{path}"))

    def asked(self, token: str) -> int:
        url = f"http://127.0.0.1:{self.webhook}/sync"
        return answered(urllib.request.Request(url, b"{}", {"X-Gitlab-Token": token}))[0]

    @property
    def leads(self) -> bool:
        return "secretsync_leader 1.0" in self.told("/metrics")[1]

    @property
    def ready(self) -> bool:
        return self.told("/readyz")[0] == 200


def answered(request: urllib.request.Request) -> tuple[int, str]:
    """The answer; status 0 while nobody listens."""
    try:
        with urllib.request.urlopen(request, timeout=30) as told:
            return told.status, told.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


@contextlib.contextmanager
def started(site: Site, name: str, more: Mapping[str, Any]) -> Iterator[Process]:
    """A process that goes on with *site*, in a folder of its own, and does not outlive this."""
    folder = site.folder / name
    folder.mkdir()
    (folder / "secret").write_text(SECRET)
    health, webhook = free_port(), free_port()
    ports = {"health": {"port": health}, "webhook": {"port": webhook, "secret": {"file": "secret"}}}
    its_own = replace(site, folder=folder, beside={**ports, **more})
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(its_own.command(), cwd=ROOT, stdout=log, stderr=log)
        try:
            yield Process(process, health, webhook, folder / "log")
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


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
