"""The cluster behind an API server, as far as it is only read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

import structlog

from secretsync.cluster.connection import CALLS_AT_ONCE, Connection, Reply
from secretsync.cluster.errors import Call, Forbidden, UnreadableSelector
from secretsync.cluster.idle_replica_sets import without_unread_fields
from secretsync.core.deferred_imports import deferred_imports
from secretsync.core.kinds import KINDS, SPAWNERS, api_version, resource_of
from secretsync.core.kinds.kind import Kind, plural
from secretsync.core.log import redact
from secretsync.core.model import Manifest, Ref, Secret, Workload
from secretsync.core.secret_codec import secret_from

# rights are asked for where there is something to do
with deferred_imports("secretsync.cluster.rbac"):
    from secretsync.cluster.rbac import Access, Review

log = structlog.get_logger()

SECRETS = "/api/v1/namespaces/{namespace}/secrets"
_PODS = "/api/v1/namespaces/{namespace}/pods"
_PAGE = 500
_LOG_LINES = 10
_LOG_BYTES = 1 << 16
_LONGEST_LINE = 500


class ApiReader:
    """The verbs of Cluster that read, as calls to the API, with plain dicts."""

    runs_pods = True
    calls_at_once = CALLS_AT_ONCE

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def secret(self, namespace: str, name: str) -> Secret | None:
        """The Secret, or None where there is none. Raises ClusterError."""
        reply = self._connection.send(Call("get", "secrets", namespace, name), "GET", SECRETS + "/{name}")
        return None if reply.absent else secret_from(reply.stored())

    def workloads(self, namespace: str, selector: str = "") -> Sequence[Workload]:
        """The workloads of all kinds in *namespace* that the label *selector* takes; empty takes all."""
        return [
            workload for kind in self.workload_kinds() for workload in self._workloads_of(kind, namespace, selector)
        ]

    def workload_kinds(self) -> Sequence[Kind]:
        """The kinds of workload whose API is there; discovery is asked only for those that may be absent."""
        return [kind for kind in KINDS.values() if not kind.optional or self._connection.serves(kind)]

    def pods(self, namespace: str) -> Sequence[Manifest]:
        """All pods of *namespace*, without their ``managedFields``."""
        return [_without_managed_fields(manifest) for manifest in self._list("Pod", namespace)]

    def spawners(self, namespace: str) -> Sequence[Manifest]:
        """All objects of *namespace* that can start pods: the kinds of `SPAWNERS`."""
        found = (manifest for kind in SPAWNERS for manifest in self._list(kind, namespace))
        return list(without_unread_fields(map(_without_managed_fields, found)))

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        """The last line of the container's log that is not empty, of its previous run where this one wrote none."""
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
            text = reply.body.decode(errors="replace") if reply.status == HTTPStatus.OK else ""
            # masked before it is cut: half a credential is not known for one
            lines = redact(text).split("\n")
            if nonempty := [line.strip() for line in lines if line.strip()]:
                return nonempty[-1][:_LONGEST_LINE]
        return ""

    def read(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """The object, or None where there is none. Raises ClusterError."""
        reply = self._connection.send(Call("get", resource_of(kind), namespace, name), "GET", path_of(kind) + "/{name}")
        return None if reply.absent else reply.stored()

    def server_time(self) -> datetime:
        """The time by the API server's clock."""
        return self._connection.server_time()

    def review(self, namespace: str) -> Review:
        """What this account may do in *namespace*, as the API itself tells."""
        reply = self._post_review("SelfSubjectRulesReview", namespace, {"namespace": namespace})
        rules = reply.review()
        time = self.server_time() if reply.date else None
        return Review(tuple(rules.get("resourceRules") or ()), not rules.get("incomplete"), time)

    def allows(self, namespace: str, access: Access) -> bool:
        """Whether this account may do one thing in *namespace*, as the API itself tells."""
        resource, _, subresource = access.resource.partition("/")
        attributes = {"namespace": namespace, "verb": access.verb, "group": access.group, "resource": resource}
        spec = {"resourceAttributes": {**attributes, "subresource": subresource, "name": access.name}}
        reply = self._post_review("SelfSubjectAccessReview", namespace, spec)
        return bool(reply.review().get("allowed"))

    def _post_review(self, kind: str, namespace: str, spec: Manifest) -> Reply:
        """A question about this account, which the API takes as an object."""
        resource = f"{kind.lower()}s"
        return self._connection.send(
            Call("create", f"{resource}.authorization.k8s.io", namespace),
            "POST",
            f"/apis/authorization.k8s.io/v1/{resource}",
            body={"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec},
        )

    def _workloads_of(self, kind: Kind, namespace: str, selector: str) -> list[Workload]:
        try:
            manifests = list(self._list(kind.name, namespace, selector))
        except Forbidden as error:
            if not kind.optional:
                raise
            # an installation whose Role is older than the API must not fail for a kind that it may not even use
            log.warning("a kind of workload is left out", kind=kind.name, why=str(error))
            return []
        return [workload_from(kind.name, manifest) for manifest in manifests if kind.has_template(manifest)]

    def _list(self, kind: str, namespace: str, selector: str = "", *, name: str = "") -> Iterator[Manifest]:
        """All of a kind, or those with *name* alone; their kind is added, which a list leaves out."""
        query: dict[str, Any] = {"limit": _PAGE}
        if selector:
            query["labelSelector"] = selector
        if name:
            query["fieldSelector"] = f"metadata.name={name}"
        while True:
            reply = self._connection.send(Call("list", resource_of(kind), namespace), "GET", path_of(kind), query=query)
            if selector and reply.status == HTTPStatus.BAD_REQUEST:
                raise UnreadableSelector(selector)
            items, continue_token = reply.items()
            for item in items:
                yield {"apiVersion": api_version(kind), "kind": kind, **item}
            query["continue"] = continue_token
            if not continue_token:
                return


def path_of(kind: str) -> str:
    """The path of all objects of a kind in a namespace."""
    version = api_version(kind)
    return f"/{'apis' if '/' in version else 'api'}/{version}/namespaces/{{namespace}}/{plural(kind)}"


def workload_from(kind: str, manifest: Manifest) -> Workload:
    """The workload that *manifest* describes."""
    metadata = manifest["metadata"]
    return Workload(Ref(kind, metadata["namespace"], metadata["name"]), manifest)


def _without_managed_fields(manifest: Manifest) -> Manifest:
    """Who wrote what is read of workloads alone."""
    manifest["metadata"].pop("managedFields", None)
    return manifest
