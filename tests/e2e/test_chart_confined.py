"""The chart as a site installs it: confined pods, a namespace of its own, a server and 28 daemons beside it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from secretsync.cluster.rbac import Need
from secretsync.operations.permissions import required_rules, secret_names_with_history
from tests.e2e.long_running import SECRET
from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import ROOT, Site, until
from tests.e2e.test_chart import HELMS, Release, values
from tests.on_demand import ON_DEMAND
from tests.servers import git_http
from tests.servers.control_plane import AuditedCall, ControlPlane, NoControlPlane, control_plane
from tests.servers.http import answered, free_port

pytestmark = [pytest.mark.control_plane, pytest.mark.network, pytest.mark.slow, ON_DEMAND]

SYSTEM = "policy-system"
PYTHON = "/usr/bin/python3"
COMMITS = [{**PACKAGE, "rules.py": f"ALL = {number}\n".encode()} for number in range(5)]


@pytest.fixture(scope="module")
def python() -> Iterator[str]:
    """An interpreter with secretsync that any user may run; the tests' own may lie in somebody's home."""
    with tempfile.TemporaryDirectory(prefix="secretsync-confined-") as folder:
        Path(folder).chmod(0o755)
        subprocess.run([PYTHON, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/pip", "install", "--quiet", "--require-hashes", "-r", str(ROOT / "requirements.lock")]
        subprocess.run(pip, check=True)
        (packages,) = Path(folder, "lib").glob("python3*/site-packages")
        shutil.copytree(ROOT / "secretsync", packages / "secretsync")
        shutil.copy(ROOT / "tests" / "e2e" / "replica.py", packages / "replica.py")
        yield f"{folder}/bin/python"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane whose node keeps to what a pod's security context says."""
    before = os.environ.get("HOSTLET_ARGS")
    os.environ["HOSTLET_ARGS"] = "--confine"
    try:
        with tempfile.TemporaryDirectory() as folder, control_plane(Path(folder, "control-plane")) as plane:
            yield plane
    except NoControlPlane as none:
        pytest.skip(str(none))
    finally:
        os.environ.pop("HOSTLET_ARGS")
        if before:
            os.environ["HOSTLET_ARGS"] = before


@pytest.fixture
def site(plane: ControlPlane, tmp_path: Path) -> Iterator[tuple[Site, Repository]]:
    repository = Repository(tmp_path)
    repository.push(COMMITS[0])
    levels = {"pod-security.kubernetes.io/enforce": "restricted"}
    plane.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM, "labels": levels}})
    plane.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "rucio"}})
    with git_http.serve(repository.bare.parent) as url:
        requirement = f"git+{url}/{repository.bare.name}"
        site = Site(plane, "rucio", tmp_path, MODULE, requirement, "site-policy", imports=(MODULE,))
        site.add_server_and_daemons()
        yield site, repository


class Replica:
    """One pod of the Deployment, by what it said of itself."""

    def __init__(self, told: dict[str, int]) -> None:
        self.pid, self.user = told["pid"], told["user"]
        self.health, self.webhook = told["health"], told["webhook"]

    @property
    def leads(self) -> bool:
        code, text = answered(urllib.request.Request(f"http://127.0.0.1:{self.health}/metrics"))
        families = text_string_to_metric_families(text) if code == 200 else ()
        return any(s.value == 1 for family in families for s in family.samples if s.name == "secretsync_leader")

    def asked(self, token: str) -> int:
        url = f"http://127.0.0.1:{self.webhook}/sync"
        return answered(urllib.request.Request(url, b"{}", {"X-Gitlab-Token": token}))[0]


def replicas(plane: ControlPlane) -> list[Replica]:
    """Those that run."""
    found = []
    for pod in plane.cluster.pods(SYSTEM):
        lines = plane.log(SYSTEM, pod["metadata"]["name"]).splitlines()
        with contextlib.suppress(json.JSONDecodeError, IndexError):
            replica = Replica(json.loads(lines[0]))
            if Path(f"/proc/{replica.pid}").exists():
                found.append(replica)
    return found


RARE = {
    "delete secrets": "a directory that the package has no longer",
    "list replicasets": "the same: whose history still mounts it",
    "list controllerrevisions": "the same",
    "list jobs": "the same",
    "list cronjobs": "the same",
    "patch statefulsets": "workloads of that kind",
    "patch daemonsets": "workloads of that kind",
    "create jobs": "a proof, where the workloads' images hold Rucio",
    "delete jobs": "the same, when it is over",
    "delete pods": "a StatefulSet that hangs at a pod",
    "get pods/log": "a pod that does not come up",
}
"""What is granted for what does not happen on every day, and when it does."""


