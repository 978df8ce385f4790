"""What is deployed and runs: the document of ``secretsync status``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from secretsync.cli.output.releases import Suspension, describe_suspension
from secretsync.cli.output.report import Model, Problem, Workload
from secretsync.cluster.repository.proposal import Proposed
from secretsync.core.kinds.kind import State, Status
from secretsync.core.model import Ref
from secretsync.operations.status import Deployed
from secretsync.plan import in_force, not_restarted
from secretsync.plan.state import Result
from secretsync.reconcile.results import Condition, Verdict, parse

_OUTCOMES = {Condition.AWAY: "source failed", Condition.FAILING: "failed", Condition.HELD: "suspended"}


class LastRun(Model):
    """The outcome of the last runs, and since when it is the same."""

    outcome: str
    detail: str
    since: datetime
    reason: str = ""
    """Why it failed, in a sentence; empty where it did not."""

    @property
    def failed(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.outcome in (_OUTCOMES[Condition.AWAY], _OUTCOMES[Condition.FAILING])


class Wait(Model):
    """What new content waits for: a maintenance window, or another target."""

    reason: str
    since: datetime | None
    """Since when it waits; null before the first deployment."""


class WorkloadRevision(Model):
    """A workload that mounts the package."""

    workload: Workload
    revision: int
    """The revision that its pod template carries; 0 for none."""
    current: bool
    state: str
    message: str


class Waiting(Model):
    """A merge or pull request of this installation that is open, or its branch where no request is known."""

    branch: str
    commit: str
    title: str
    url: str = ""
    declined: bool = False
    """Whether somebody closed it without a merge."""
    others: str = ""
    """Who pushed a commit onto its branch that is not ours; it is not overwritten."""


class PackageStatus(Model):
    """A package at a target."""

    module: str
    status: Literal[
        "not deployed",
        "not managed",
        "drift",
        "rolling out",
        "failing",
        "behind",
        "not in force",
        "rejected",
        "suspended",
        "current",
    ]
    version: str | None = None
    source: str | None = None
    ref: str | None = None
    commit: str | None = None
    subject: str | None = None
    digest: str | None = None
    revision: int | None = None
    since: datetime | None = None
    suspension: Suspension | None = None
    last_run: LastRun | None = None
    waiting: Wait | None = None
    secrets_of_others: tuple[str, ...] = ()
    drift_is_left: bool = False
    """Whether the target says ``drift: report``: no run restores what somebody changed."""
    damage: tuple[str, ...] = ()
    """What is wrong with its Secrets beside their files; the next run corrects it."""
    owner: str = ""
    """Who has those Secrets, in words."""
    workloads: tuple[WorkloadRevision, ...] = ()
    not_in_force: tuple[str, ...] = ()
    """Which workloads do not load the package, why, and the fix: a sentence for each cause."""
    undecided: tuple[Workload, ...] = ()
    """Workloads that mount the package; whether they load it is decided by an object that ``status`` does not read."""
    workloads_not_in_force: tuple[Workload, ...] = ()
    """Those that do not load the package."""
    not_restarted: tuple[str, ...] = ()
    """What mounts the package and is no workload of the target: a sentence for each kind of owner."""
    lost_mounts: tuple[Workload, ...] = ()
    """Workloads that mounted the package when a rollout ended, and no longer do."""
    stripped: tuple[Workload, ...] = ()
    """Wired workloads whose wiring another tool removed again."""
    unobserved: bool = False
    """Whether git alone is known, and no cluster that applies it."""
    proposed: Waiting | None = None
    """The request that waits for a merge, where the target is a repository."""


class TargetStatus(Model):
    """The packages at a target, or why they could not be read."""

    target: str
    packages: tuple[PackageStatus, ...] = ()
    error: Problem | None = None


class StatusReport(Model):
    """What ``secretsync status`` says."""

    version: Literal[1] = 1
    time: datetime
    targets: tuple[TargetStatus, ...]

    @property
    def current(self) -> bool:
        """Whether nobody has to do anything."""
        return all(
            not target.error
            and all(package.status in ("current", "suspended") for package in target.packages)
            and not any(package.last_run and package.last_run.failed for package in target.packages)
            and not any(package.proposed for package in target.packages)
            for target in self.targets
        )


def describe_status(target: str, deployed: Sequence[Deployed]) -> TargetStatus:
    """What is deployed at a target."""
    return TargetStatus(target=target, packages=tuple(map(_package, deployed)))


def describe_proposed(proposed: Proposed | None) -> Waiting | None:
    """What waits for a merge; None where nothing does."""
    if proposed is None:
        return None
    return Waiting(
        branch=proposed.branch,
        commit=proposed.commit,
        title=proposed.title,
        url=proposed.url,
        declined=proposed.declined,
        others=proposed.others,
    )


def _package(deployed: Deployed) -> PackageStatus:
    if deployed.bundle is None:
        return PackageStatus(
            module=deployed.module,
            status="not deployed",
            suspension=describe_suspension(deployed.package_state.hold),
            damage=deployed.damage,
            workloads=tuple(_without_secret(deployed)) if deployed.damage else (),
            waiting=_wait(deployed),
            proposed=describe_proposed(deployed.proposed),
        )
    workloads = tuple(_workload(deployed, ref, *status) for ref, status in sorted(deployed.workloads.items()))
    revision = deployed.bundle.revision
    return PackageStatus(
        module=deployed.module,
        status=_status(deployed, workloads),
        version=deployed.bundle.version,
        source=revision.source,
        ref=revision.ref,
        commit=None if deployed.foreign else revision.id,
        subject=revision.subject,
        digest=f"sha256:{deployed.bundle.digest}",
        revision=deployed.revision_number,
        since=deployed.since,
        suspension=describe_suspension(deployed.package_state.hold),
        last_run=_last_run(deployed.result) if deployed.result else None,
        waiting=_wait(deployed),
        secrets_of_others=deployed.foreign,
        drift_is_left=deployed.drift_is_left,
        damage=deployed.damage,
        workloads=workloads,
        owner=deployed.owner,
        not_in_force=tuple(in_force.sentences(deployed.not_in_force)),
        undecided=tuple(dict.fromkeys(_named(mismatch.workload) for mismatch in deployed.undecided)),
        workloads_not_in_force=tuple(dict.fromkeys(_named(mismatch.workload) for mismatch in deployed.not_in_force)),
        not_restarted=tuple(not_restarted.sentences(deployed.not_restarted)),
        lost_mounts=tuple(map(_named, deployed.lost.workloads if deployed.lost else ())),
        stripped=tuple(map(_named, deployed.stripped)),
        unobserved=deployed.unobserved,
        proposed=describe_proposed(deployed.proposed),
    )


def _wait(deployed: Deployed) -> Wait | None:
    return Wait(reason=deployed.waits, since=deployed.waits_since) if deployed.waits else None


def _named(ref: Ref) -> Workload:
    return Workload(kind=ref.kind, namespace=ref.namespace, name=ref.name)


def _status(
    deployed: Deployed, workloads: Sequence[WorkloadRevision]
) -> Literal[
    "not managed", "drift", "rolling out", "failing", "behind", "not in force", "rejected", "suspended", "current"
]:
    hold = deployed.package_state.hold
    if deployed.foreign:
        return "not managed"
    if deployed.drift or deployed.damage:
        return "drift"
    if not deployed.package_state.finished:
        return "rolling out"
    if any(workload.state == State.FAILED and workload.revision == deployed.revision_number for workload in workloads):
        return "failing"
    if not all(workload.current for workload in workloads):
        return "behind"
    if deployed.not_in_force:
        return "not in force"
    if hold:
        return "suspended" if hold.by_hand else "rejected"
    return "current"


def _without_secret(deployed: Deployed) -> Iterator[WorkloadRevision]:
    """The workloads that mount a Secret which was deleted."""
    for ref, (revision, _) in sorted(deployed.workloads.items()):
        message = "its Secret was deleted: the pods that run go on, and no new one starts"
        yield WorkloadRevision(
            workload=_named(ref), revision=revision, current=False, state=str(State.FAILED), message=message
        )


def _workload(deployed: Deployed, ref: Ref, revision: int, status: Status) -> WorkloadRevision:
    return WorkloadRevision(
        workload=_named(ref),
        revision=revision,
        current=revision in (0, deployed.revision_number) and status.state in (State.CURRENT, State.WRITTEN),
        state=str(status.state),
        message=status.message,
    )


def _last_run(result: Result) -> LastRun:
    since = datetime.fromtimestamp(result.since, UTC)
    verdict = parse(result.verdict)
    if verdict is None:
        return LastRun(outcome=result.verdict, detail="", since=since, reason=result.reason)
    return LastRun(
        outcome=_OUTCOMES.get(verdict.condition, str(verdict.condition)),
        detail=_details(verdict),
        since=since,
        reason=result.reason,
    )


def _details(verdict: Verdict) -> str:
    return "canary" if verdict.fact == "proof" else verdict.fact
