"""ReplicaSets that are scaled to zero: a Deployment keeps ten of them, and little of each is ever looked at. Pure."""

from __future__ import annotations

from secretsync.core.model import Manifest

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "labels", "ownerReferences")
_CONTAINER = ("name", "env", "envFrom")


def without_unread_fields(manifest: Manifest) -> Manifest:
    """*manifest*; of a ReplicaSet without pods only its owner, its age and the Secrets that its pods would mount."""
    spec = manifest.get("spec") or {}
    if manifest["kind"] != "ReplicaSet" or spec.get("replicas", 1) != 0:
        return manifest
    template = spec.get("template") or {}
    pod = template.get("spec") or {}
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": _part(manifest["metadata"], _METADATA),
        "spec": {
            "replicas": 0,
            "template": {
                "metadata": _part(template.get("metadata") or {}, ("annotations",)),
                "spec": {
                    "volumes": [
                        volume for volume in pod.get("volumes") or () if "secret" in volume or "projected" in volume
                    ],
                    **{
                        key: [_part(container, _CONTAINER) for container in pod.get(key) or ()]
                        for key in ("initContainers", "containers")
                    },
                },
            },
        },
    }


def _part(content: Manifest, keys: tuple[str, ...]) -> Manifest:
    return {key: content[key] for key in keys if key in content}
