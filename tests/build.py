"""Builders: the smallest objects that a test can say something with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from secretsync.core import packing
from secretsync.core.model import Bundle, File, Manifest, Placement, Ref, Revision, Secret, Workload
from secretsync.plan.diff import Desired

REVISION = Revision("https://git.example.org/policy", "main", "commit:" + "a" * 40)
PLACEMENT = Placement("secretsync", "rucio", "atlas", "atlas_rucio_policy")
MOUNTED_BY_NOBODY = (
    "no workload in namespace rucio mounts Secret atlas, so nothing runs atlas_rucio_policy: check the target's "
    "namespace and selector, and mount what 'secretsync values' prints"
)
"""The note of a plan for a namespace without workloads."""
NOON = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def bundle(files: Mapping[str, str | bytes], module: str = PLACEMENT.module, revision: Revision = REVISION) -> Bundle:
    made = (File(path, data.encode() if isinstance(data, str) else data) for path, data in files.items())
    return Bundle(module, "1.0", revision, tuple(sorted(made)))


def desired(files: Mapping[str, str | bytes], placement: Placement = PLACEMENT, **more: Any) -> Desired:
    made = bundle(files, placement.module, **more)
    return Desired(placement, made, packing.pack(made, placement, "recipe"))


def live(wanted: Desired, revision_number: int = 1, at: datetime | None = NOON) -> dict[str, Secret]:
    """The Secrets of *wanted* as they are after write number *write*."""
    return {
        secret.name: replace(secret, metadata={"resourceVersion": "1", "uid": secret.name}, data_written=at)
        for secret in packing.with_revision_number(wanted.secrets, revision_number)
    }


def workload(
    *secrets: str,
    name: str = "server",
    kind: str = "Deployment",
    annotations: Mapping[str, str] | None = None,
    spec: Manifest | None = None,
    status: Manifest | None = None,
    probe: bool = False,
) -> Workload:
    container: Manifest = {
        "name": "rucio",
        "image": "rucio:41",
        "volumeMounts": [{"name": f"v{n}", "mountPath": _mount_path(name)} for n, name in enumerate(secrets)],
    }
    if secrets:  # it loads what it mounts
        variables = {"PYTHONPATH": "/policy", "RUCIO_POLICY_PACKAGE": PLACEMENT.module}
        container["env"] = [{"name": name, "value": value} for name, value in variables.items()]
    if probe:
        container["readinessProbe"] = {"exec": {"command": ["true"]}}
    manifest: Manifest = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "rucio", "generation": 1, "uid": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": dict(annotations or {})},
                "spec": {
                    "containers": [container],
                    "volumes": [{"name": f"v{n}", "secret": {"secretName": s}} for n, s in enumerate(secrets)],
                },
            },
            **(spec or {}),
        },
        "status": {
            "observedGeneration": 1,
            "replicas": 1,
            "updatedReplicas": 1,
            "availableReplicas": 1,
            **(status or {}),
        },
    }
    return Workload(Ref(kind, "rucio", name), manifest)


def _mount_path(secret: str) -> str:
    """Where a sound workload mounts the Secret of a directory of the package."""
    directory = secret.removeprefix(PLACEMENT.secret).lstrip("-")
    return (
        f"/policy/{PLACEMENT.module}/{directory}".rstrip("/") if secret.startswith(PLACEMENT.secret) else f"/{secret}"
    )


def pod(
    of: str = "server",
    *,
    name: str = "server-1",
    created: str = "2026-01-01T12:00:01Z",
    annotations: Mapping[str, str] | None = None,
    containers: list[Manifest] | None = None,
    init: list[Manifest] | None = None,
    conditions: list[Manifest] | None = None,
) -> Manifest:
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "rucio",
            "uid": name,
            "labels": {"app": of},
            "annotations": dict(annotations or {}),
            "creationTimestamp": created,
        },
        "status": {
            "containerStatuses": containers or [{"name": "rucio", "restartCount": 0, "state": {"running": {}}}],
            "initContainerStatuses": init or [],
            "conditions": conditions or [],
        },
    }


def waiting(reason: str, *, exit_code: int | None = None, restarts: int = 0) -> Manifest:
    told: Manifest = {"name": "rucio", "restartCount": restarts, "state": {"waiting": {"reason": reason}}}
    if exit_code is not None:
        told["lastState"] = {"terminated": {"exitCode": exit_code}}
    return told
