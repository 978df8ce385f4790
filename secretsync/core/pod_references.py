"""Which Secrets a pod refers to, in whatever object its template is found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any


def secrets_referenced(template: Mapping[str, Any]) -> frozenset[str]:
    """The names of all Secrets without which, or by which, the pods of *template* would run otherwise.

    Volumes (also projected ones), ``env`` and ``envFrom`` of all containers, init containers included.
    """
    spec = template.get("spec") or {}
    return frozenset(filter(None, (*_by_volumes(spec), *_by_environment(spec))))


def updates_mounted_files(template: Mapping[str, Any], names: Collection[str]) -> bool:
    """Whether the kubelet changes files under running pods when one of these Secrets changes.

    A mount with ``subPath`` stays as it was when its pod started.
    """
    spec = template.get("spec") or {}
    volumes = {
        volume["name"] for volume in spec.get("volumes") or () if set(_by_volumes({"volumes": [volume]})) & set(names)
    }
    return any(
        mount["name"] in volumes and not mount.get("subPath") and not mount.get("subPathExpr")
        for container in spec.get("containers") or ()
        for mount in container.get("volumeMounts") or ()
    )


def pod_template(manifest: dict[str, Any]) -> dict[str, Any]:
    """The pod template of a workload, ReplicaSet, ControllerRevision, Job or CronJob, or the pod itself."""
    spec = manifest.get("spec") or {}
    if manifest["kind"] == "Pod":
        return manifest
    if manifest["kind"] == "ControllerRevision":
        spec = (manifest.get("data") or {}).get("spec") or {}
    if manifest["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template: dict[str, Any] = spec.get("template") or {}
    return template


def _by_volumes(spec: Mapping[str, Any]) -> Iterator[str]:
    for volume in spec.get("volumes") or ():
        if secret := volume.get("secret"):
            yield secret.get("secretName", "")
        if projected := volume.get("projected"):
            for source in projected.get("sources") or ():
                yield (source.get("secret") or {}).get("name", "")


def _by_environment(spec: Mapping[str, Any]) -> Iterator[str]:
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        for source in container.get("envFrom") or ():
            yield (source.get("secretRef") or {}).get("name", "")
        for variable in container.get("env") or ():
            if value_from := variable.get("valueFrom"):
                yield (value_from.get("secretKeyRef") or {}).get("name", "")
