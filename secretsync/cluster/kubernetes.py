"""The cluster behind an API server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from secretsync.cluster.errors import Call, Conflict, UnreadableSelector, WorkloadGone
from secretsync.cluster.kubernetes_connection import Connection, Reply
from secretsync.manifest import in_place_of, secret_from, shows, to_manifest
from secretsync.model import Manifest, Ref, Secret, Workload

_SECRETS = "/api/v1/namespaces/{namespace}/secrets"
_PODS = "/api/v1/namespaces/{namespace}/pods"
_WORKLOADS = {
    kind: f"/apis/apps/v1/namespaces/{{namespace}}/{kind.lower()}s"
    for kind in ("Deployment", "StatefulSet", "DaemonSet")
}
_SPAWNERS = {
    "ReplicaSet": ("replicasets.apps", "/apis/apps/v1/namespaces/{namespace}/replicasets"),
    "Job": ("jobs.batch", "/apis/batch/v1/namespaces/{namespace}/jobs"),
    "CronJob": ("cronjobs.batch", "/apis/batch/v1/namespaces/{namespace}/cronjobs"),
    "Pod": ("pods", _PODS),
}
_PAGE = 500
_LOG_LINES = 10
_LOG_BYTES = 1 << 16
_LONGEST_LINE = 500


class KubernetesCluster:
    """The verbs of Cluster as calls to the API, with plain dicts."""

    runs_pods = True

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def secret(self, namespace: str, name: str) -> Secret | None:
        reply = self._connection.send(Call("get", "secrets", namespace, name), "GET", _SECRETS + "/{name}")
        return None if reply.absent else secret_from(reply.content())

    def create(self, secret: Secret, *, manager: str) -> Secret:
        reply = self._connection.send(
            Call("create", "secrets", secret.namespace, secret.name),
            "POST",
            _SECRETS,
            query={"fieldManager": manager},
            body=to_manifest(secret),
        )
        if reply.status == HTTPStatus.CONFLICT:
            return self._already_written(secret, reply, "was created by someone else")
        return secret_from(reply.content())

    def replace(self, secret: Secret, live: Secret, *, manager: str) -> Secret:
        wanted = in_place_of(live, secret)
        reply = self._connection.send(
            Call("update", "secrets", wanted.namespace, wanted.name),
            "PUT",
            _SECRETS + "/{name}",
            query={"fieldManager": manager},
            body=to_manifest(wanted),
        )
        if reply.absent:
            raise Conflict(live.ref, "was deleted")
        if reply.status == HTTPStatus.CONFLICT:
            return self._already_written(wanted, reply, "was changed by someone else")
        return secret_from(reply.content())

    def delete(self, live: Secret) -> None:
        reply = self._connection.send(
            Call("delete", "secrets", live.namespace, live.name),
            "DELETE",
            _SECRETS + "/{name}",
            body={
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "preconditions": {key: live.metadata[key] for key in ("uid", "resourceVersion")},
            },
        )
        if reply.status == HTTPStatus.CONFLICT:
            raise Conflict(live.ref, "was changed by someone else")
        if not reply.absent:
            reply.check()

    def workloads(self, namespace: str, selector: str = "") -> Sequence[Workload]:
        return [
            Workload(
                Ref(kind, namespace, item["metadata"]["name"]),
                {"apiVersion": "apps/v1", "kind": kind, **item},
            )
            for kind in _WORKLOADS
            for item in self._list(Call("list", _resource(kind), namespace), _WORKLOADS[kind], selector)
        ]

    def pods(self, namespace: str) -> Sequence[Manifest]:
        return list(self._list(Call("list", "pods", namespace), _PODS))

    def spawners(self, namespace: str) -> Sequence[Manifest]:
        return [
            {"kind": kind, **item}
            for kind, (resource, path) in _SPAWNERS.items()
            for item in self._list(Call("list", resource, namespace), path)
        ]

    def annotate(self, workload: Workload, annotations: Mapping[str, str], *, manager: str) -> Workload:
        ref = workload.ref
        reply = self._connection.send(
            Call("patch", _resource(ref.kind), ref.namespace, ref.name),
            "PATCH",
            _WORKLOADS[ref.kind] + "/{name}",
            query={"fieldManager": manager, "force": "true"},
            body=_apply_body(workload, annotations),
            content_type="application/apply-patch+yaml",
        )
        if reply.absent or _names_another_uid(reply):
            raise WorkloadGone(ref)
        return Workload(ref, _without_managed_fields(reply.content()))

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        for previous in ("false", "true"):
            reply = self._connection.send(
                Call("get", "pods/log", namespace, pod),
                "GET",
                _PODS + "/{name}/log",
                query={
                    "container": container,
                    "previous": previous,
                    "tailLines": _LOG_LINES,
                    "limitBytes": _LOG_BYTES,
                },
            )
            lines = reply.body.decode(errors="replace").split("\n") if reply.status == HTTPStatus.OK else []
            if words := [line.strip() for line in lines if line.strip()]:
                return words[-1][:_LONGEST_LINE]
        return ""

    def _already_written(self, wanted: Secret, reply: Reply, otherwise: str) -> Secret:
        """*wanted* as it is live, where an earlier try of this very call wrote it and only its answer was lost."""
        live = self.secret(wanted.namespace, wanted.name) if reply.repeated else None
        if live is None or not shows(live, wanted):
            raise Conflict(wanted.ref, otherwise)
        return live

    def _list(self, call: Call, path: str, selector: str = "") -> Iterator[Manifest]:
        query: dict[str, Any] = {"limit": _PAGE}
        if selector:
            query["labelSelector"] = selector
        while True:
            reply = self._connection.send(call, "GET", path, query=query)
            if selector and reply.status == HTTPStatus.BAD_REQUEST:
                raise UnreadableSelector(selector)
            page = reply.content()
            yield from map(_without_managed_fields, page["items"])
            query["continue"] = page["metadata"].get("continue")
            if not query["continue"]:
                return


def _resource(kind: str) -> str:
    return f"{kind.lower()}s.apps"


def _names_another_uid(reply: Reply) -> bool:
    """An apply with a uid conflicts where the object has gone, and is invalid where another has taken its name."""
    if reply.status == HTTPStatus.CONFLICT:
        return True
    return reply.status == HTTPStatus.UNPROCESSABLE_ENTITY and reply.refusal().why == "metadata.uid"


def _apply_body(workload: Workload, annotations: Mapping[str, str]) -> Manifest:
    """All that our manager owns. The uid keeps the apply from creating the object anew when it has gone."""
    ref = workload.ref
    return {
        "apiVersion": "apps/v1",
        "kind": ref.kind,
        "metadata": {
            "name": ref.name,
            "namespace": ref.namespace,
            "uid": workload.manifest["metadata"]["uid"],
        },
        "spec": {"template": {"metadata": {"annotations": dict(annotations)}}},
    }


def _without_managed_fields(manifest: Manifest) -> Manifest:
    manifest["metadata"].pop("managedFields", None)
    return manifest
