"""What is deployed, which revisions are kept, and what is suspended: documents, and their tables for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from secretsync.cli.output.ages import age, date
from secretsync.cli.output.report import FileChange, Model, Problem, Workload
from secretsync.cli.output.sentences import count, short_commit
from secretsync.cli.output.style import PLAIN, Style, readable
from secretsync.core.kinds.kind import State, Status
from secretsync.core.model import Ref
from secretsync.operations.releases import Deployed, Entry
from secretsync.plan import in_force, not_restarted
from secretsync.plan.lost_mounts import LostMounts
from secretsync.plan.state import Hold, Result
from secretsync.reconcile.results import Condition, Verdict, parse

_OUTCOMES = {Condition.AWAY: "source failed", Condition.FAILING: "failed", Condition.HELD: "suspended"}


class Suspension(Model):
    """Why the source of a package is not followed; *by* and *since* are empty where that is not known."""

    reason: str
    by: str = ""
    since: datetime | None = None
    rejected_digest: str | None = None
    """Of content that failed; a new commit with other content ends such a suspension."""


class LastRun(Model):
    """The outcome of the last runs, and since when it is the same."""

    outcome: str
    detail: str
    since: datetime


class WorkloadRevision(Model):
    """A workload that mounts the package."""

    workload: Workload
    revision: int
    """The revision that its pod template carries; 0 for none."""
    current: bool
    state: str
    message: str


class PackageStatus(Model):
    """A package at a target."""

    module: str
    status: Literal[
        "not deployed",
        "not managed",
        "drift",
        "rolling out",
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
    secrets_of_others: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    """What is wrong with its Secrets beside their files; the next run corrects it."""
    owner: str = ""
    """Who has those Secrets, in words."""
    workloads: tuple[WorkloadRevision, ...] = ()
    not_in_force: tuple[str, ...] = ()
    """Which workloads do not load the package, why, and the fix: a sentence for each cause."""
    not_restarted: tuple[str, ...] = ()
    """What mounts the package and is no workload of the target: a sentence for each kind of owner."""
    lost_mounts: tuple[Workload, ...] = ()
    """Workloads that mounted the package when a rollout ended, and no longer do."""
    stripped: tuple[Workload, ...] = ()
    """Wired workloads whose wiring another tool removed again."""


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
            not target.error and all(one.status in ("current", "suspended") for one in target.packages)
            for target in self.targets
        )


class Revision(Model):
    """A revision that is live or kept."""

    revision: int
    status: Literal["live", "kept"]
    date: datetime | None
    version: str
    source: str
    ref: str
    commit: str
    subject: str
    digest: str
    files: tuple[str, ...]


class HistoryReport(Model):
    """What ``secretsync history`` says."""

    version: Literal[1] = 1
    time: datetime
    target: str
    module: str
    revisions: tuple[Revision, ...]
    damage: tuple[str, ...] = ()
    """What is wrong with the live Secrets beside their files; the next run corrects it."""


class RevisionDiff(Model):
    """What ``secretsync diff`` says: how the files of two revisions differ."""

    version: Literal[1] = 1
    before: Revision
    after: Revision
    files: tuple[FileChange, ...]


class SuspensionReport(Model):
    """What ``secretsync suspend`` and ``resume`` say."""

    version: Literal[1] = 1
    target: str
    module: str
    suspended: bool
    changed: bool
    dry_run: bool
    suspension: Suspension | None


def describe_status(target: str, deployed: Sequence[Deployed]) -> TargetStatus:
    """What is deployed at a target."""
    return TargetStatus(target=target, packages=tuple(map(_package, deployed)))


def describe_suspension(hold: Hold | None) -> Suspension | None:
    """A suspension as the state object has it."""
    if hold is None:
        return None
    return Suspension(
        reason=hold.reason,
        by=hold.by,
        since=datetime.fromtimestamp(hold.since, UTC) if hold.since else None,
        rejected_digest=f"sha256:{hold.digest}" if hold.digest else None,
    )


def describe_revision(entry: Entry) -> Revision:
    """A revision of the history."""
    bundle = entry.bundle
    return Revision(
        revision=entry.revision_number,
        status="live" if entry.live else "kept",
        date=entry.written,
        version=bundle.version,
        source=bundle.revision.source,
        ref=bundle.revision.ref,
        commit=bundle.revision.id,
        subject=bundle.revision.subject,
        digest=f"sha256:{bundle.digest}",
        files=tuple(file.path for file in bundle.files),
    )


def _package(one: Deployed) -> PackageStatus:
    if one.bundle is None:
        return PackageStatus(module=one.module, status="not deployed")
    workloads = tuple(_workload(one, ref, *found) for ref, found in sorted(one.workloads.items()))
    revision = one.bundle.revision
    return PackageStatus(
        module=one.module,
        status=_status(one, workloads),
        version=one.bundle.version,
        source=revision.source,
        ref=revision.ref,
        commit=revision.id,
        subject=revision.subject,
        digest=f"sha256:{one.bundle.digest}",
        revision=one.revision_number,
        since=one.since,
        suspension=describe_suspension(one.remembered.hold),
        last_run=_last_run(one.result) if one.result else None,
        secrets_of_others=one.foreign,
        damage=one.damage,
        workloads=workloads,
        owner=one.owner,
        not_in_force=tuple(in_force.sentences(one.not_in_force)),
        not_restarted=tuple(not_restarted.sentences(one.not_restarted)),
        lost_mounts=tuple(map(_named, one.lost.workloads if one.lost else ())),
        stripped=tuple(map(_named, one.stripped)),
    )


def _named(ref: Ref) -> Workload:
    return Workload(kind=ref.kind, namespace=ref.namespace, name=ref.name)


def _status(
    one: Deployed, workloads: Sequence[WorkloadRevision]
) -> Literal["not managed", "drift", "rolling out", "behind", "not in force", "rejected", "suspended", "current"]:
    hold = one.remembered.hold
    if one.foreign:
        return "not managed"
    if one.drift or one.damage:
        return "drift"
    if not one.remembered.finished:
        return "rolling out"
    if not all(workload.current for workload in workloads):
        return "behind"
    if one.not_in_force:
        return "not in force"
    if hold:
        return "suspended" if hold.by_hand else "rejected"
    return "current"


def _workload(one: Deployed, ref: Ref, revision: int, status: Status) -> WorkloadRevision:
    return WorkloadRevision(
        workload=_named(ref),
        revision=revision,
        current=revision in (0, one.revision_number) and status.state in (State.CURRENT, State.WRITTEN),
        state=str(status.state),
        message=status.message,
    )


def _last_run(result: Result) -> LastRun:
    since = datetime.fromtimestamp(result.since, UTC)
    verdict = parse(result.verdict)
    if verdict is None:
        return LastRun(outcome=result.verdict, detail="", since=since)
    return LastRun(outcome=_OUTCOMES.get(verdict.word, str(verdict.word)), detail=_details(verdict), since=since)


def _details(verdict: Verdict) -> str:
    return "canary" if verdict.fact == "proof" else verdict.fact


def status_text(report: StatusReport, style: Style = PLAIN) -> str:
    """A table for each target, and below it what somebody has to know or do."""
    shown = readable(report)
    return "".join(f"{line}\n" for target in shown.targets for line in _target_lines(target, shown.time, style))


def _target_lines(target: TargetStatus, now: datetime, style: Style) -> Iterator[str]:
    yield style.paint("title", target.target)
    if target.error:
        yield style.paint("bad", style.wrap(f"  FAILED ({target.error.category}): {target.error.message}"))
        return
    rows = [
        {
            "PACKAGE": one.module,
            "REVISION": str(one.revision or "-"),
            "STATUS": one.status,
            "AGE": age(one.since, now),
            "DATE": date(one.since),
            "COMMIT": short_commit(one.commit).partition(" ")[2] if one.commit else "-",
            "WORKLOADS": f"{sum(w.current for w in one.workloads)}/{len(one.workloads)}",
            "VERSION": one.version or "-",
            "SUBJECT": one.subject or "",
        }
        for one in target.packages
    ]
    yield from style.columns(rows, indent="  ", droppable=("SUBJECT", "VERSION", "DATE", "COMMIT"))
    for one in target.packages:
        yield from (style.wrap(f"  {line}") for line in _remarks(one, now))


def _remarks(one: PackageStatus, now: datetime) -> Iterator[str]:
    if one.status == "not deployed":
        yield f"{one.module}: run 'secretsync apply' to deploy it"
        return
    if one.status == "not managed":
        yield (
            f"{one.module}: Secret {', '.join(one.secrets_of_others)} is not managed by this installation of "
            f"secretsync: it {one.owner}; 'secretsync plan' shows how it differs and what to do"
        )
        return
    yield from _drift(one)
    if one.status == "rolling out":
        yield f"{one.module}: the rollout of revision {one.revision} is not complete; the next run continues it"
    if one.suspension:
        yield f"{one.module}: {_suspended(one.suspension, now)}"
    if one.last_run and one.last_run.outcome not in ("current", "suspended"):
        detail = f", {one.last_run.detail}" if one.last_run.detail else ""
        yield f"{one.module}: last run: {one.last_run.outcome}{detail} (for {age(one.last_run.since, now)})"
    for workload in one.workloads:
        if not workload.current:
            at = f"revision {workload.revision}" if workload.revision else "no revision"
            yield f"{workload.workload}: {at}, {workload.state}: {workload.message}"
    if not one.workloads and not one.not_restarted:
        yield f"{one.module}: no workload mounts it, so nothing runs it: mount what 'secretsync values' prints"
    yield from one.not_in_force
    yield from one.not_restarted
    if one.lost_mounts:
        refs = tuple(Ref(lost.kind, lost.namespace, lost.name) for lost in one.lost_mounts)
        yield str(LostMounts(one.module, refs))
    for stripped in one.stripped:
        yield (
            f"{stripped}: another tool replaced its template by one without the wiring again, and its new pods run "
            f"without {one.module}: let that tool leave our fields alone (no Replace=true, no --force), then "
            "'secretsync resume'"
        )


def _drift(one: PackageStatus) -> Iterator[str]:
    yield from _damage(one.module, one.damage)
    if one.status == "drift" and not one.damage:
        yield f"{one.module}: somebody changed the live files; the next run restores them"


def _damage(module: str, damage: Sequence[str]) -> Iterator[str]:
    yield from (f"{module}: {sentence}; the next run corrects it" for sentence in damage)


def _suspended(one: Suspension, now: datetime) -> str:
    by = f" by {one.by}" if one.by else ""
    since = f" {age(one.since, now)} ago" if one.since else ""
    word = "rejected" if one.rejected_digest else "suspended"
    return f"{word}{by}{since}: {one.reason}"


def history_text(report: HistoryReport, style: Style = PLAIN) -> str:
    """The revisions, newest first."""
    if not report.revisions:
        return f"{report.module} is not deployed in {report.target}: there is no history\n"
    shown = readable(report)
    rows = [
        {
            "REVISION": str(one.revision),
            "STATUS": one.status,
            "AGE": age(one.date, shown.time),
            "DATE": date(one.date),
            "VERSION": one.version or "-",
            "COMMIT": short_commit(one.commit).partition(" ")[2],
            "FILES": str(len(one.files)),
            "SUBJECT": one.subject or "",
        }
        for one in shown.revisions
    ]
    table = style.columns(rows, droppable=("FILES", "SUBJECT"))
    remarks = (style.wrap(line) for line in _damage(shown.module, shown.damage))
    return "".join(f"{line}\n" for line in (*table, *remarks))


def revision_text(revision: Revision, style: Style = PLAIN) -> str:
    """One revision with the names of its files."""
    one = readable(revision)
    facts = {
        "status": one.status,
        "date": date(one.date),
        "version": one.version or "-",
        "source": f"{one.source} {one.ref}".rstrip(),
        "commit": one.commit,
        "subject": one.subject or "-",
        "digest": one.digest,
        "files": str(len(one.files)),
    }
    lines = [style.paint("title", f"revision {one.revision}")]
    lines += [f"  {name:<8}{value}" for name, value in facts.items()]
    return "".join(f"{line}\n" for line in (*lines, *(f"    {path}" for path in one.files)))


def diff_text(report: RevisionDiff, style: Style = PLAIN) -> str:
    """The files that differ, with their lines."""
    from secretsync.cli.output.text import file_lines

    shown = readable(report)
    yield_from = [line for file in shown.files for line in file_lines(file, style)]
    head = f"revision {shown.before.revision} -> {shown.after.revision}: {count(len(shown.files), 'file')} changed"
    return "".join(f"{line}\n" for line in (head, *yield_from))


def suspension_text(report: SuspensionReport, style: Style = PLAIN) -> str:
    """What a suspend or a resume did."""
    one = readable(report)
    where = f"{one.module} in {one.target}"
    why = f": {one.suspension.reason}" if one.suspension else ""
    if not one.changed:
        return f"{where} is not suspended; nothing to do\n"
    if one.suspended:
        words = f"{where} {'would be' if one.dry_run else 'is'} suspended{why}"
    else:
        words = f"{where} {'would be' if one.dry_run else 'is'} resumed; it was suspended{why}"
    return style.wrap(words) + "\n"
