"""A real Rucio on the control plane: its database, two servers, and a client that never stops asking."""

from __future__ import annotations

import itertools
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.programs import rucio_server
from tests.e2e.site import Object, Site

ALLOWED, DENIED = "allowed", "denied"
DEFAULT_VO = "def"
"""The only VO of a Rucio that serves one; with several, the one that administers them."""
_PROGRAM = Path(rucio_server.__file__)
_CONFIGURATION = """
[common]
logdir = {folder}
multi_vo = {several}
[database]
default = sqlite:///{folder}/rucio.db
[api]
endpoints = ping,auth,scopes
"""


@dataclass
class RucioSite:
    """*python* has Rucio *version*; *modules* are the VOs' policy packages, each in a Secret of its name.

    A VO's package is named in the environment, where secretsync finds it; that of a single VO in a file, where not.
    """

    site: Site
    folder: Path
    python: Path
    version: str
    modules: Mapping[str, str]
    _names: Iterator[int] = field(default_factory=itertools.count)

    @property
    def several_vos(self) -> bool:
        return set(self.modules) != {DEFAULT_VO}

    def create_database(self) -> None:
        """rucio.cfg, and the tables with root and alice in each VO, which need no policy package."""
        self.folder.mkdir(parents=True)
        tables = self._configuration("tables.cfg", {})
        self._configuration("rucio.cfg", {} if self.several_vos else self.modules)
        vos = sorted({DEFAULT_VO, *self.modules})
        environment = {"RUCIO_CONFIG": str(tables), "PATH": "/usr/bin:/bin"}
        subprocess.run(self._command("tables", *vos), env=environment, check=True, capture_output=True)

    def add_server(self) -> None:
        """The Deployment ``rucio-server``; its pods wait for the Secrets."""
        (self.folder / "ports").mkdir()
        workload = self.workload("rucio-server", self._command("serve"), replicas=2, probe=True)
        rolling: dict[str, Any] = {"maxUnavailable": 0, "maxSurge": 1}
        workload["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        self.site.plane.put(workload)

    def workload(self, name: str, command: list[str], *, replicas: int = 1, probe: bool = False) -> Object:
        """As the site makes them, but for what runs in it and which packages it mounts."""
        workload = self.site.workload(name, replicas=replicas, probe=probe)
        pod = workload["spec"]["template"]["spec"]
        pod["terminationGracePeriodSeconds"] = 10
        container = pod["containers"][0]
        container["image"] = f"rucio/{name}:release-{self.version}"
        container["command"] = command
        container["env"] += [
            {"name": "RUCIO_CONFIG", "value": str(self.folder / "rucio.cfg")},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "PATH", "value": f"{self.python.parent}:/usr/bin:/bin"},
        ]
        if self.several_vos:
            named = self.modules.items()
            container["env"] += [
                {"name": f"RUCIO_POLICY_PACKAGE_{vo.upper()}", "value": module} for vo, module in named
            ]
        for module in self.modules.values():
            if module != self.site.module:
                volume = module.replace("_", "-")
                pod["volumes"].append({"name": volume, "secret": {"secretName": volume}})
                container["volumeMounts"].append({"name": volume, "mountPath": f"/opt/site/{module}"})
        return workload

    def token(self, vo: str = DEFAULT_VO) -> str:
        """Alice's in *vo*, from the server itself."""
        headers = {"X-Rucio-Account": "alice", "X-Rucio-Username": "alice", "X-Rucio-Password": "alice"}
        request = urllib.request.Request(f"{self.address()}/auth/userpass", headers={**headers, "X-Rucio-VO": vo})
        with urllib.request.urlopen(request, timeout=30) as answer:
            token: str = answer.headers["X-Rucio-Auth-Token"]
        return token

    def add_scope(self, token: str) -> str:
        """What comes of it that alice adds a scope: ALLOWED, DENIED, or what failed."""
        url = f"{self.address()}/scopes/alice/scope{next(self._names)}"
        request = urllib.request.Request(url, method="POST", headers={"X-Rucio-Auth-Token": token})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return ALLOWED if answer.status == 201 else f"status {answer.status}"
        except urllib.error.HTTPError as refusal:
            # which status an AccessDenied has differs between Rucio's versions and endpoints
            return DENIED if refusal.headers.get("ExceptionClass") == "AccessDenied" else f"status {refusal.code}"
        except OSError as failure:
            return f"no answer: {failure}"

    def address(self) -> str:
        """A ready pod's, as a Service would choose it."""
        pod = next(pod for pod in self.site.pods() if _is_ready(pod))
        port = (self.folder / "ports" / pod["metadata"]["name"]).read_text()
        return f"http://127.0.0.1:{port}"

    def ready(self) -> bool:
        return sum(map(_is_ready, self.site.pods())) >= 2

    @contextmanager
    def client(self, vo: str = DEFAULT_VO) -> Iterator[list[str]]:
        """Alice of *vo* asks all the time; the answers so far, in their order."""
        answers: list[str] = []
        stop, token = threading.Event(), self.token(vo)

        def ask() -> None:
            while not stop.wait(0.2):
                answers.append(self._answer(token))

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield answers
        finally:
            stop.set()
            thread.join()

    def _answer(self, token: str) -> str:
        try:
            return self.add_scope(token)
        except StopIteration:
            return "no ready pod"

    def _configuration(self, name: str, modules: Mapping[str, str]) -> Path:
        path = self.folder / name
        policy = [f"[policy]\npackage = {module}" for module in modules.values()]
        path.write_text(_CONFIGURATION.format(folder=self.folder, several=self.several_vos) + "\n".join(policy))
        return path

    def _command(self, *arguments: str) -> list[str]:
        return [str(self.python), str(_PROGRAM), str(self.folder), *arguments]


def _is_ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
