"""A healthy namespace: a server and 28 daemons that mount a package, have it on PYTHONPATH, and are told to load it."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from secretsync.config.check import Check
from secretsync.core.model import Manifest, Placement, Ref, Revision, Secret, Workload
from secretsync.operations.doctor import Examination, diagnose
from secretsync.plan.state import PackageState, State, to_secret
from secretsync.reconcile.destination import Delivery, Destination
from secretsync.rucio.conditions.workloads import Diagnosis
from tests.build import desired, live, pod
from tests.memory_cluster import MemoryCluster

MODULE = "atlas_rucio_policy"
INIT = """SUPPORTED_VERSION = '>=38'


def get_algorithms():
    from .algorithms import paths

    return {}
"""
FILES = {
    "__init__.py": INIT,
    "permission.py": "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n",
    "schema.py": "SCHEMAS = {}\n",
    "algorithms/__init__.py": "",
    "algorithms/paths.py": "",
    "tests/test_it.py": "",
}
WRITTEN = datetime(2026, 1, 1, 12, tzinfo=UTC)


class NoSource:
    """The doctor asks no source."""

    def resolve(self) -> Revision:
        raise AssertionError("the source was asked")

    def fetch(self, revision: Revision) -> Any:
        raise AssertionError("the source was asked")


class Namespace:
    """What is live, for a test to make sick and to heal."""

    def __init__(self, vo: str = "", layout: str = "directories") -> None:
        self.placement = Placement("secretsync", "rucio", "atlas", MODULE, layout, vo)
        secrets = live(desired(FILES, self.placement), at=WRITTEN)
        self.cluster = MemoryCluster(*(_workload(name, vo, layout) for name in names()))
        remembered = State({"atlas": PackageState(revision_number=1, secrets=tuple(secrets), finished=True)})
        self.cluster.secrets = {**secrets, "secretsync-state": to_secret(remembered, "secretsync", "rucio")}
        self.add_secret("prod.config.common", **{"common.json": json.dumps({"database": {"default": "a password"}})})
        self.cluster.live_pods = [pod(name, name=f"{name}-1", created="2026-01-01T13:00:00Z") for name in names()]

    def add_secret(self, name: str, **data: str) -> None:
        content = {key: value.encode() for key, value in data.items()}
        self.cluster.secrets[name] = Secret(namespace="rucio", name=name, data=content)

    def add_config_map(self, name: str, **data: str) -> None:
        self.cluster.objects["ConfigMap", name] = {"kind": "ConfigMap", "metadata": {"name": name}, "data": data}

    def change(self, how: Callable[[Manifest], object], name: str = "rucio-reaper") -> None:
        """Change the pod template's specification of one workload."""
        ref = Ref("Deployment", "rucio", name)
        manifest = deepcopy(self.cluster.live_workloads[ref].manifest)
        how(manifest["spec"]["template"]["spec"])
        self.cluster.live_workloads[ref] = Workload(ref, manifest)

    def examination(self, ignore: str = "") -> Examination:
        delivery = Delivery(self.placement, NoSource(), "recipe", Check(fail="never"))
        destination = Destination("memory", self.cluster, "secretsync", "rucio", [delivery])
        return diagnose(destination, ignore)

    def sick(self) -> list[Diagnosis]:
        return [one for one in self.examination().diagnoses if not one.well]

    def written_again(self) -> None:
        """Another write of the same files, after the pods had started."""
        later = datetime(2026, 1, 2, tzinfo=UTC)
        wanted = desired({**FILES, "schema.py": "SCHEMAS = {'a': 1}\n"}, self.placement)
        self.cluster.secrets |= {name: replace(one, data_written=later) for name, one in live(wanted, 2).items()}


def names() -> list[str]:
    return ["rucio-server", "rucio-reaper", *(f"rucio-daemon-{number:02}" for number in range(27))]


def variable(pods: Manifest, name: str) -> Manifest:
    found: Manifest = next(one for one in pods["containers"][0]["env"] if one["name"] == name)
    return found


def without_variable(name: str) -> Callable[[Manifest], object]:
    def change(pods: Manifest) -> None:
        pods["containers"][0]["env"] = [one for one in pods["containers"][0]["env"] if one["name"] != name]

    return change


def with_variable(name: str, value: str | None = None, **more: Any) -> Callable[[Manifest], object]:
    def change(pods: Manifest) -> None:
        without_variable(name)(pods)
        told = {"name": name, **more} if value is None else {"name": name, "value": value}
        pods["containers"][0]["env"].append(told)

    return change


def mount(pods: Manifest, secret: str) -> Manifest:
    volume = next(one["name"] for one in pods["volumes"] if one.get("secret", {}).get("secretName") == secret)
    found: Manifest = next(one for one in pods["containers"][0]["volumeMounts"] if one["name"] == volume)
    return found


def volume(pods: Manifest, secret: str) -> Manifest:
    found: Manifest = next(one for one in pods["volumes"] if one.get("secret", {}).get("secretName") == secret)
    return found


def without_mount(secret: str) -> Callable[[Manifest], object]:
    def change(pods: Manifest) -> None:
        gone = mount(pods, secret)
        pods["containers"][0]["volumeMounts"].remove(gone)
        pods["volumes"].remove(volume(pods, secret))

    return change


def with_mount(secret: str, path: str) -> Callable[[Manifest], object]:
    def change(pods: Manifest) -> None:
        name = f"more-{len(pods['volumes'])}"
        pods["volumes"].append({"name": name, "secret": {"secretName": secret}})
        pods["containers"][0]["volumeMounts"].append({"name": name, "mountPath": path})

    return change


def _workload(name: str, vo: str, layout: str) -> Workload:
    server = name == "rucio-server"
    root = f"/opt/policy/{MODULE}"
    secrets = {"atlas": root} if layout == "zip" else {"atlas": root, "atlas-algorithms": f"{root}/algorithms"}
    path = f"{root}/{MODULE}.zip" if layout == "zip" else "/opt/policy"
    container = {
        "name": "rucio",
        "image": f"rucio/rucio-{'server' if server else 'daemons'}:release-41.5.1",
        "env": [
            {"name": "RUCIO_OVERRIDE_CONFIGS", "value": "/opt/rucio/etc/conf.d/"},
            {"name": "PYTHONPATH", "value": path},
            {"name": f"RUCIO_POLICY_PACKAGE{f'_{vo.upper()}' if vo else ''}", "value": MODULE},
        ],
        "volumeMounts": [
            {"name": "config", "mountPath": "/opt/rucio/etc/conf.d/10_common.json", "subPath": "common.json"},
            *({"name": secret, "mountPath": place} for secret, place in secrets.items()),
        ],
    }
    template = {
        "metadata": {"labels": {"app": name}, "annotations": {}},
        "spec": {
            "containers": [container],
            "volumes": [
                {"name": "config", "secret": {"secretName": "prod.config.common"}},
                *({"name": secret, "secret": {"secretName": secret}} for secret in secrets),
            ],
        },
    }
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "rucio", "generation": 1, "uid": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
    }
    return Workload(Ref("Deployment", "rucio", name), manifest)
