"""What a cluster refuses: each refusal a fact, named by verb, resource and namespace, with its remedy."""

from __future__ import annotations

from dataclasses import dataclass

from secretsync.core.errors import ClusterError, ConfigError, SecretSyncError
from secretsync.core.model import Ref


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API, in the words of RBAC."""

    verb: str
    resource: str
    namespace: str
    name: str = ""

    def __str__(self) -> str:
        quoted_name = f" {self.name!r}" if self.name else ""
        location = f" in namespace {self.namespace!r}" if self.namespace else ""
        return f"{self.verb} {self.resource}{quoted_name}{location}"


@dataclass(eq=False)
class UnusableCluster(ConfigError):
    """No connection can even be tried: the kubeconfig, its context or the service account does not serve."""

    code = "unusable_cluster"

    location: str
    problem: str

    def __str__(self) -> str:
        return f"{self.location} cannot be used: {self.problem}"


@dataclass(eq=False)
class UnreadableSelector(ConfigError):
    """A target's label selector is not one."""

    code = "unreadable_selector"

    selector: str

    def __str__(self) -> str:
        return (
            f"selector {self.selector!r} cannot be read: write it as kubectl's --selector takes it, 'app=rucio-server'"
        )


@dataclass(eq=False)
class Conflict(SecretSyncError):
    """The object is not what was read; nothing was overwritten. *problem* says what happened to it."""

    code = "conflict"
    category = "conflict"

    ref: Ref
    problem: str

    def __str__(self) -> str:
        return f"{self.ref} {self.problem} since it was read; nothing was overwritten: run again to plan anew"


@dataclass(eq=False)
class WorkloadGone(ClusterError):
    """The workload that was to be restarted is no longer there."""

    code = "workload_gone"

    ref: Ref

    def __str__(self) -> str:
        return f"{self.ref} has gone, or was made anew, since it was read: it was not restarted"


@dataclass(eq=False)
class Unreachable(ClusterError):
    """No answer, after all retries. A write may have taken place all the same: the next run reads and tells."""

    code = "api_unreachable"

    call: Call
    host: str
    reason: str

    def __str__(self) -> str:
        return f"cannot {self.call}: no answer from {self.host} ({self.reason}); {self._remedy}"

    @property
    def _remedy(self) -> str:
        if "CERTIFICATE_VERIFY_FAILED" in self.reason:
            return "correct the certificate authority, the server's name or 'tls-server-name' of its kubeconfig"
        return "is the API server up and reachable?"


@dataclass(eq=False)
class NotKubernetes(ClusterError):
    """What answered is not the Kubernetes API: a sign-in page, a proxy; *problem* is what it answered instead."""

    code = "not_kubernetes"

    call: Call
    host: str
    problem: str

    def __str__(self) -> str:
        return (
            f"cannot {self.call}: what answers at {self.host} is not the Kubernetes API ({self.problem}); correct the "
            "server's address, or sign in at the proxy that stands before it"
        )


@dataclass(eq=False)
class Refusal(ClusterError):
    """The API answered a call with an error. *status* is the HTTP status, *reason* the part that is fit to show."""

    code = "refusal"

    call: Call
    status: int
    reason: str = ""

    @property
    def remedy(self) -> str:
        """What to do: read the API server's log, as nothing more is known."""
        return "see the API server's log"

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"cannot {self.call}: HTTP {self.status}{reason}; {self.remedy}"


class Unauthorized(Refusal):
    """The credentials are not (or no longer) accepted."""

    code = "unauthorized"

    @property
    def remedy(self) -> str:
        """What to do: renew the credentials."""
        return "the API server does not accept the credentials: renew the token or certificate, then run again"


