"""A Rucio of two servers on the control plane, and a client that never stops asking."""

from __future__ import annotations

import itertools
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.programs import rucio_server
from tests.e2e.site import Object, Site

ALLOWED, DENIED = "allowed", "denied"
_PROGRAM = Path(rucio_server.__file__)
_CONFIGURATION = """
[common]
logdir = {folder}
[database]
default = sqlite:///{folder}/rucio.db
[api]
endpoints = ping,auth,scopes
"""
_POLICY = """
[policy]
package = {module}
"""


@dataclass
class RucioSite:
    """*python* has Rucio *version*; *site*'s package is the policy of the Deployment ``rucio-server``."""

    site: Site
    folder: Path
    python: Path
    version: str
    _names: Iterator[int] = field(default_factory=itertools.count)

    def add_server(self) -> None:
        """Rucio's tables and the Deployment; its pods wait for the Secret."""
        (self.folder / "ports").mkdir(parents=True)
        tables = self._configuration("tables.cfg", _CONFIGURATION)
        self._configuration("rucio.cfg", _CONFIGURATION + _POLICY)
        environment = {"RUCIO_CONFIG": str(tables), "PATH": "/usr/bin:/bin"}
        subprocess.run(self._command("tables"), env=environment, check=True, capture_output=True)
        self.site.plane.put(self._deployment())

    def token(self) -> str:
        """Alice's, from the server itself."""
        headers = {"X-Rucio-Account": "alice", "X-Rucio-Username": "alice", "X-Rucio-Password": "alice"}
        request = urllib.request.Request(f"{self.address()}/auth/userpass", headers=headers)
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
    def client(self) -> Iterator[list[str]]:
        """Ask all the time; the answers so far, in their order."""
        answers: list[str] = []
        stop, token = threading.Event(), self.token()

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

    def _configuration(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text.format(folder=self.folder, module=self.site.module))
        return path

    def _command(self, what: str) -> list[str]:
        return [str(self.python), str(_PROGRAM), str(self.folder), what]

    def _deployment(self) -> Object:
        """As the site makes them, but for what runs in it."""
        workload = self.site.workload("rucio-server", replicas=2, probe=True)
        rolling: dict[str, Any] = {"maxUnavailable": 0, "maxSurge": 1}
        workload["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        pod = workload["spec"]["template"]["spec"]
        pod["terminationGracePeriodSeconds"] = 10
        container = pod["containers"][0]
        container["image"] = f"rucio/rucio-server:release-{self.version}"
        container["command"] = self._command("serve")
        container["env"] += [
            {"name": "RUCIO_CONFIG", "value": str(self.folder / "rucio.cfg")},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ]
        return workload


def _is_ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
