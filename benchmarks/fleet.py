"""``python -m benchmarks.fleet [WORKLOADS …]``: what a pass costs as the number of workloads grows.

The Deployments are scaled to zero, so that only secretsync's own cost shows, and not that of pods. Beside an idle pass
stand the two jobs that sites have instead of secretsync, beside a change ``kubectl rollout restart`` of the same
Deployments. All take turns on one control plane: only ratios mean something.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from benchmarks.measure import IMPORTS, Cost, cost
from benchmarks.shell import DIFF, GIT2KUBE, RESTART, STATUS, Shell, kubeconfig_for, kubectl_of
from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import ROOT, Site
from tests.servers import git_http
from tests.servers.control_plane import ControlPlane, control_plane

SECRET = "site-policy"
FLEETS = (30, 300, 1000)
ROUNDS = 3
TIMEOUT = 1_800
"""Seconds that a rollout may take: the controllers write twenty times a second, and several times a workload."""

Numbers = dict[str, float]


@dataclass(frozen=True)
class Fleet:
    """A namespace with *workloads* Deployments that mount the package."""

    plane: ControlPlane
    repository: Repository
    site: Site
    shell: Shell
    workloads: int

    def measured(self, run: Callable[[], Cost]) -> Numbers:
        """What one run costs, and the calls that the API server saw of it."""
        mark = self.plane.audit_mark()
        used = run()
        calls = self.plane.calls_since(mark, self.site.namespace)
        writes = [call for call in calls if call.writes]
        return {
            "seconds": used.seconds,
            "cpu": used.cpu,
            "mebibytes": used.mebibytes,
            "calls": len(calls),
            "writes": len(writes),
            "lease": sum(call.resource == "leases" for call in writes),
            "gets": sum(call.verb == "get" for call in calls),
            "lists": sum(call.verb == "list" for call in calls),
        }

    def apply(self) -> Cost:
        return cost(self.site.command("--once"), cwd=ROOT)

    def add_workloads(self) -> None:
        """The Deployments, until their controller has seen each."""
        for number in range(self.workloads):
            self.site.add(f"rucio-{number:04}", replicas=0)
        self.by_shell(STATUS)

    def by_shell(self, script: str) -> Cost:
        return cost(["sh", "-c", script], cwd=self.site.folder, environment=self.shell.environment(restart=False))


def main() -> None:
    for _, found in measured(sys.argv[1:]):
        print(found, flush=True)


def measured(counts: Sequence[str] = ()) -> Iterator[tuple[int, Mapping[str, Numbers]]]:
    """For each number of workloads, FLEETS where none is named, what each run cost."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as name, control_plane(Path(name) / "control-plane") as plane:
        for count in map(int, counts or FLEETS):
            yield count, _of_fleet(plane, Path(name) / str(count), count)


def _of_fleet(plane: ControlPlane, folder: Path, workloads: int) -> Mapping[str, Numbers]:
    """The package is there before the workloads are: the first of their rollouts is the change."""
    with _fleet(plane, folder, workloads) as fleet:
        fleet.apply()
        fleet.add_workloads()
        change = _change(fleet)
        return {**_idle(fleet), "change": change, "restart": fleet.measured(partial(fleet.by_shell, RESTART))}


def _idle(fleet: Fleet) -> Mapping[str, Numbers]:
    """Medians of passes that find nothing to do, in turns with what they are compared to."""
    turns: Mapping[str, Callable[[], Cost]] = {
        "imports": partial(cost, [sys.executable, "-c", IMPORTS], cwd=ROOT),
        "idle": fleet.apply,
        "shell": partial(fleet.by_shell, DIFF),
        "git2kube": partial(fleet.by_shell, GIT2KUBE),
    }
    rounds = [{name: fleet.measured(run) for name, run in turns.items()} for _ in range(ROUNDS)]
    return {
        name: {key: sorted(one[name][key] for one in rounds)[ROUNDS // 2] for key in rounds[0][name]} for name in turns
    }


def _change(fleet: Fleet) -> Numbers:
    """From a new commit to all workloads current."""
    fleet.repository.push({**PACKAGE, "rules.py": f"ALL = {fleet.workloads}\n".encode()})
    return fleet.measured(fleet.apply)


@contextlib.contextmanager
def _fleet(plane: ControlPlane, folder: Path, workloads: int) -> Iterator[Fleet]:
    folder.mkdir()
    namespace = f"fleet-{workloads}-{os.getpid()}"
    plane.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    (folder / "repository").mkdir()
    repository = Repository(folder / "repository")
    repository.push(PACKAGE)
    with git_http.serve(repository.bare.parent) as address:
        url = f"{address}/{repository.bare.name}"
        site = Site(plane, namespace, folder, MODULE, f"git+{url}", SECRET, imports=(MODULE,), settle=0)
        site.rollout = {"timeout": TIMEOUT}
        kubeconfig = kubeconfig_for(plane, namespace, folder)
        shell = Shell(url, kubectl_of(plane), kubeconfig, folder / "work", MODULE, SECRET)
        yield Fleet(plane, repository, site, shell, workloads)
    plane.remove("Namespace", "", namespace)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.output}")
