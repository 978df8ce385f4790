"""ReplicaSets that are scaled to zero: a Deployment keeps ten of them, and little of each is ever looked at. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from secretsync.core.model import Manifest

_CONTAINER = ("name", "env", "envFrom")


def without_unread_fields(manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    """*manifests*; of a ReplicaSet without pods only its owner, its age and the Secrets that its pods would mount.

    Templates that are the same then, as nearly all of a fleet's are, are one object.
    """
    templates: dict[str, Manifest] = {}
    for manifest in manifests:
        if manifest["kind"] != "ReplicaSet" or (manifest.get("spec") or {}).get("replicas", 1) != 0:
            yield manifest
            continue
        template = _template(manifest["spec"].get("template") or {})
        yield {
            "apiVersion": manifest["apiVersion"],
            "kind": manifest["kind"],
            "metadata": _metadata(manifest["metadata"]),
            "spec": {"replicas": 0, "template": templates.setdefault(json.dumps(template), template)},
        }


def _metadata(metadata: Manifest) -> Manifest:
    owners = metadata.get("ownerReferences")
    # whose pods those of one without an owner are, its labels tell
    further = {"ownerReferences": [_part(owner, ("kind", "name", "controller")) for owner in owners]} if owners else {}
    return {**_part(metadata, ("name", "namespace", "creationTimestamp", *(() if owners else ("labels",)))), **further}


def _template(template: Manifest) -> Manifest:
    pod = template.get("spec") or {}
    return {
        "metadata": _part(template.get("metadata") or {}, ("annotations",)),
        "spec": {
            "volumes": [volume for volume in pod.get("volumes") or () if "secret" in volume or "projected" in volume],
            **{
                key: [_part(container, _CONTAINER) for container in pod.get(key) or ()]
                for key in ("initContainers", "containers")
            },
        },
    }


def _part(content: Manifest, keys: tuple[str, ...]) -> Manifest:
    return {key: content[key] for key in keys if key in content}
