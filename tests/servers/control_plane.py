"""A real Kubernetes control plane for tests: started by a script, or any disposable cluster.

SECRETSYNC_TEST_KUBECONFIG names the kubeconfig of a cluster that may be filled with namespaces (its current context is
used); SECRETSYNC_TEST_CLUSTER_SCRIPT a script with the commands ``up DIRECTORY``, which prints a kubeconfig, and ``down
DIRECTORY``. Without either, the script is looked for beside the repository.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml

from secretsync.cluster.api import KubernetesCluster, in_context
from secretsync.cluster.connection import Connection
from secretsync.cluster.connection import in_context as client_in_context
from secretsync.cluster.errors import Call

KUBECONFIG = "SECRETSYNC_TEST_KUBECONFIG"
SCRIPT = "SECRETSYNC_TEST_CLUSTER_SCRIPT"
_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "cluster" / "cluster.sh"

Object = dict[str, Any]


class NoControlPlane(Exception):
    """There is none on this machine; the message says what to set."""


@dataclass
class ControlPlane:
    """*connection* is the administrator's, under a name of its own, so that its calls are told from secretsync's."""

    kubeconfig: Path
    context: str
    server: str
    certificate_authority: Path | None
    audit_log: Path | None
    connection: Connection = field(repr=False)

    @property
    def cluster(self) -> KubernetesCluster:
        return in_context(self.context, self.kubeconfig)

    def put(self, manifest: Object) -> Object:
        """Create *manifest*, or put it in place of what is there."""
        metadata, query = manifest["metadata"], {"fieldManager": "somebody"}
        call = Call("create", manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        path = _path(manifest)
        there = self.connection.send(call, "GET", path + "/{name}").status == 200
        method, path = ("PUT", path + "/{name}") if there else ("POST", path)
        return self.connection.send(call, method, path, query=query, body=manifest).content()

    def serves(self, kind: str) -> bool:
        """Whether the API has *kind*; earlier minors lack some, as MutatingAdmissionPolicy."""
        return self.connection.send(Call("list", kind, ""), "GET", _path({"kind": kind})).status == HTTPStatus.OK

    def admits(self, kind: str, namespace: str, name: str) -> bool:
        """Whether the API would take a change of an object, by a dry run of an update of it."""
        live = self.get(kind, namespace, name)
        changed = {**live["metadata"], "annotations": {**live["metadata"].get("annotations", {}), "tried": "yes"}}
        call = Call("update", kind, namespace, name)
        query = {"fieldManager": "somebody", "dryRun": "All"}
        body = {**live, "metadata": changed}
        status = self.connection.send(call, "PUT", _path({"kind": kind}) + "/{name}", query=query, body=body).status
        # a conflict is no word of an admission policy: the object changed in between
        return status in (HTTPStatus.OK, HTTPStatus.CONFLICT)

    def get(self, kind: str, namespace: str, name: str) -> Object:
        reply = self.connection.send(Call("get", kind, namespace, name), "GET", _path({"kind": kind}) + "/{name}")
        return reply.content()

    def all(self, kind: str, namespace: str) -> list[Object]:
        """All objects of a kind in a namespace."""
        items, further = self.connection.send(Call("list", kind, namespace), "GET", _path({"kind": kind})).items()
        assert not further
        return items

    def log(self, namespace: str, pod: str) -> str:
        """What a pod wrote; nothing where it has gone since it was listed, or has no node yet (204)."""
        call = Call("get", "pods/log", namespace, pod)
        reply = self.connection.send(call, "GET", "/api/v1/namespaces/{namespace}/pods/{name}/log")
        if reply.absent or reply.status == HTTPStatus.NO_CONTENT:
            return ""
        if reply.status != HTTPStatus.OK:
            raise reply.refusal()
        return reply.body.decode()

    def remove(self, kind: str, namespace: str, name: str) -> None:
        self.connection.send(Call("delete", kind, namespace, name), "DELETE", _path({"kind": kind}) + "/{name}").check()

    def kubeconfig_for(self, path: Path, server: str = "", token: str = "") -> Path:
        """A copy of the kubeconfig that leads to another *server* (a proxy) or speaks for another account."""
        config = yaml.safe_load(self.kubeconfig.read_text())
        if server:
            config["clusters"][0]["cluster"] = {"server": server}
        if token:
            config["users"][0]["user"] = {"token": token}
        path.write_text(yaml.safe_dump(config))
        return path

    def token(self, namespace: str, account: str, rules: list[Object]) -> str:
        """A token of a new service account that may do what *rules* say in its namespace, and nothing else."""
        named = {"name": account, "namespace": namespace}
        group = "rbac.authorization.k8s.io"
        self.put({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named})
        self.put({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": named, "rules": rules})
        self.put(
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": named,
                "roleRef": {"apiGroup": group, "kind": "Role", "name": account},
                "subjects": [{"kind": "ServiceAccount", **named}],
            }
        )
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = _path({"kind": "ServiceAccount"}) + "/{name}/token"
        reply = self.connection.send(Call("create", "token", namespace, account), "POST", path, body=request)
        token: str = reply.content()["status"]["token"]
        return token

    def signal(self, part: str, number: signal.Signals) -> None:
        """Send a signal to a part of the control plane."""
        pid = self.kubeconfig.with_name(f"{part}.pid")
        if not pid.exists():
            raise NoControlPlane(f"the {part} of this cluster is not a process that a test may stop")
        os.kill(int(pid.read_text()), number)

    def audit_mark(self) -> int:
        """A place in the audit log, to read from later."""
        return self.audit_log.stat().st_size if self.audit_log else 0

    def calls_since(self, mark: int, namespace: str, user_agent: str = "secretsync/") -> list[AuditedCall]:
        """What the API server saw secretsync (or another user agent) do in *namespace* since *mark*."""
        if self.audit_log is None:
            raise NoControlPlane("this cluster has no audit log to read")
        with self.audit_log.open("rb") as log:
            log.seek(mark)
            events = [json.loads(line) for line in log.read().splitlines()]
        calls = [AuditedCall.of(event) for event in events if event["userAgent"].startswith(user_agent)]
        return [call for call in calls if call.namespace == namespace]


@dataclass(frozen=True)
class AuditedCall:
    verb: str
    resource: str
    namespace: str
    name: str
    status: int
    answered: datetime
    dry_run: bool = False

    @classmethod
    def of(cls, event: Object) -> AuditedCall:
        target = event.get("objectRef") or {}
        return cls(
            verb=event["verb"],
            resource=target.get("resource", ""),
            namespace=target.get("namespace", ""),
            name=target.get("name", ""),
            status=event["responseStatus"]["code"],
            answered=datetime.fromisoformat(event["stageTimestamp"]),
            dry_run="dryRun=All" in event["requestURI"],
        )

    @property
    def writes(self) -> bool:
        return self.verb not in ("get", "list", "watch") and not self.dry_run

    @property
    def touches(self) -> bool:
        """Whether it writes anything but what a pass came to: the state object, Events, and whose turn it is."""
        return self.writes and self.resource not in ("leases", "events") and self.name != "secretsync-state"


@contextlib.contextmanager
def control_plane(directory: Path) -> Iterator[ControlPlane]:
    """The control plane of this session. Raises NoControlPlane."""
    if kubeconfig := os.environ.get(KUBECONFIG):
        yield _at(Path(kubeconfig))
        return
    script = Path(os.environ.get(SCRIPT) or _BESIDE)
    if not script.is_file():
        raise NoControlPlane(f"no control plane: set {KUBECONFIG} to a disposable cluster's, or {SCRIPT} to a script")
    environment = {**os.environ, "PORT": str(_free_ports(3)), "PYTHON": sys.executable}
    up = subprocess.run([script, "up", directory], env=environment, check=True, stdout=subprocess.PIPE, text=True)
    try:
        yield _at(Path(up.stdout.strip().splitlines()[-1]))
    finally:
        subprocess.run([script, "down", directory], env=environment, check=True)


def _at(kubeconfig: Path) -> ControlPlane:
    config = yaml.safe_load(kubeconfig.read_text())
    context = config["current-context"]
    client = client_in_context(context, kubeconfig)
    connection = Connection(client)
    client.user_agent = "test"
    audit_log = kubeconfig.with_name("audit.log")
    return ControlPlane(
        kubeconfig=kubeconfig,
        context=context,
        server=client.configuration.host,
        certificate_authority=Path(client.configuration.ssl_ca_cert) if client.configuration.ssl_ca_cert else None,
        audit_log=audit_log if audit_log.exists() else None,
        connection=connection,
    )


def _free_ports(count: int) -> int:
    """The first of *count* free ports in a row."""
    for _ in range(100):
        first = random.randrange(20000, 32000, 10)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise NoControlPlane("no free ports in a row")


_GROUPS = {
    "Deployment": "apis/apps/v1",
    "StatefulSet": "apis/apps/v1",
    "DaemonSet": "apis/apps/v1",
    "ReplicaSet": "apis/apps/v1",
    "ControllerRevision": "apis/apps/v1",
    "Job": "apis/batch/v1",
    "CronJob": "apis/batch/v1",
    "Lease": "apis/coordination.k8s.io/v1",
    "Role": "apis/rbac.authorization.k8s.io/v1",
    "RoleBinding": "apis/rbac.authorization.k8s.io/v1",
}
_CLUSTER_WIDE = {
    "Namespace": "api/v1/namespaces",
    "ValidatingAdmissionPolicy": "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
    "MutatingAdmissionPolicy": "apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies",
    "MutatingAdmissionPolicyBinding": "apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings",
}


def _path(manifest: Object) -> str:
    kind = manifest["kind"]
    if kind in _CLUSTER_WIDE:
        return f"/{_CLUSTER_WIDE[kind]}"
    return f"/{_GROUPS.get(kind, 'api/v1')}/namespaces/{{namespace}}/{kind.lower()}s"
