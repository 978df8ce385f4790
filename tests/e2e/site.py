"""A Rucio of its own: a namespace with a server and daemons whose pods import a policy package from mounted Secrets.

Each pod's program imports the package, tells in its log what it found in the mounted directories, and runs on.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from secretsync.core.model import Secret
from tests import ROOT
from tests.servers.control_plane import ControlPlane

Object = dict[str, Any]

PROGRAM = """
import hashlib, importlib, json, os, pathlib, sys, time

module, *imports = sys.argv[1:]
top = pathlib.Path(os.environ["PYTHONPATH"], module)
found = {}
for folder, folders, names in os.walk(top):
    folders[:] = [name for name in folders if not name.startswith("..")]
    for name in names:
        path = pathlib.Path(folder, name)
        found[str(path.relative_to(top))] = hashlib.sha256(path.read_bytes()).hexdigest()
for name in imports:
    importlib.import_module(name)
print(json.dumps(found), flush=True)
pathlib.Path("/run/site/ready").touch()
time.sleep(1e6)
"""


@dataclass(frozen=True)
class Run:
    """How a run of secretsync ended."""

    code: int
    out: str
    log: str
    seconds: float

    def __str__(self) -> str:
        return f"exit code {self.code} after {self.seconds:.1f} s\n{self.out}\n{self.log}"


@dataclass
class Site:
    """*directories* are the package's, each with a Secret of its own, ``""`` for the package itself."""

    plane: ControlPlane
    namespace: str
    folder: Path
    module: str
    requirement: str
    secret: str
    directories: Sequence[str] = ("", "algorithms")
    imports: Sequence[str] = ()
    settle: float = 1
    check: str = "error"
    """The severity at which the check stops a run."""
    beside: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of the configuration."""
    rollout: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of the target's rollout."""
    target: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of the target."""

    def add(
        self,
        name: str,
        kind: str = "Deployment",
        *,
        replicas: int = 1,
        probe: bool = False,
        imports: Sequence[str] | None = None,
        spec: Mapping[str, Any] | None = None,
    ) -> Object:
        """A workload that imports the package; its pods know its name as SITE_ROLE. *spec* has further keys."""
        workload = self.workload(name, kind, replicas, probe=probe)
        container = workload["spec"]["template"]["spec"]["containers"][0]
        container["env"].append({"name": "SITE_ROLE", "value": name})
        if imports is not None:
            container["command"] = [sys.executable, "-S", "-c", PROGRAM, self.module, *imports]
        workload["spec"] |= spec or {}
        self.plane.put(workload)
        return workload

    def add_server_and_daemons(self, daemons: int = 28) -> None:
        self.add("rucio-server", probe=True)
        for number in range(daemons):
            self.add(f"rucio-daemon-{number:02}")

    def configuration(self, kubeconfig: Path | None = None) -> Path:
        """The configuration as a file; *kubeconfig* may lead through a proxy."""
        kubeconfig = kubeconfig or self.plane.kubeconfig
        path = self.folder / f"secretsync-{kubeconfig.parent.name}-{kubeconfig.name}.yaml"
        target = {
            "cluster": {"context": self.plane.context, "kubeconfig": str(kubeconfig)},
            "namespace": self.namespace,
            "secretName": self.secret,
            "rollout": {"timeout": 120, "settle": self.settle, **self.rollout},
            **self.target,
        }
        package = {"moduleName": self.module, "requirement": self.requirement, "check": {"fail": self.check}}
        content = {
            "interval": 1,
            "packages": [package],
            "targets": [target],
            "cache": str(self.folder / "cache"),
            **self.beside,
        }
        path.write_text(yaml.safe_dump(content))
        return path

    def command(self, *arguments: str, kubeconfig: Path | None = None) -> list[str]:
        return [sys.executable, "-m", "secretsync", "--config", str(self.configuration(kubeconfig)), *arguments]

    def start(self, *arguments: str, kubeconfig: Path | None = None) -> subprocess.Popen[str]:
        command = self.command(*arguments, kubeconfig=kubeconfig)
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments: str, kubeconfig: Path | None = None) -> Run:
        """``secretsync apply`` and how it ended."""
        return ended(self.start("--once", *arguments, kubeconfig=kubeconfig))

    def live(self, directory: str = "") -> Secret | None:
        return self.plane.cluster.secret(self.namespace, self._secret_of(directory))

    def live_files(self) -> dict[str, bytes]:
        """What the live Secrets hold, by its path in the package."""
        return {
            f"{directory}/{key}".lstrip("/"): value
            for directory in self.directories
            if (secret := self.live(directory))
            for key, value in secret.data.items()
        }

    def names(self, kind: str) -> set[str]:
        """The names of all objects of a kind in the namespace."""
        return {one["metadata"]["name"] for one in self.plane.all(kind, self.namespace)}

    def generations(self) -> dict[str, int]:
        """How often each workload's specification was changed: a restart is one change."""
        workloads = self.plane.cluster.workloads(self.namespace)
        return {one.ref.name: one.manifest["metadata"]["generation"] for one in workloads}

    def pods(self) -> list[Object]:
        """The pods of the workloads, less those on their way out."""
        metadata = [(pod, pod["metadata"]) for pod in self.plane.cluster.pods(self.namespace)]
        return [pod for pod, told in metadata if "app" in told["labels"] and "deletionTimestamp" not in told]

    def imported(self, app: str = "") -> dict[str, dict[str, str]]:
        """By pod (of one workload), the digests of the files that it found when it imported the package."""
        metadata = [pod["metadata"] for pod in self.pods()]
        names = [told["name"] for told in metadata if app in ("", told["labels"]["app"])]
        logs = {name: self.plane.log(self.namespace, name) for name in names}
        return {name: json.loads((log.splitlines() or ["{}"])[-1]) for name, log in logs.items()}

    def every_pod_runs(self, files: Mapping[str, bytes], app: str = "") -> bool:
        """Whether each pod (of one workload) found exactly *files*, byte for byte."""
        expected = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        return all(found == expected for found in self.imported(app).values())

    def _secret_of(self, directory: str) -> str:
        below = re.sub("[^a-z0-9]", "-", directory.lower()).strip("-")
        return f"{self.secret}-{below}" if directory else self.secret

    def workload(self, name: str, kind: str = "Deployment", replicas: int = 1, *, probe: bool = False) -> Object:
        """A manifest, which is not applied."""
        labels = {"app": name}
        container: Object = {
            "name": "rucio",
            "image": "rucio",
            "command": [sys.executable, "-S", "-c", PROGRAM, self.module, *self.imports],
            "env": [{"name": "PYTHONPATH", "value": "/opt/site"}],
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": [
                {"name": "run", "mountPath": "/run/site"},
                *(
                    {"name": f"policy-{number}", "mountPath": f"/opt/site/{self.module}/{directory}".rstrip("/")}
                    for number, directory in enumerate(self.directories)
                ),
            ],
        }
        if probe:
            test = {"command": ["test", "-f", "/run/site/ready"]}
            container["readinessProbe"] = {"exec": test, "periodSeconds": 1}
        template = {
            "metadata": {"labels": labels},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [container],
                "volumes": [
                    {"name": "run", "emptyDir": {}},
                    *(
                        {"name": f"policy-{number}", "secret": {"secretName": self._secret_of(directory)}}
                        for number, directory in enumerate(self.directories)
                    ),
                ],
            },
        }
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        if kind == "StatefulSet":
            spec["serviceName"] = name
        if kind == "DaemonSet":
            del spec["replicas"]
        metadata = {"name": name, "namespace": self.namespace, "labels": labels}
        return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def ended(process: subprocess.Popen[str]) -> Run:
    began = time.monotonic()
    out, log = process.communicate(timeout=300)
    return Run(process.returncode, out, log, time.monotonic() - began)


def run_in(folder: Path, *arguments: str) -> Run:
    """secretsync with the configuration of *folder*, and how it ended."""
    command = [sys.executable, "-m", "secretsync", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return ended(
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    )


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for *condition*, which *what* describes."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s: {what}"
        time.sleep(0.2)
