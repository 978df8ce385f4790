"""The Job that proves a candidate: a real workload's pod, less what would make it serve, with the candidate's files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from secretsync.core import packing
from secretsync.core.model import Manifest, Ref, Secret, Workload
from secretsync.core.pod_references import secrets_referenced
from secretsync.plan.diff import PackagePlan

PROBE_FOLDER = "/secretsync-probe"
_KEPT_OF_A_POD = (
    "volumes", "serviceAccountName", "tolerations", "nodeSelector", "affinity", "imagePullSecrets", "securityContext",
    "priorityClassName", "runtimeClassName", "dnsPolicy", "dnsConfig", "hostAliases", "automountServiceAccountToken",
)  # fmt: skip
_KEPT_OF_A_CONTAINER = (
    "image", "imagePullPolicy", "env", "envFrom", "volumeMounts", "workingDir", "securityContext", "resources",
)  # fmt: skip
_SPARE = 60
"""Seconds for the image to be pulled and the pod to start, beside those of the proof itself."""


@dataclass(frozen=True)
class Candidate:
    """One package in one kind of pod: *workload* is the one whose template is taken, *container* the one with Rucio."""

    package: PackagePlan
    workload: Workload
    container: str


def candidates(packages: Iterable[PackagePlan], workloads: Sequence[Workload]) -> tuple[Candidate, ...]:
    """Each changed package once per distinct image, mounts, and environment that decides how Rucio finds it."""
    found: dict[str, Candidate] = {}
    for package in packages:
        for workload in workloads if package.content else ():
            for container in _rucio_containers(package, workload):
                candidate = Candidate(package, workload, container["name"])
                found.setdefault(_kind(candidate, container), candidate)
    return tuple(found.values())


def runs_rucio(packages: Iterable[PackagePlan], workloads: Sequence[Workload]) -> frozenset[Ref]:
    """The workloads for which one of the candidates stands."""
    changed = [package for package in packages if package.content]
    return frozenset(
        workload.ref for workload in workloads if any(any(_rucio_containers(one, workload)) for one in changed)
    )


def _rucio_containers(package: PackagePlan, workload: Workload) -> Iterable[Manifest]:
    """Containers with an image of Rucio's that mount the package."""
    names = _names(package)
    spec = workload.template["spec"]
    volumes = {
        volume["name"]
        for volume in spec.get("volumes") or ()
        if secrets_referenced({"spec": {"volumes": [volume]}}) & names
    }
    for container in spec["containers"]:
        mounted = {mount["name"] for mount in container.get("volumeMounts") or ()}
        image = container.get("image", "").rpartition("/")[2]
        if mounted & volumes and ("rucio-server" in image or "rucio-daemons" in image):
            yield container


def _names(package: PackagePlan) -> frozenset[str]:
    return frozenset(change.desired.name for change in package.changes)


def _kind(candidate: Candidate, container: Manifest) -> str:
    spec = candidate.workload.template["spec"]
    facts: list[Any] = [
        candidate.package.placement.secret,
        container.get("image"),
        container.get("volumeMounts"),
        [one for one in container.get("env") or () if _decides(one["name"])],
        container.get("envFrom"),
        spec.get("volumes"),
        spec.get("securityContext"),
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _decides(variable: str) -> bool:
    """Whether an environment variable has a say in what Rucio loads; a daemon's own name and arguments have none."""
    if variable in ("RUCIO_DAEMON", "RUCIO_DAEMON_ARGS"):
        return False
    return variable in ("PYTHONPATH", "PATH") or variable.startswith("RUCIO")


def job(candidate: Candidate, name: str, *, vo: str, seconds: float) -> Manifest:
    """The Job called *name*; the Secrets that it mounts are those of `secrets`. *seconds* are the proof's own."""
    placement = candidate.package.placement
    template = deepcopy(candidate.workload.template["spec"])
    container = next(one for one in template["containers"] if one["name"] == candidate.container)
    proof = {key: container[key] for key in _KEPT_OF_A_CONTAINER if key in container}
    options = ["--vo", vo] if vo else []
    proof |= {
        "name": candidate.container,
        "command": ["python3", f"{PROBE_FOLDER}/in_pod.py", f"{PROBE_FOLDER}/probe.py", f"{seconds:.0f}", *options],
    }
    proof["volumeMounts"] = [
        *container.get("volumeMounts", ()),
        {"name": "secretsync-probe", "mountPath": PROBE_FOLDER, "readOnly": True},
    ]
    pod = {key: template[key] for key in _KEPT_OF_A_POD if key in template}
    renamed = {old: _candidate_name(old, placement.secret, name) for old in _names(candidate.package)}
    pod |= {
        "containers": [proof],
        "restartPolicy": "Never",
        "volumes": [
            *(_with_names(volume, renamed) for volume in template.get("volumes", ())),
            {"name": "secretsync-probe", "secret": {"secretName": f"{name}-probe"}},
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": placement.namespace, "labels": packing.labels(placement)},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": round(seconds + _SPARE),
            "ttlSecondsAfterFinished": 60,
            # labels of our own alone: no Service, budget or selector of the workload's may count this pod
            "template": {"metadata": {"labels": packing.labels(placement)}, "spec": pod},
        },
    }


def _candidate_name(secret: str, top: str, name: str) -> str:
    return name + secret.removeprefix(top)


def _with_names(volume: Manifest, renamed: dict[str, str]) -> Manifest:
    """The volume, with the candidate's Secrets in place of the live ones."""
    changed = deepcopy(volume)
    if (secret := changed.get("secret")) and secret.get("secretName") in renamed:
        secret["secretName"] = renamed[secret["secretName"]]
    for source in (changed.get("projected") or {}).get("sources") or ():
        if (secret := source.get("secret")) and secret.get("name") in renamed:
            secret["name"] = renamed[secret["name"]]
    return changed


def secrets(candidate: Candidate, made: Manifest, probe: dict[str, bytes]) -> tuple[Secret, ...]:
    """The candidate's files and the probe's, owned by the Job as it was *made*: they go when it goes."""
    placement, name = candidate.package.placement, made["metadata"]["name"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": made["metadata"]["uid"]}
    plain = Secret(placement.namespace, f"{name}-probe", probe, labels=packing.labels(placement))
    package = candidate.package
    desired = [change.desired for change in package.changes if change.desired.name not in package.outdated]
    return tuple(
        replace(secret, name=new, metadata={"ownerReferences": [owner]}, annotations={})
        for secret, new in [
            (plain, plain.name),
            *((one, _candidate_name(one.name, placement.secret, name)) for one in desired),
        ]
    )
