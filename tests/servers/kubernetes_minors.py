"""What an API server answers to secretsync in one minor of Kubernetes and not in another, from 1.28 to 1.37."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

OLDEST, NEWEST = 28, 37
MINORS = range(OLDEST, NEWEST + 1)

_SERVED_SINCE = {
    "v1": 0,
    "apps/v1": 9,
    "authorization.k8s.io/v1": 6,
    "batch/v1": 21,
    "coordination.k8s.io/v1": 14,
    "events.k8s.io/v1": 19,
}
"""The first minor in which all resources that secretsync uses are served, by apiVersion.

See https://kubernetes.io/docs/reference/using-api/deprecation-guide/.
"""
_SERVED_UNTIL = {"batch/v1beta1": 24, "events.k8s.io/v1beta1": 24, "coordination.k8s.io/v1beta1": 21}
"""The last minor that has an older form."""


def serves(minor: int, api_version: str) -> bool:
    """Whether the API of that minor has *api_version*, of those that secretsync uses or used to be like them."""
    return minor >= _SERVED_SINCE.get(api_version, NEWEST + 1) or minor <= _SERVED_UNTIL.get(api_version, -1)


def with_fields_of(minor: int, manifest: Object) -> Object:
    """*manifest* as the API of that minor stores it: with the fields that it adds by itself."""
    kind, metadata, status = manifest.get("kind"), manifest["metadata"], manifest.get("status") or {}
    if kind == "Pod" and minor >= 33:
        metadata = {"generation": 1, **metadata}
    if kind == "Pod" and minor >= 34:
        status = {"observedGeneration": metadata["generation"], **status}
    if kind == "Deployment" and minor >= 35:
        status = {"terminatingReplicas": 0, **status}
    return {**manifest, "metadata": metadata, **({"status": status} if status else {})}


def too_long(minor: int, limit: int) -> str:
    """In which words a Secret is too large; the cause, FieldValueTooLong, is the same in all."""
    return f"data: Too long: {'may not be more than' if minor >= 32 else 'must have at most'} {limit} bytes"