class Forbidden(Refusal):
    """The account lacks a permission."""

    code = "forbidden"

    @property
    def remedy(self) -> str:
        """What to do: the ``kubectl`` command that asks for the right which is missing."""
        call = self.call
        # a rule may hold for this name alone; after a slash, kubectl takes what it is given for a name
        name = f"{call.resource}/{call.name}" if call.name and "/" not in call.resource else call.resource
        return (
            f"allow it in a Role: verbs [{call.verb}], resources [{call.resource.partition('.')[0]}] "
            f"(try: kubectl auth can-i {call.verb} {name} -n {call.namespace}, with "
            "--as system:serviceaccount:NAMESPACE:NAME where it runs in a pod)"
        )


class NotFound(Refusal):
    """The object itself is not there."""

    code = "not_found"

    @property
    def remedy(self) -> str:
        """What to do: create the object, or correct the target."""
        return "it does not exist: create it, or correct the target"


class NamespaceMissing(Refusal):
    """The namespace does not exist."""

    code = "namespace_missing"

    @property
    def remedy(self) -> str:
        """What to do: create the namespace, or correct the target."""
        return f"the namespace does not exist: kubectl create namespace {self.call.namespace}, or correct the target"


class NamespaceTerminating(Refusal):
    """The namespace is being deleted and takes nothing new."""

    code = "namespace_terminating"

    @property
    def remedy(self) -> str:
        """What to do: wait until the namespace has gone, or correct the target."""
        return "the namespace is being deleted: wait until it has gone and create it again, or correct the target"


class QuotaExceeded(Refusal):
    """A ResourceQuota leaves no room."""

    code = "quota_exceeded"

    @property
    def remedy(self) -> str:
        """What to do: the ``kubectl`` command that shows the quota."""
        return f"a ResourceQuota leaves no room: kubectl describe quota -n {self.call.namespace}"


class Denied(Refusal):
    """An admission webhook or policy said no; *reason* names it."""

    code = "denied"

    @property
    def remedy(self) -> str:
        """What to do: satisfy the policy, or have it changed."""
        return (
            "an admission policy denies it: give the target the 'labels' or 'annotations' that it wants, "
            "or have the policy changed"
        )


class InvalidObject(Refusal):
    """The API finds the object itself wrong; *reason* names the fields."""

    code = "invalid_object"

    @property
    def remedy(self) -> str:
        """What to do: correct the fields that are named."""
        return "the API finds these fields wrong: correct the object, or report this as a fault of secretsync"


class Immutable(InvalidObject):
    """A Secret that somebody, or an admission policy, made immutable."""

    code = "immutable"

    @property
    def remedy(self) -> str:
        """What to do: delete it, as nothing else changes it."""
        return (
            "somebody, or a mutating admission policy, made it immutable: have the policy exempt Secrets with the "
            "label app.kubernetes.io/managed-by=secretsync, delete this one, and run again, which makes it anew"
        )


class TooLarge(Refusal):
    """The object is larger than the API takes."""

    code = "too_large"

    @property
    def remedy(self) -> str:
        """What to do: make the package smaller."""
        return "it is larger than the API takes: exclude files, or choose 'layout: zip'"


class ServerFailed(Refusal):
    """The API server kept failing, or kept asking to be left alone, through all retries."""

    code = "server_failed"

    @property
    def remedy(self) -> str:
        """What to do: nothing but wait for the next run."""
        return "the API server is overloaded or broken; nothing is lost: the next run continues"


class WebhookFailed(ServerFailed):
    """An admission webhook that the API server must call did not answer; *reason* names it."""

    code = "webhook_failed"

    @property
    def remedy(self) -> str:
        """What to do: find who runs the webhook; the next run tries again."""
        return "this admission webhook does not answer the API server: ask whoever runs it; the next run tries again"


@dataclass(eq=False)
class UnusableManifest(ClusterError):
    """A file of a directory of manifests cannot serve; *problem* says why and what to do."""

    code = "unusable_manifest"

    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


OBJECT_REFUSED = (Forbidden, QuotaExceeded, Denied, InvalidObject, TooLarge, WebhookFailed)
"""Refusals of one object, or of what this account does to it; any other error of the cluster meets every write."""
