"""What a plan or an apply says, as a document: each output format is made from this, and from nothing else.

`schema` is its JSON schema, which ``secretsync schema report`` prints. Times are ISO 8601 in UTC. It holds names, sizes
and digests; the text of a package is in it only where ``--diff`` asked for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, dataclass_transform

if TYPE_CHECKING:
    from pydantic import ConfigDict


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Model:
    """A part of a document; it does not change. A class of its kind is a dataclass.

    pydantic makes its JSON and its schema, where they are asked for: to build its models costs time at each start.
    """

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid", "use_attribute_docstrings": True}

    def __init_subclass__(cls) -> None:
        # frozen for mypy alone: at run time that would double what the classes cost at each start
        dataclass(kw_only=True, unsafe_hash=True)(cls)


class Outcome(StrEnum):
    """How a target came out."""

    UP_TO_DATE = "up-to-date"
    PENDING = "pending"
    APPLIED = "applied"
    WAITING = "waiting"
    DEGRADED = "degraded"
    REFUSED = "refused"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"


class Workload(Model):
    """A workload of the cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class FileSide(Model):
    """A file before or after the change."""

    bytes: int
    sha256: str


class FileChange(Model):
    """A file of a Secret that is added, changed or removed."""

    path: str
    change: Literal["added", "changed", "removed"]
    before: FileSide | None = None
    after: FileSide | None = None
    diff: tuple[str, ...] | None = None
    """The lines of a unified diff, with ``--diff`` alone; empty for a file that is not text."""


class SecretChange(Model):
    """What happens to a Secret."""

    name: str
    action: Literal["create", "update", "delete", "keep"]
    keys: int
    """The number of its files."""
    bytes: int
    metadata_only: bool = False
    """Whether only labels and annotations change."""
    superseded: bool = False
    """Whether it is an immutable Secret of an earlier revision, which some pods may still need."""
    files: tuple[FileChange, ...] = ()


class Package(Model):
    """A package, and the Secrets that hold it."""

    module: str
    version: str
    source: str
    ref: str
    commit: str
    """``commit:`` and 40 hexadecimal digits for git, ``sha256:`` for a distribution or a directory."""
    digest: str
    """Of what pods see, with ``sha256:`` before it."""
    revision: int
    """The number by which ``status``, ``history`` and ``rollback`` know this content."""
    live_revision: int | None = None
    """The revision that is live before the change; null where none is."""
    secrets: tuple[SecretChange, ...] = ()


class TemplateChange(Model):
    """An entry of a pod template that ``wire: true`` adds, changes or removes."""

    change: str
    kind: str
    container: str = ""
    name: str
    value: str = ""


class Restart(Model):
    """A workload that is restarted, and why."""

    workload: Workload
    reason: str
    manager: str | None = None
    """The field manager of the entries that are applied to its pod template; null where only an annotation is."""
    template: dict[str, Any] | None = None
    changes: tuple[TemplateChange, ...] = ()
    wave: int = 0
    """The number of its wave in a plan, from 1; 0 in the report of an apply, where ``rollout`` has it."""


class WorkloadStatus(Model):
    """How the rollout of a workload ended."""

    workload: Workload
    state: str
    message: str
    counts: bool = True
    """False for a workload that was not healthy before: it says nothing about the package."""
    wave: int = 0
    """The number of its wave, from 1; 0 where it is not known."""
    began: float | None = None
    """Seconds from the beginning of the rollout to the restart of its wave."""
    ended: float | None = None
    """Seconds from the beginning of the rollout to its verdict, or to the end of its wave."""


class Finding(Model):
    """What a rule of the check found."""

    module: str
    rule: str
    severity: Literal["error", "warning", "notice"]
    path: str
    line: int
    effect: str
    remedy: str
    about: str = ""
    rucio: tuple[str, ...] = ()


PolicyKind = Literal["action", "function", "schema", "limit", "algorithm", "supported version", "delegation"]


class PolicyChange(Model):
    """Names of what changes in Rucio's terms; *text* has the lines that differ, with ``--diff`` alone."""

    kind: PolicyKind
    name: str
    change: Literal["added", "changed", "removed"]
    text: tuple[str, ...] | None = None


class Policy(Model):
    """How the policy of a package differs from the one that is live."""

    module: str
    changes: tuple[PolicyChange, ...]


