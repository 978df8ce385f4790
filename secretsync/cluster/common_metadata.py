"""Labels and annotations that a site wants on every object that is made in a namespace: its policies require them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from secretsync.cluster.protocol import Cluster
from secretsync.core.model import Manifest, Secret


def with_common_metadata(cluster: Cluster, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Cluster:
    """*cluster*, where all that is created or replaced has these *labels* and *annotations* as well."""
    if not labels and not annotations:
        return cluster
    return cast("Cluster", WithCommonMetadata(cluster, labels, annotations))


class WithCommonMetadata:
    """What is read comes as it is; an object's own labels and annotations win."""

    def __init__(self, cluster: Cluster, labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        self._cluster, self._labels, self._annotations = cluster, labels, annotations

    @property
    def without_metadata(self) -> Cluster:
        """The cluster itself."""
        return self._cluster

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._cluster, verb)

    def create(self, secret: Secret, *, manager: str) -> Secret:
        """Create the Secret with the target's labels and annotations. Raises Conflict."""
        return self._cluster.create(self._secret(secret), manager=manager)

    def replace(self, secret: Secret, live: Secret, *, manager: str) -> Secret:
        """Replace the Secret with one that has the target's labels and annotations. Raises Conflict."""
        return self._cluster.replace(self._secret(secret), live, manager=manager)

    def dry_run(self, secret: Secret, live: Secret | None, *, manager: str) -> Secret | None:
        """Try the write with the target's labels and annotations. Returns what the API would store."""
        return self._cluster.dry_run(self._secret(secret), live, manager=manager)

    def store(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Write the object with the target's labels and annotations. Raises Conflict."""
        return self._cluster.store(self._object(manifest), manager=manager)

    def create_event(self, event: Manifest, *, manager: str) -> None:
        """Write the Event with the target's labels and annotations."""
        self._cluster.create_event(self._object(event), manager=manager)

    def _secret(self, secret: Secret) -> Secret:
        return replace(
            secret,
            labels={**self._labels, **secret.labels},
            annotations={**self._annotations, **secret.annotations},
        )

    def _object(self, manifest: Manifest) -> Manifest:
        """The object, and the pods that a Job makes: policies judge both."""
        labelled = {**manifest, "metadata": self._metadata(manifest.get("metadata"))}
        template = (manifest.get("spec") or {}).get("template")
        if isinstance(template, dict):
            template = {**template, "metadata": self._metadata(template.get("metadata"))}
            labelled["spec"] = {**manifest["spec"], "template": template}
        return labelled

    def _metadata(self, metadata: Manifest | None) -> Manifest:
        own = metadata or {}
        common = {"labels": self._labels, "annotations": self._annotations}
        return {**own, **{key: {**common[key], **(own.get(key) or {})} for key in common if common[key]}}
