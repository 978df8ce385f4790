"""What the API answers, read from its bytes: JSON of the shape that every object and list of Kubernetes' has. Pure."""

from __future__ import annotations

import json
from typing import Any

from secretsync.cluster.schema import wrong_field
from secretsync.core.model import Manifest


class NotAnObject(ValueError):
    """The bytes are no answer of the Kubernetes API; the text is a part of a sentence."""


def object_in(body: bytes) -> Manifest:
    """The object in *body*, be it a list or a Status. Raises NotAnObject."""
    content = _json(body)
    if not isinstance(content, dict):
        raise NotAnObject(f"JSON that is no object but {_kind_of(content)}")
    if not isinstance(content.get("kind"), str) or not content["kind"]:
        raise NotAnObject("an object without a kind")
    metadata = content.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise NotAnObject(f"a {content['kind']} whose metadata is {_kind_of(metadata)}")
    return {**content, "metadata": metadata}


def named_object_in(body: bytes) -> Manifest:
    """The one object in *body*, which has a name. Raises NotAnObject."""
    content = object_in(body)
    _refuse_malformed(content, content["kind"])
    return content


def stored(manifest: Manifest, namespace: str, name: str = "") -> Manifest:
    """*manifest*, which is the stored object that was asked for (any where *name* is empty). Raises NotAnObject.

    What has no resourceVersion or uid could only be written whatever was there meanwhile.
    """
    metadata = manifest["metadata"]
    for key, expected in (("name", name), ("namespace", namespace), ("resourceVersion", ""), ("uid", "")):
        value = metadata.get(key)
        if not isinstance(value, str) or not value:
            raise NotAnObject(f"an object without metadata.{key}")
        if expected and value != expected:
            raise NotAnObject(f"an object of another {key}")
    return manifest


def workload(manifest: Manifest) -> Manifest:
    """*manifest*, which has a selector and a pod template, or refers to the workload that has. Raises NotAnObject."""
    spec = manifest.get("spec")
    if not isinstance(spec, dict):
        raise NotAnObject("a workload without a spec")
    if "workloadRef" in spec and "template" not in spec:
        return manifest
    template = spec.get("template")
    pod = template.get("spec") if isinstance(template, dict) else None
    containers = pod.get("containers") if isinstance(pod, dict) else None
    if not isinstance(containers, list) or not all(
        isinstance(container, dict) and container.get("name") for container in containers
    ):
        raise NotAnObject("a workload without a pod template")
    if not isinstance(spec.get("selector"), dict):
        raise NotAnObject("a workload without a selector")
    return manifest


def items_in(body: bytes) -> tuple[list[Manifest], str]:
    """The objects of the list in *body*, and where it goes on; empty at its end. Raises NotAnObject."""
    content = object_in(body)
    items, continue_token = content.get("items"), content["metadata"].get("continue") or ""
    if items is None and "items" in content:
        items = []  # how an empty list may be written
    if not isinstance(items, list):
        raise NotAnObject(f"a {content['kind']} without items")
    for item in items:
        if not isinstance(item, dict):
            raise NotAnObject(f"a {content['kind']} with {_kind_of(item)} among its items")
        _refuse_malformed(item, content["kind"])
    if not isinstance(continue_token, str):
        raise NotAnObject(f"a {content['kind']} that goes on at {_kind_of(continue_token)}")
    return items, continue_token


def resources_in(body: bytes) -> frozenset[str]:
    """The names of the resources in a list of discovery, none where it names none. Raises NotAnObject."""
    content = object_in(body)
    resources = content.get("resources", [])
    if not isinstance(resources, list) or not all(isinstance(resource, dict) for resource in resources):
        raise NotAnObject(f"a {content['kind']} without resources")
    return frozenset(str(resource.get("name", "")) for resource in resources)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except RecursionError:
        raise NotAnObject("JSON that is nested too deep") from None
    except ValueError:  # UnicodeDecodeError, JSONDecodeError, and integers of thousands of digits
        raise NotAnObject("no JSON" if body else "nothing") from None


def _refuse_malformed(manifest: Manifest, kind: str) -> None:
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise NotAnObject(f"a {kind} without metadata.name")
    # the data of other kinds, ControllerRevisions for one, are objects
    texts = ("labels", "annotations", *(["data"] if kind.startswith(("Secret", "ConfigMap")) else []))
    for name in texts:
        value = manifest.get(name) if name == "data" else metadata.get(name)
        if value is not None and not _is_text(value):
            raise NotAnObject(f"a {kind} whose {name} are not text")
    for name in ("spec", "status"):
        if manifest.get(name) is not None and not isinstance(manifest[name], dict):
            raise NotAnObject(f"a {kind} whose {name} is {_kind_of(manifest[name])}")
    if wrong := wrong_field(manifest, kind):
        raise NotAnObject(f"a {kind} whose {wrong.removeprefix('.')} is of another type than Kubernetes'")


def _is_text(written: Any) -> bool:
    return isinstance(written, dict) and all(isinstance(value, str) for value in written.values())


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    return {dict: "an object", list: "a list", str: "a text", bool: "a boolean"}.get(type(value), "a number")