class Action(Model):
    """One of Rucio's actions, and who decides on it: a function of the package, or ``generic`` for Rucio's own."""

    action: str
    before: str
    """Who decides in what is live; empty where nothing is."""
    after: str
    change: Literal["", "new", "changed", "removed"]
    """Whether another function decides, or the same with another text; empty for neither."""
    rucio: tuple[str, ...]
    """The versions for which this holds."""


class Actions(Model):
    """The actions of Rucio with a package."""

    module: str
    actions: tuple[Action, ...]


class ValuesFile(Model):
    """A file of values in a repository that changes as well, so that pods mount the package."""

    path: str
    by_hand: str = ""
    """Why a person has to change it; empty where it was changed."""


class Proposal(Model):
    """What became of the commit in a repository."""

    state: Literal[
        "pushed", "proposed", "updated", "unchanged", "declined", "closed", "nothing", "unproposed", "outdated"
    ]
    branch: str
    commit: str = ""
    url: str = ""
    """The merge or pull request."""


class Problem(Model):
    """A failure: *code* is its stable name."""

    code: str
    category: str
    message: str


class Degraded(Model):
    """A package that cannot be deployed, as when its source could not be read: what is live stays."""

    module: str
    commit: str | None
    problem: Problem


class Skew(Model):
    """For how many seconds at most a workload ran with files newer than its processes."""

    workload: Workload
    seconds: float


class Target(Model):
    """One target."""

    target: str
    outcome: Outcome
    summary: str
    """The outcome in a sentence."""
    remedy: str = ""
    """What to do about it; empty where there is nothing to do."""
    exit_code: int
    dry_run: bool
    packages: tuple[Package, ...] = ()
    workloads: tuple[Workload, ...] = ()
    """Those that mount one of the packages."""
    not_in_force: tuple[Workload, ...] = ()
    """Workloads that do not load a package: not mounted, not on PYTHONPATH, or not named in Rucio's configuration."""
    undecided: tuple[Workload, ...] = ()
    """Workloads that mount a package; whether they load it is decided by an object that was not read."""
    not_current: tuple[Workload, ...] = ()
    """Workloads whose pods are not all up, though nothing is to be restarted there."""
    restarts: tuple[Restart, ...] = ()
    """Due restarts of a plan; after an apply those that were made."""
    not_restarted: tuple[Workload, ...] = ()
    """Workloads that a rollout did not reach, as it stopped before."""
    rollout: tuple[WorkloadStatus, ...] = ()
    findings: tuple[Finding, ...] = ()
    policy: tuple[Policy, ...] = ()
    actions: tuple[Actions, ...] = ()
    """Of the packages that were checked, in the formats for people who decide: Markdown, HTML and JSON."""
    degraded: tuple[Degraded, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be judged, a sentence each."""
    suspended: tuple[Workload, ...] = ()
    """Workloads whose template somebody put back; they keep it."""
    version_skew: tuple[Skew, ...] = ()
    values: tuple[ValuesFile, ...] = ()
    """Files of a repository that change beside the manifests."""
    proposal: Proposal | None = None
    """What became of the commit, where the target is a repository; in a plan, whether it is proposed already."""
    waits: str = ""
    """What the changes wait for."""
    refusal: str = ""
    """Why nothing was written, where the check refused it."""
    failure: str = ""
    """Why a rollout stopped."""
    undo: Target | None = None
    """What was done to put back what was live before."""
    error: Problem | None = None


class Report(Model):
    """All targets of one command."""

    version: Literal[1] = 1
    """Changes when a key goes or means something else; a new key does not change it."""
    command: Literal["plan", "apply", "run", "rollback"]
    time: datetime
    outcome: Outcome
    """The worst of all targets."""
    exit_code: int
    targets: tuple[Target, ...]
    plan_id: str = ""
    """The id of the plan that ``plan --out`` wrote, by which it can be approved."""


class CommandFailed(Model):
    """What a command prints that could not begin, or was interrupted."""

    version: Literal[1] = 1
    outcome: Literal["failed"] = "failed"
    exit_code: int
    error: Problem


_ORDER = tuple(Outcome)


def worst(targets: tuple[Target, ...]) -> Outcome:
    """The outcome that says most."""
    return max((target.outcome for target in targets), key=_ORDER.index, default=Outcome.UP_TO_DATE)


def schema(document: type[Model]) -> dict[str, Any]:
    """The JSON schema of a document, as it is printed."""
    # imported here: a report for a person needs none of it
    from pydantic import TypeAdapter

    described = TypeAdapter(document).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described}
