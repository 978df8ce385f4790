"""The types of what is read of workloads, pods and their metadata, as the schema of Kubernetes' API has them. Pure.

A real API server keeps to them. What stands in its place, or changes its answers on their way, need not.
"""

from __future__ import annotations

from typing import Any

from secretsync.core.model import Manifest

_ITEMS = [{"key": str, "path": str, "mode": int}]
_NAMED = {"name": str}
_METADATA = {
    "generation": int,
    "creationTimestamp": str,
    "deletionTimestamp": str,
    "ownerReferences": [{"kind": str, "name": str, "uid": str}],
    "managedFields": [{"manager": str, "operation": str, "time": str, "fieldsV1": dict}],
    "finalizers": [str],
}
_CONTAINER = {
    "name": str,
    "image": str,
    "command": [str],
    "args": [str],
    "env": [{"name": str, "value": str, "valueFrom": dict}],
    "envFrom": [{"prefix": str, "configMapRef": _NAMED, "secretRef": _NAMED}],
    "volumeMounts": [{"name": str, "mountPath": str, "subPath": str, "subPathExpr": str}],
    "readinessProbe": dict,
    "resources": dict,
    "securityContext": dict,
}
_VOLUME = {
    "name": str,
    "secret": {"secretName": str, "items": _ITEMS, "defaultMode": int},
    "configMap": {"name": str, "items": _ITEMS, "defaultMode": int},
    "projected": {"sources": [{"secret": {"name": str, "items": _ITEMS}, "configMap": {"name": str, "items": _ITEMS}}]},
}
_POD = {
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "volumes": [_VOLUME],
    "imagePullSecrets": [_NAMED],
    "serviceAccountName": str,
    "nodeName": str,
    "securityContext": dict,
}
_INT_OR_STRING = (int, str)
_ROLLING = {"maxUnavailable": _INT_OR_STRING, "maxSurge": _INT_OR_STRING, "partition": int}
_SPEC = {
    **_POD,
    "replicas": int,
    "minReadySeconds": int,
    "progressDeadlineSeconds": int,
    "paused": bool,
    "selector": {"matchLabels": dict, "matchExpressions": [{"key": str, "operator": str, "values": [str]}]},
    "strategy": {"type": str, "rollingUpdate": _ROLLING, "canary": _ROLLING, "blueGreen": dict},
    "updateStrategy": {"type": str, "rollingUpdate": _ROLLING},
    "template": {"metadata": {**_METADATA, "labels": dict, "annotations": dict}, "spec": _POD},
}
_STATE = {
    "waiting": {"reason": str, "message": str},
    "running": dict,
    "terminated": {"reason": str, "message": str, "exitCode": int, "signal": int},
}
_CONTAINER_STATUS = {
    "name": str,
    "image": str,
    "imageID": str,
    "ready": bool,
    "restartCount": int,
    "state": _STATE,
    "lastState": _STATE,
}
_COUNTS = (
    *("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas", "currentReplicas"),
    *("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady", "numberUnavailable"),
)
_STATUS = {
    **dict.fromkeys(_COUNTS, int),
    "observedGeneration": _INT_OR_STRING,  # the latter in a Rollout's
    "phase": str,
    "reason": str,
    "message": str,
    "currentRevision": str,
    "updateRevision": str,
    "conditions": [{"type": str, "status": str, "reason": str, "message": str}],
    "containerStatuses": [_CONTAINER_STATUS],
    "initContainerStatuses": [_CONTAINER_STATUS],
}
_OBJECT = {"metadata": _METADATA, "spec": _SPEC, "status": _STATUS}


def wrong_field(manifest: Manifest, kind: str) -> str:
    """The path of the first field that has another type than Kubernetes' schema gives it, empty where all are right.

    *kind* is the object's, or its list's. Fields that are null are taken out of *manifest*: for Kubernetes they are
    absent.
    """
    # a Lease has a strategy as well, which is a text, and whoever reads its fields takes them as they are
    return _wrong(manifest, {"metadata": _METADATA} if kind.startswith("Lease") else _OBJECT)


def _wrong(value: Any, schema: Any) -> str:
    if isinstance(schema, dict):
        return _wrong_in_object(value, schema) if isinstance(value, dict) else "."
    if isinstance(schema, list):
        if not isinstance(value, list):
            return "."
        return next((f"[]{wrong}" for item in value if (wrong := _wrong(item, schema[0]))), "")
    return "" if type(value) in (schema if isinstance(schema, tuple) else (schema,)) else "."


def _wrong_in_object(value: dict[str, Any], schema: dict[str, Any]) -> str:
    for name, of_field in schema.items():
        # most fields are a text or a number: a call for each of them would be half of what a list costs
        if name not in value or type(value[name]) is of_field:
            continue
        if value[name] is None:
            del value[name]
        elif wrong := _wrong(value[name], of_field):
            return f".{name}{wrong}".rstrip(".")
    return ""
