"""What a cluster refuses: each refusal a fact, named by verb, resource and namespace, with its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from secretsync.errors import ConfigError, SecretSyncError
from secretsync.model import Ref


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API, in the words of RBAC."""

    verb: str
    resource: str
    namespace: str
    name: str = ""

    def __str__(self) -> str:
        named = f" {self.name!r}" if self.name else ""
        return f"{self.verb} {self.resource}{named} in namespace {self.namespace!r}"


class UnusableCluster(ConfigError):
    """No connection can even be tried: the kubeconfig, its context or the service account does not serve."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place, self.problem = place, problem

    def __str__(self) -> str:
        return f"{self.place} cannot be used: {self.problem}"


class UnreadableSelector(ConfigError):
    """A target's label selector is not one."""

    def __init__(self, selector: str) -> None:
        super().__init__(selector)
        self.selector = selector

    def __str__(self) -> str:
        return (
            f"selector {self.selector!r} cannot be read: write it as kubectl's --selector takes it, 'app=rucio-server'"
        )


class Conflict(SecretSyncError):
    """The object is not what was read; nothing was overwritten. *what* says what happened to it."""

    def __init__(self, ref: Ref, what: str) -> None:
        super().__init__(ref, what)
        self.ref, self.what = ref, what

    def __str__(self) -> str:
        return f"{self.ref} {self.what} since it was read; nothing was overwritten: run again to plan anew"


class WorkloadGone(SecretSyncError):
    """The workload that was to be restarted is no longer there."""

    def __init__(self, ref: Ref) -> None:
        super().__init__(ref)
        self.ref = ref

    def __str__(self) -> str:
        return f"{self.ref} has gone, or was made anew, since it was read: it was not restarted"


class Unreachable(SecretSyncError):
    """No answer, after all retries. A write may have taken place all the same: the next run reads and tells."""

    def __init__(self, call: Call, host: str, reason: str) -> None:
        super().__init__(call, host, reason)
        self.call, self.host, self.reason = call, host, reason

    def __str__(self) -> str:
        return f"cannot {self.call}: no answer from {self.host} ({self.reason}); is the API server up and reachable?"


class Refusal(SecretSyncError):
    """The API answered a call with an error. *code* is its HTTP status, *why* the part that is fit to show."""

    def __init__(self, call: Call, code: int, why: str = "") -> None:
        super().__init__(call, code, why)
        self.call, self.code, self.why = call, code, why

    @property
    def remedy(self) -> str:
        return "see the API server's log"

    def __str__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        return f"cannot {self.call}: HTTP {self.code}{why}; {self.remedy}"


class Unauthorized(Refusal):
    """The credentials are not (or no longer) accepted."""

    @property
    def remedy(self) -> str:
        return "the API server does not accept the credentials: renew the token or certificate, then run again"


class Forbidden(Refusal):
    """The account lacks a permission."""

    @property
    def remedy(self) -> str:
        call = self.call
        # a rule may hold for this name alone; after a slash, kubectl takes what it is given for a name
        named = f"{call.resource}/{call.name}" if call.name and "/" not in call.resource else call.resource
        return (
            f"allow it in a Role: verbs [{call.verb}], resources [{call.resource.partition('.')[0]}] "
            f"(try: kubectl auth can-i {call.verb} {named} -n {call.namespace}, with "
            "--as system:serviceaccount:NAMESPACE:NAME where it runs in a pod)"
        )


class NotFound(Refusal):
    """The object itself is not there."""

    @property
    def remedy(self) -> str:
        return "it does not exist: create it, or correct the target"


class NamespaceMissing(Refusal):
    """The namespace does not exist."""

    @property
    def remedy(self) -> str:
        return f"the namespace does not exist: kubectl create namespace {self.call.namespace}, or correct the target"


class NamespaceTerminating(Refusal):
    """The namespace is being deleted and takes nothing new."""

    @property
    def remedy(self) -> str:
        return "the namespace is being deleted: wait until it has gone and create it again, or correct the target"


class QuotaExceeded(Refusal):
    """A ResourceQuota leaves no room."""

    @property
    def remedy(self) -> str:
        return f"a ResourceQuota leaves no room: kubectl describe quota -n {self.call.namespace}"


class Denied(Refusal):
    """An admission webhook or policy said no; *why* names it."""

    @property
    def remedy(self) -> str:
        return "an admission policy denies it: change the policy, or what it asks for"


class InvalidObject(Refusal):
    """The API finds the object itself wrong; *why* names the fields."""

    @property
    def remedy(self) -> str:
        return "the API finds these fields wrong: correct the object, or report this as a fault of secretsync"


class TooLarge(Refusal):
    """The object is larger than the API takes."""

    @property
    def remedy(self) -> str:
        return "it is larger than the API takes: exclude files, or choose 'layout: zip'"


class ServerFailed(Refusal):
    """The API server kept failing, or kept asking to be left alone, through all retries."""

    @property
    def remedy(self) -> str:
        return "the API server is overloaded or broken; nothing is lost: the next run goes on"


class UnusableManifest(SecretSyncError):
    """A file of a directory of manifests cannot serve; *problem* says why and what to do."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"
