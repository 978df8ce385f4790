"""A site on the stub of the API, and what people do there: each scenario starts from the same state every time."""

from __future__ import annotations

import base64
import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml

from tests.robustness.zygote import Ended, Zygote
from tests.servers.api_proxy import Proxy, proxying
from tests.servers.http import Answer, serving
from tests.servers.stub_api import StubApi

Object = dict[str, Any]
Files = Mapping[str, bytes]

NAMESPACE, SECRET, MODULE = "rucio", "site-policy", "site_policy"
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


def version(number: int, *, bad: bool = False) -> dict[str, bytes]:
    """A package of two Secrets, whose pods do not come up where it is *bad*."""
    text = f"ALL = {number}\n".encode()
    return {
        "__init__.py": b"SUPPORTED_VERSION = ['>=35']\n",
        "rules.py": (b"BAD = 1\n" if bad else b"") + text,
        "permission.py": b"def has_permission(issuer, action, kwargs, *, session=None):\n    return True\n",
        "algorithms/__init__.py": b"",
        "algorithms/rules.py": text,
    }


class RollingApi(StubApi):
    """A stub whose workloads are rolled out as soon as they are stamped, unless a Secret holds a bad package."""

    def _patch(self, key: tuple[str, str, str], query: dict[str, str], body: Object) -> Answer:
        answer = super()._patch(key, query, body)
        if answer.status != HTTPStatus.OK or "spec" not in body:
            return answer
        live = self.objects[key]
        live["metadata"]["generation"] = live["metadata"].get("generation", 1) + 1
        live["status"] = _status(live["metadata"]["generation"], is_up=not self._is_bad())
        self.objects.pop(pod := (key[0], "pods", f"{key[2]}-new"), None)
        if self._is_bad():
            self.objects[pod] = _crashing_pod(live, pod[2])
        return Answer(answer.status, json.dumps(live).encode(), answer.headers)

    def _is_bad(self) -> bool:
        return any(b"BAD" in value for files in secrets_in(self).values() for value in files.values())


def secrets_in(api: StubApi) -> dict[str, dict[str, bytes]]:
    """What each Secret of the package holds."""
    return {
        name: {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
        for (_, resource, name), secret in api.objects.items()
        if resource == "secrets" and is_of_package(name)
    }


def _status(generation: int, *, is_up: bool) -> Object:
    if is_up:
        return {"observedGeneration": generation, **dict.fromkeys(_COUNTS, 1)}
    stuck = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    return {"observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "conditions": [stuck]}


def _crashing_pod(workload: Object, name: str) -> Object:
    metadata = {**workload["spec"]["template"]["metadata"], "name": name, "namespace": NAMESPACE}
    metadata |= {"uid": name, "resourceVersion": "1"}
    waiting = {"name": "rucio", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    return {"kind": "Pod", "metadata": metadata, "spec": {}, "status": {"containerStatuses": [waiting]}}


def workload(namespace: str, name: str, app: str, *, mounts: bool) -> Object:
    places = [(f"{SECRET}{below}", f"/opt/{MODULE}{at}") for below, at in (("", ""), ("-algorithms", "/algorithms"))]
    # a package that is BAD crashes it, where a command is run
    command = f"! grep -q BAD /opt/{MODULE}/rules.py && exec sleep 1000000"
    container: Object = {"name": "rucio", "image": "rucio:38.5.5", "command": ["sh", "-c", command]}
    volumes = []
    if mounts:
        container["env"] = [{"name": "PYTHONPATH", "value": "/opt"}]
        container["volumeMounts"] = [{"name": secret, "mountPath": path} for secret, path in places]
        volumes = [{"name": secret, "secret": {"secretName": secret}} for secret, _ in places]
    labels = {"app": app, "part": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "generation": 1},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"part": name}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 1},
            },
        },
    }


