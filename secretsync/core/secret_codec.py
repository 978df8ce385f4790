"""A Secret and the dict that Kubernetes speaks: one to the other. Base64 lives here and nowhere else."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Manifest, Secret
from secretsync.core.times import iso_time

OURS = "secretsync.rucio/"
"""The prefix of our own labels and annotations: a write leaves none of them behind that it does not want."""


@dataclass(eq=False)
class UnreadableSecret(SecretSyncError):
    """A value of a Secret's ``data`` is not base64, or one of its ``stringData`` no text; *key* names it."""

    code = "unreadable_secret"

    namespace: str
    name: str
    key: str
    is_text: bool = False

    def __str__(self) -> str:
        value = f"Secret {self.namespace}/{self.name}: the value of {self.key!r}"
        if self.is_text:
            return f"{value} in 'stringData' is no text; quote it, or delete the key"
        return f"{value} in 'data' is not base64; put plain text under 'stringData', or delete the key"


def secret_from(manifest: Manifest) -> Secret:
    """The Secret that *manifest* describes; ``stringData`` wins over ``data``, as in the API.

    Raises UnreadableSecret.
    """
    metadata: Manifest = dict(manifest["metadata"])
    namespace, name = metadata.pop("namespace", ""), metadata.pop("name")
    labels, annotations = metadata.pop("labels", None), metadata.pop("annotations", None)
    data = {key: _decoded(namespace, name, key, value) for key, value in (manifest.get("data") or {}).items()}
    data |= {key: _encoded(namespace, name, key, value) for key, value in (manifest.get("stringData") or {}).items()}
    return Secret(
        namespace=namespace,
        name=name,
        data=data,
        labels=labels or {},
        annotations=annotations or {},
        type=manifest.get("type") or "Opaque",
        immutable=bool(manifest.get("immutable")),
        metadata=metadata,
        data_written=_newest_write_to_data(metadata.get("managedFields") or ()),
    )


def _encoded(namespace: str, name: str, key: str, value: Any) -> bytes:
    try:
        return str.encode(value)
    except (TypeError, UnicodeEncodeError):
        raise UnreadableSecret(namespace, name, key, is_text=True) from None


def to_manifest(secret: Secret) -> Manifest:
    """The whole object, in the order in which people write it, keys sorted."""
    metadata: Manifest = {"name": secret.name, "namespace": secret.namespace}
    if secret.labels:
        metadata["labels"] = dict(sorted(secret.labels.items()))
    if secret.annotations:
        metadata["annotations"] = dict(sorted(secret.annotations.items()))
    metadata |= dict(sorted(secret.metadata.items()))
    manifest: Manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": secret.type}
    if secret.immutable:
        manifest["immutable"] = True
    if secret.data:
        manifest["data"] = {key: base64.b64encode(value).decode() for key, value in sorted(secret.data.items())}
    return manifest


def replacement_manifest(live: Secret, desired: Secret) -> Secret:
    """*desired* as it replaces *live*: its data whole, and what others put on the object as it was.

    A bare PUT would drop others' labels, annotations, finalizers and owners; ours that are no longer desired do go.
    *live*'s ``resourceVersion`` comes along with the rest of its metadata, so that a write in between is a conflict
    instead of a loss.
    """
    return replace(
        desired,
        labels={**_foreign(live.labels), **desired.labels},
        annotations={**_foreign(live.annotations), **desired.annotations},
        metadata=live.metadata,
    )


def matches(live: Secret, desired: Secret) -> bool:
    """Whether *live* is what a write of *desired* leaves: the same data, and every label and annotation of it."""
    return (
        live.data == desired.data
        and live.type == desired.type
        and desired.labels.items() <= live.labels.items()
        and desired.annotations.items() <= live.annotations.items()
    )


def _foreign(entries: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in entries.items() if not key.startswith(OURS)}


def _decoded(namespace: str, name: str, key: str, value: str | None) -> bytes:
    try:
        # Go's decoder, hence the API, skips line breaks and nothing else.
        return base64.b64decode((value or "").replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError, AttributeError):
        raise UnreadableSecret(namespace, name, key) from None


def _newest_write_to_data(managers: Iterable[Manifest]) -> datetime | None:
    """When any manager last wrote to ``data``, by the server's clock in whole seconds; None where nothing tells."""
    times = [
        time
        for entry in managers
        if "f:data" in (entry.get("fieldsV1") or {}) and (time := iso_time(entry.get("time")))
    ]
    return max(times, default=None)


def contains(live: object, desired: object) -> bool:
    """Whether *live* says all that *desired* says; what the API added to it does not count."""
    if isinstance(live, dict) and isinstance(desired, dict):
        return all(key in live and contains(live[key], value) for key, value in desired.items())
    if isinstance(live, list) and isinstance(desired, list):
        return len(live) == len(desired) and all(map(contains, live, desired))
    return live == desired
