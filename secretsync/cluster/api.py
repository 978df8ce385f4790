"""The cluster behind an API server, with what is written: each write only where nothing newer is replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

import structlog

from secretsync.cluster import connection as kubernetes_connection
from secretsync.cluster.api_reader import SECRETS, ApiReader, path_of, workload_from
from secretsync.cluster.connection import Connection, Reply
from secretsync.cluster.errors import Call, Conflict, WorkloadGone
from secretsync.core.kinds import api_version, resource_of
from secretsync.core.model import Manifest, Ref, Secret, Workload
from secretsync.core.revision_numbers import has_newer_stamp
from secretsync.core.secret_codec import contains, matches, replacement_manifest, secret_from, to_manifest

log = structlog.get_logger()

_TRIES = 5


class KubernetesCluster(ApiReader):
    """The verbs of Cluster as calls to the API, with plain dicts."""

    def create(self, secret: Secret, *, manager: str) -> Secret:
        """The Secret as the API stored it. Raises Conflict where one of that name exists with other content."""
        reply = self._post(secret, {"fieldManager": manager})
        if reply.status == HTTPStatus.CONFLICT:
            return self._already_written(secret, reply, "was created by someone else")
        return secret_from(reply.stored())

    def replace(self, secret: Secret, live: Secret, *, manager: str) -> Secret:
        """The Secret as the API stored it. Raises Conflict where *live* was deleted or changed since it was read."""
        desired_manifest = replacement_manifest(live, secret)
        reply = self._put(desired_manifest, {"fieldManager": manager})
        if reply.absent:
            raise Conflict(live.ref, "was deleted")
        if reply.status == HTTPStatus.CONFLICT:
            return self._already_written(desired_manifest, reply, "was changed by someone else")
        return secret_from(reply.stored())

    def dry_run(self, secret: Secret, live: Secret | None, *, manager: str) -> Secret | None:
        """See https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run."""
        query = {"fieldManager": manager, "dryRun": "All"}
        reply = self._put(replacement_manifest(live, secret), query) if live else self._post(secret, query)
        if reply.absent and live:
            raise Conflict(live.ref, "was deleted")
        if reply.status == HTTPStatus.CONFLICT:
            raise Conflict(secret.ref, "was changed by someone else" if live else "was created by someone else")
        if reply.status == HTTPStatus.BAD_REQUEST:
            # a webhook with side effects takes no dry run, though it may well admit the write
            log.debug("a write cannot be tried", secret=secret.name, why=str(reply.refusal()))
            return None
        return secret_from(reply.content())

    def delete(self, live: Secret) -> None:
        """Delete *live*, as it was read; one that is gone already is no error. Raises Conflict where it was changed."""
        reply = self._connection.send(
            Call("delete", "secrets", live.namespace, live.name),
            "DELETE",
            SECRETS + "/{name}",
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

    def annotate(self, workload: Workload, annotations: Mapping[str, str], *, manager: str) -> Workload:
        """Stamp the pod template. Raises Conflict where it has a newer stamp or keeps changing, WorkloadGone."""
        live = workload
        for _ in range(_TRIES):
            # a stamp that was written since then may be a newer one; anything else may have changed
            version = live.manifest["metadata"]["resourceVersion"]
            body = _apply_body(live, {"metadata": {"annotations": dict(annotations)}}, resourceVersion=version)
            reply = self._apply(workload.ref, body, manager)
            if reply.status != HTTPStatus.CONFLICT:
                break
            live = self._reload(workload)
            if has_newer_stamp(live.template_annotations, annotations):
                raise Conflict(workload.ref, "was restarted for a newer revision")
        else:
            raise Conflict(workload.ref, "kept changing")
        if reply.absent or _names_another_uid(reply):
            raise WorkloadGone(workload.ref)
        return workload_from(workload.ref.kind, reply.stored())

    def wire(self, workload: Workload, part: Manifest, *, manager: str) -> Workload:
        """Apply *part* of the template as *manager*. Raises Conflict where the template changed, WorkloadGone."""
        live = workload
        for _ in range(_TRIES):
            # what was read was judged, so nothing else is overwritten; only its status may have changed since
            body = _apply_body(live, part, resourceVersion=live.manifest["metadata"]["resourceVersion"])
            reply = self._apply(workload.ref, body, manager)
            if reply.status != HTTPStatus.CONFLICT:
                break
            live = self._with_the_same_template(workload)
        else:
            raise Conflict(workload.ref, "kept changing")
        if reply.absent or _names_another_uid(reply):
            raise WorkloadGone(workload.ref)
        return workload_from(workload.ref.kind, reply.stored())

    def set_managed_fields(self, workload: Workload, fields: Sequence[Manifest], *, manager: str) -> Workload:
        """Replace all ``managedFields`` but the status's. Raises Conflict where the template changed, WorkloadGone."""
        ref, live = workload.ref, workload
        desired = [entry for entry in fields if not _is_of_status(entry)]
        for _ in range(_TRIES):
            # what was read was judged; who wrote its status meanwhile stays as it is
            status_entries = [entry for entry in live.managed_fields if _is_of_status(entry)]
            version = live.manifest["metadata"]["resourceVersion"]
            reply = self._connection.send(
                Call("patch", resource_of(ref.kind), ref.namespace, ref.name),
                "PATCH",
                path_of(ref.kind) + "/{name}",
                query={"fieldManager": manager},
                body={"metadata": {"resourceVersion": version, "managedFields": [*desired, *status_entries]}},
                content_type="application/merge-patch+json",
            )
            if reply.status != HTTPStatus.CONFLICT:
                break
            live = self._with_the_same_template(workload)
            if _but_of_status(live) != _but_of_status(workload):
                raise Conflict(ref, "was changed by someone else")
        else:
            raise Conflict(ref, "kept changing")
        if reply.absent:
            raise WorkloadGone(ref)
        return workload_from(ref.kind, reply.stored())

    def store(self, manifest: Manifest, *, manager: str) -> Manifest:
        """Create the object, or update it where it has a resourceVersion. Returns it as stored. Raises Conflict."""
        kind, metadata = manifest["kind"], manifest["metadata"]
        exists = "resourceVersion" in metadata
        reply = self._connection.send(
            Call("update" if exists else "create", resource_of(kind), metadata["namespace"], metadata["name"]),
            "PUT" if exists else "POST",
            path_of(kind) + ("/{name}" if exists else ""),
            query={"fieldManager": manager},
            body=manifest,
        )
        if reply.status != HTTPStatus.CONFLICT and not (exists and reply.absent):
            return reply.stored()
        live = self.read(kind, metadata["namespace"], metadata["name"]) if reply.repeated else None
        if live is None or not contains(live, {**manifest, "metadata": {"name": metadata["name"]}}):
            raise Conflict(Ref(kind, metadata["namespace"], metadata["name"]), "was written by someone else")
        return live

    def create_event(self, event: Manifest, *, manager: str) -> None:
        """Write an Event; no error where its namespace is being deleted."""
        metadata = event["metadata"]
        reply = self._connection.send(
            Call("create", resource_of("Event"), metadata["namespace"], metadata["name"]),
            "POST",
            path_of("Event"),
            query={"fieldManager": manager},
            body=event,
        )
        # its name is its own: what is there already is this very Event, whose answer was lost
        if reply.status != HTTPStatus.CONFLICT:
            reply.check()

    def remove(self, manifest: Manifest) -> None:
        """Delete the object of that uid, and in the background what it owns; one that has gone is no error."""
        kind, metadata = manifest["kind"], manifest["metadata"]
        reply = self._connection.send(
            Call("delete", resource_of(kind), metadata["namespace"], metadata["name"]),
            "DELETE",
            path_of(kind) + "/{name}",
            body={
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "preconditions": {"uid": metadata["uid"]},
                "propagationPolicy": "Background",
            },
        )
        # a conflict says that another object has its name by now: the one that was meant has gone
        if not reply.absent and reply.status != HTTPStatus.CONFLICT:
            reply.check()

    def _post(self, secret: Secret, query: Mapping[str, str]) -> Reply:
        call = Call("create", "secrets", secret.namespace, secret.name)
        return self._connection.send(call, "POST", SECRETS, query=dict(query), body=to_manifest(secret))

    def _put(self, secret: Secret, query: Mapping[str, str]) -> Reply:
        call = Call("update", "secrets", secret.namespace, secret.name)
        return self._connection.send(call, "PUT", SECRETS + "/{name}", query=dict(query), body=to_manifest(secret))

    def _apply(self, ref: Ref, body: Manifest, manager: str) -> Reply:
        return self._connection.send(
            Call("patch", resource_of(ref.kind), ref.namespace, ref.name),
            "PATCH",
            path_of(ref.kind) + "/{name}",
            query={"fieldManager": manager, "force": "true"},
            body=body,
            content_type="application/apply-patch+yaml",
        )

    def _with_the_same_template(self, workload: Workload) -> Workload:
        """*workload* as it is now. Raises WorkloadGone, and Conflict where its pod template has changed."""
        current = self._reload(workload)
        if current.template != workload.template:
            raise Conflict(workload.ref, "was changed by someone else")
        return current

    def _reload(self, workload: Workload) -> Workload:
        """*workload* as it is now. Raises WorkloadGone where it is not the same object any more."""
        ref = workload.ref
        # a list of one: it costs what a GET costs, and needs no further right
        manifests = self._list(ref.kind, ref.namespace, name=ref.name)
        current = next((manifest for manifest in manifests if manifest["metadata"]["name"] == ref.name), None)
        if current is None or current["metadata"]["uid"] != workload.manifest["metadata"]["uid"]:
            raise WorkloadGone(ref)
        return Workload(ref, current)

    def _already_written(self, desired: Secret, reply: Reply, otherwise: str) -> Secret:
        """*desired* as it is live, where an earlier try of this very call wrote it and only its answer was lost."""
        live = self.secret(desired.namespace, desired.name) if reply.repeated else None
        if live is None or not matches(live, desired):
            raise Conflict(desired.ref, otherwise)
        return live