@dataclass
class Site(ABC):
    """An API behind *proxy*, a policy package in a folder, and secretsync's configuration; pods come up in *patience*.

    Two Deployments are ours; another one and two Secrets are somebody else's.
    """

    proxy: Proxy
    folder: Path
    zygote: Zygote
    namespace: str
    wire: bool
    patience: int

    def connect(self, kubeconfig: Object) -> None:
        """Write the kubeconfig that leads to the proxy."""
        (self.folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))

    def configure(self, **keys: object) -> None:
        """Write the configuration, with these *keys* of its target."""
        kubeconfig = yaml.safe_load((self.folder / "kubeconfig").read_text())
        target = {
            "cluster": {"context": kubeconfig["contexts"][0]["name"], "kubeconfig": "kubeconfig"},
            "namespace": self.namespace,
            "secretName": SECRET,
            "selector": "app=ours",
            "rollout": {"timeout": self.patience, "settle": 0, "canary": "off"},
            **keys,
        }
        package = {"moduleName": MODULE, "requirement": "./policy", "check": {"fail": "never"}}
        config = {"packages": [package], "targets": [target], "cache": "cache"}
        (self.folder / "secretsync.yaml").write_text(yaml.safe_dump(config))

    def inhabitants(self) -> list[Object]:
        """What is there before secretsync."""
        return [
            *self.workloads(),
            workload(self.namespace, "theirs", "theirs", mounts=True),
            *(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": name, "namespace": self.namespace},
                    "data": {"password": base64.b64encode(name.encode()).decode()},
                }
                for name in ("database", f"{SECRET}s")
            ),
        ]

    def workloads(self) -> list[Object]:
        """Ours, as they are before secretsync."""
        return [workload(self.namespace, name, "ours", mounts=not self.wire) for name in ("server", "daemon")]

    def put_by_hand(self, files: Files) -> None:
        """Secrets of the package's names that kubectl made."""
        if not files:
            return
        for name, held in (SECRET, top(files)), (f"{SECRET}-algorithms", below(files)):
            data = {key: base64.b64encode(value).decode() for key, value in held.items()}
            metadata = {"name": name, "namespace": self.namespace}
            self.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})

    def run(self, *arguments: str) -> Ended:
        return self.zygote.run("--config", str(self.folder / "secretsync.yaml"), *arguments)

    def start(self, *arguments: str) -> int:
        return self.zygote.start("--config", str(self.folder / "secretsync.yaml"), *arguments)

    def write(self, files: Files) -> None:
        """Put *files* in place of the package's."""
        for path, data in files.items():
            at = self.folder / "policy" / MODULE / path
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(data)

    def mounted(self) -> dict[str, dict[str, bytes]]:
        """What our workloads mount of the package, by the place below it: as nothing where a Secret is not there."""
        held = self.secrets()
        found: dict[str, dict[str, bytes]] = {}
        for name in ("server", "daemon"):
            spec = self.pod_spec(name)
            secret_of = {volume["name"]: volume["secret"]["secretName"] for volume in spec.get("volumes") or ()}
            found |= {f"{name}:": {}, f"{name}:algorithms": {}}
            for mount in spec["containers"][0].get("volumeMounts") or ():
                place = f"{name}:{mount['mountPath'].partition(MODULE)[2].strip('/')}"
                found[place] = held.get(secret_of[mount["name"]], {})
        return found

    @abstractmethod
    def put(self, manifest: Object) -> object:
        """What somebody else writes."""

    @abstractmethod
    def pod_spec(self, name: str) -> Object:
        """The specification of that workload's pods."""

    @abstractmethod
    def secrets(self) -> dict[str, dict[str, bytes]]:
        """What each Secret of the package holds."""

    @abstractmethod
    def of_others(self) -> str:
        """All that is of others, as it is now."""


THEIRS = frozenset({"database", f"{SECRET}s", "theirs"})


def is_of_package(name: str) -> bool:
    """Whether a Secret of that name holds files of the package that are live."""
    return name.startswith(SECRET) and "-history-" not in name


@dataclass
class StubSite(Site):
    api: RollingApi

    def __post_init__(self) -> None:
        self.connect(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "stub", "cluster": {"server": self.proxy.url}}],
                "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "me"}}],
                "users": [{"name": "me", "user": {"token": "t"}}],
            }
        )
        for manifest in self.inhabitants():
            self.api.put({**manifest, "status": _status(1, is_up=True)} if "spec" in manifest else manifest)

    def put(self, manifest: Object) -> None:
        self.api.put(manifest)

    def pod_spec(self, name: str) -> Object:
        spec: Object = self.api.objects[NAMESPACE, "deployments", name]["spec"]["template"]["spec"]
        return spec

    def secrets(self) -> dict[str, dict[str, bytes]]:
        return secrets_in(self.api)

    def of_others(self) -> str:
        return json.dumps({"/".join(key): found for key, found in self.api.objects.items() if key[2] in THEIRS})


def expected(files: Files) -> dict[str, dict[str, bytes]]:
    """What `mounted` is where *files* are deployed."""
    places = (("", top(files)), ("algorithms", below(files)))
    return {f"{name}:{place}": held for name in ("server", "daemon") for place, held in places}


def top(files: Files) -> dict[str, bytes]:
    """The files of the package's own directory."""
    return {path: data for path, data in files.items() if "/" not in path}


def below(files: Files) -> dict[str, bytes]:
    """The files of its one directory."""
    return {path.partition("/")[2]: data for path, data in files.items() if "/" in path}


@contextlib.contextmanager
def stub_site(folder: Path, *, wire: bool = False, patient: bool = False) -> Iterator[StubSite]:
    api = RollingApi()
    zygote = Zygote(folder / "run", seconds=None if patient else 0.5)
    with serving(api) as url, proxying(url) as proxy, contextlib.closing(zygote):
        yield StubSite(proxy, folder, zygote, NAMESPACE, wire, patience=3, api=api)
