"""What secretsync has to know of a kind of workload, and the verdicts on its rollout. Values and calculations alone.

The rules follow kstatus (https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from secretsync.core.model import Manifest

_MOST_DIGITS = 10
"""Of a number in a text; a longer one is none."""


class State(StrEnum):
    """How far a rollout is, or how it ended."""

    IN_PROGRESS = "in progress"
    CURRENT = "current"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    PAUSED = "paused"
    ON_DELETE = "on delete"
    SUPERSEDED = "superseded"
    WRITTEN = "written"


class Cause(StrEnum):
    """Why a rollout does not come to its end: only the first two can be the package's fault."""

    CRASH = "crash"
    NOT_READY = "not ready"
    IMAGE = "image"
    QUOTA = "quota"
    SCHEDULING = "scheduling"
    OTHER = "other"


@dataclass(frozen=True)
class Status:
    """A verdict and its sentence; *pod* and *container* name whose last log line would explain it.

    *at* is when it was reached, on the clock of whoever watched.
    """

    state: State
    message: str
    cause: Cause | None = None
    pod: str = ""
    container: str = ""
    at: float | None = field(default=None, compare=False)

    @property
    def ended(self) -> bool:
        """Whether nothing more is waited for: the rollout succeeded, failed or timed out."""
        return self.state is not State.IN_PROGRESS

    @property
    def bad(self) -> bool:
        """Whether the rollout failed or timed out."""
        return self.state in (State.FAILED, State.TIMED_OUT)


def _has_template(manifest: Manifest) -> bool:
    """True: an object of the API is checked against its schema, and one of a file where it is read."""
    return bool(manifest)


@dataclass(frozen=True)
class Kind:
    """A kind of workload: an object with a pod template, whose controller replaces pods when the template changes.

    *rollout_status* gives the verdict on one object, and *allows_no_ready_pod* says whether the object's update
    strategy may end all its pods before a new one is ready.
    """

    name: str
    api_version: str
    rollout_status: Callable[[Manifest], Status]
    allows_no_ready_pod: Callable[[Manifest], bool]
    waits_for_failed_pods: bool = False
    """Its controller does not replace a pod that fails, even when the template has changed since."""
    optional: bool = False
    """Its API is not part of Kubernetes and may be absent; discovery is asked before it is listed."""
    wirable: bool = True
    """Its schema lets server-side apply merge the lists of a pod template, which 'wire: true' needs."""
    has_template: Callable[[Manifest], bool] = _has_template
    """Whether an object has a pod template of its own; one that refers to another's is no workload for secretsync."""

    @property
    def group(self) -> str:
        """The API group, as RBAC names it."""
        return self.api_version.rpartition("/")[0]

    @property
    def resource(self) -> str:
        """The plural, as RBAC names it."""
        return plural(self.name)


def plural(kind: str) -> str:
    """The resource of *kind*, as RBAC and the paths of the API name it."""
    return f"{kind.lower()}s"


def observed_generation(status: Manifest) -> int:
    """A string in the API of Rollouts, whose controllers before 1.0 wrote a hash, which says nothing here."""
    observed = str(status.get("observedGeneration", ""))
    return int(observed) if observed.isdecimal() and len(observed) < _MOST_DIGITS else 0


def unseen(manifest: Manifest) -> Status | None:
    """A verdict where the controller has not observed the object's generation yet."""
    if observed_generation(manifest.get("status", {})) < manifest["metadata"].get("generation", 0):
        return Status(State.IN_PROGRESS, "its controller has not seen the change yet")
    return None


def current(replicas: int) -> Status:
    """The verdict on a rollout that has ended well."""
    if replicas == 0:
        return Status(State.CURRENT, "is scaled to zero: its next pod starts with the new files")
    return Status(State.CURRENT, f"{replicas} of {replicas} replicas updated")


def on_delete() -> Status:
    """The verdict on a workload whose pods are replaced only when somebody deletes them."""
    return Status(State.ON_DELETE, "updates OnDelete: a pod gets the new files when it is deleted")


def share(value: int | str, of: int, *, up: bool = False) -> int:
    """*value* in whole pods: a number, or a percentage of *of*, rounded down or *up*; 0 for any other text."""
    if isinstance(value, int):
        return value
    number = value.rstrip("%")
    percent = int(number) if number.isdecimal() and len(number) < _MOST_DIGITS else 0
    return -(-percent * of // 100) if up else percent * of // 100


def no_ready_pod_while_rolling(rules: Manifest, replicas: int) -> bool:
    """Whether *rules* (maxUnavailable and maxSurge of a Deployment) may leave none of *replicas* ready."""
    unavailable = share(rules.get("maxUnavailable", "25%"), replicas)
    surge = share(rules.get("maxSurge", "25%"), replicas, up=True)
    # Kubernetes itself takes 1 where both would be 0, as nothing could move
    return bool((unavailable or (0 if surge else 1)) >= replicas)