def used(right: str, calls: Sequence[AuditedCall]) -> bool:
    verb, _, resource = right.partition(" ")
    return any((call.verb, call.resource) == (verb, resource.partition("/")[0]) for call in calls)


def within(call: AuditedCall, granted: tuple[Need, ...]) -> bool:
    return any(
        call.verb in need.verbs
        and call.resource in {resource.partition("/")[0] for resource in need.resources}
        and (not need.names or call.name in need.names)
        for need in granted
    )


def test_commits_reach_29_workloads_by_two_replicas_of_which_one_is_killed_and_by_the_cronjob(
    python: str, plane: ControlPlane, site: tuple[Site, Repository], tmp_path: Path
) -> None:
    if not HELMS:
        pytest.skip("no Helm: set HELM to one or more programs, or run .ci/helm")
    rucio, repository = site
    release = Release(HELMS[-1], rucio, tmp_path, namespace=SYSTEM, command=[python, "-m", "replica"])
    forge = {"metadata": {"name": "webhook", "namespace": SYSTEM}, "stringData": {"token": SECRET}}
    plane.put({"apiVersion": "v1", "kind": "Secret", **forge})
    told = values(rucio, free_port())
    del told["extraEnv"]
    mark = plane.audit_mark()

    release.put("install", {**told, "mode": "deployment", "deployment": {"replicas": 2}})
    until(lambda: rucio.every_pod_runs(COMMITS[0]) and len(rucio.pods()) == 29, "the first commit", seconds=180)
    until(lambda: len(replicas(plane)) == 2, "two replicas run")
    assert {replica.user for replica in replicas(plane)} == {65532}

    repository.push(COMMITS[1])
    until(lambda: sorted(replica.leads for replica in replicas(plane)) == [False, True], "one of two leads")
    leader, follower = sorted(replicas(plane), key=lambda replica: not replica.leads)
    assert follower.asked("a guess") == 401
    assert follower.asked(SECRET) == 202
    until(lambda: rucio.every_pod_runs(COMMITS[1]), "the second commit, long before its period", seconds=180)
    until(lambda: not holder(plane), "the pass is over")

    os.kill(leader.pid, signal.SIGKILL)
    repository.push(COMMITS[2])
    assert follower.asked(SECRET) == 202
    until(lambda: rucio.every_pod_runs(COMMITS[2]), "the third commit, by the other", seconds=180)
    assert follower.leads
    assert set(rucio.generations().values()) == {4}, "one restart for each commit"
    until(lambda: not holder(plane), "the pass is over")

    # from here on Helm takes the election's Role away, while its pods still end
    election = plane.calls_since(mark, SYSTEM)
    repository.push(COMMITS[3])
    release.put("upgrade", {**told, "mode": "cronjob", "cronjob": {"schedule": "* * * * *"}})
    until(lambda: rucio.every_pod_runs(COMMITS[3]), "the fourth commit, by the CronJob's clock", seconds=240)
    assert set(rucio.generations().values()) == {5}
    release.do("test", "policy")
    calls = [*plane.calls_since(mark, "rucio"), *election]
    release.do("uninstall", "policy")

    assert rucio.live_files() == COMMITS[3]
    names = secret_names_with_history(["site-policy", "site-policy-algorithms"], ["site-policy"], count=5)
    granted = required_rules("secretsync", names, wired=False, proves=True)
    leases = Need("the election", "coordination.k8s.io", ("leases",), ("get", "create", "update"))
    assert len(calls) > 100
    assert [call for call in calls if call.status in (401, 403)] == []
    assert [call for call in calls if not within(call, (*granted, leases))] == []
    rights = {f"{verb} {resource}" for need in granted for verb in need.verbs for resource in need.resources}
    assert {right for right in rights if not used(right, calls)} <= RARE.keys(), "nothing is granted for nothing"


def holder(plane: ControlPlane) -> str:
    """Who has a turn in Rucio's namespace."""
    lease: dict[str, Any] = plane.cluster.read("Lease", "rucio", "secretsync") or {"spec": {}}
    return lease["spec"].get("holderIdentity") or ""