def in_cluster() -> KubernetesCluster:
    """The cluster that this process runs in, as its service account. Raises UnusableCluster."""
    return KubernetesCluster(Connection(kubernetes_connection.in_cluster()))


def in_context(context: str, kubeconfig: Path | None = None) -> KubernetesCluster:
    """The cluster of *context* in *kubeconfig* ($KUBECONFIG, else ~/.kube/config). Raises UnusableCluster."""
    return KubernetesCluster(Connection(kubernetes_connection.in_context(context, kubeconfig)))


def _is_of_status(fields: Manifest) -> bool:
    return fields.get("subresource") == "status"


def _but_of_status(workload: Workload) -> list[Manifest]:
    return [entry for entry in workload.managed_fields if not _is_of_status(entry)]


def _names_another_uid(reply: Reply) -> bool:
    """An apply with a uid conflicts where the object has gone, and is invalid where another has taken its name."""
    if reply.status == HTTPStatus.CONFLICT:
        return True
    return reply.status == HTTPStatus.UNPROCESSABLE_ENTITY and reply.refusal().reason == "metadata.uid"


def _apply_body(workload: Workload, part: Manifest, **metadata: str) -> Manifest:
    """All that our manager has of a template. The uid keeps the apply from creating the object anew when it is gone."""
    ref = workload.ref
    return {
        "apiVersion": api_version(ref.kind),
        "kind": ref.kind,
        "metadata": {
            "name": ref.name,
            "namespace": ref.namespace,
            "uid": workload.manifest["metadata"]["uid"],
            **metadata,
        },
        "spec": {"template": part},
    }
