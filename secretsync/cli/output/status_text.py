"""The tables of ``secretsync status`` for a person, and below them what somebody has to know or do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from secretsync.cli.output.ages import age, date
from secretsync.cli.output.releases import Suspension
from secretsync.cli.output.sentences import commit_cell
from secretsync.cli.output.status import LastRun, PackageStatus, StatusReport, TargetStatus, Wait, Waiting
from secretsync.cli.output.style import PLAIN, Style, readable
from secretsync.core.model import Ref
from secretsync.plan import in_force
from secretsync.plan.lost_mounts import LostMounts

_SAID_ANYWAY = ("current", "suspended", "not in force", "drifted", "stripped")
"""Outcomes of the last run that need no line: the status looks for the same, and says what is so now."""


def status_text(report: StatusReport, style: Style = PLAIN) -> str:
    """A table for each target, and below it what somebody has to know or do."""
    shown = readable(report)
    return "".join(f"{line}\n" for target in shown.targets for line in _target_lines(target, shown.time, style))


def _counted(package: PackageStatus) -> str:
    """``8/9``: workloads that run the package, of those that should; ``-`` where no cluster is looked at."""
    if package.unobserved:
        return "-"
    failing = set(package.workloads_not_in_force)
    running = [workload for workload in package.workloads if workload.current and workload.workload not in failing]
    return f"{len(running)}/{len(failing.union(workload.workload for workload in package.workloads))}"


def _target_lines(target: TargetStatus, now: datetime, style: Style) -> Iterator[str]:
    yield style.paint("title", target.target)
    if target.error:
        yield style.paint("bad", style.wrap(f"  FAILED ({target.error.category}): {target.error.message}"))
        return
    rows = [
        {
            "PACKAGE": package.module,
            "REVISION": str(package.revision or "-"),
            "STATUS": package.status,
            "AGE": age(package.since, now),
            "DATE": date(package.since),
            "COMMIT": commit_cell(package.commit),
            "WORKLOADS": _counted(package),
            "VERSION": package.version or "-",
            "SUBJECT": package.subject or "",
        }
        for package in target.packages
    ]
    yield from style.columns(rows, indent="  ", droppable=("SUBJECT", "VERSION", "DATE", "COMMIT"))
    for package in target.packages:
        yield from (style.wrap(f"  {line}") for line in _remarks(package, now))


def _remarks(package: PackageStatus, now: datetime) -> Iterator[str]:
    if package.proposed:
        yield proposed_sentence(package.module, package.proposed)
    if package.status == "not deployed":
        yield from _deleted(package)
        if not package.proposed and not package.damage:
            yield f"{package.module}: {_not_deployed(package.waiting)}"
        return
    yield from _deployed_remarks(package, now)


def _deleted(package: PackageStatus) -> Iterator[str]:
    """What was deployed and is gone, and who creates it again."""
    if not package.suspension:
        return _damage(package, f"; the next run {_tries(package, 'corrects', 'to correct')} it")
    return _damage(
        package,
        ", and no run creates it again, as the package is suspended: follow its source with 'secretsync resume', or go "
        "back with 'secretsync rollback'",
    )


def _damage(package: PackageStatus, what_follows: str) -> Iterator[str]:
    return (f"{package.module}: {damage}{what_follows}" for damage in package.damage)


def _deployed_remarks(package: PackageStatus, now: datetime) -> Iterator[str]:
    if package.status == "not managed":
        yield (
            f"{package.module}: Secret {', '.join(package.secrets_of_others)} is not managed by this installation of "
            f"secretsync: it {package.owner}; 'secretsync plan' shows how it differs and what to do"
        )
        return
    yield from _drift(package)
    if package.status == "rolling out":
        yield f"{package.module}: the rollout of revision {package.revision} is not complete; the next run continues it"
    if package.suspension:
        yield f"{package.module}: {_suspended(package.suspension, now)}{_restored(package)}"
    if package.waiting and package.waiting.since:
        yield f"{package.module}: new content waits (for {age(package.waiting.since, now)}): {package.waiting.reason}"
    elif package.last_run and package.last_run.outcome not in _SAID_ANYWAY:
        yield f"{package.module}: {_last_run_remark(package.last_run, now)}"
    for workload in package.workloads:
        if not workload.current:
            at = f"revision {workload.revision}" if workload.revision else "no revision"
            yield f"{workload.workload}: {at}, {workload.state}: {workload.message}"
    if package.unobserved:
        yield f"{package.module}: this is what git has; name its cluster under 'observe' to see what runs"
    elif not package.workloads and not package.not_restarted:
        yield f"{package.module}: no workload mounts it, so nothing runs it: mount what 'secretsync values' prints"
    yield from package.not_in_force
    yield from _undecided(package)
    yield from package.not_restarted
    if package.lost_mounts:
        refs = tuple(Ref(lost.kind, lost.namespace, lost.name) for lost in package.lost_mounts)
        yield str(LostMounts(package.module, refs))
    for stripped in package.stripped:
        yield (
            f"{stripped}: another tool replaced its template by one without the wiring again, and its new pods run "
            f"without {package.module}: let that tool leave our fields alone (no Replace=true, no --force), then "
            "'secretsync resume'"
        )


def _undecided(package: PackageStatus) -> Iterator[str]:
    if package.undecided:
        yield in_force.undecided_sentence(package.module, package.undecided)


def _not_deployed(waiting: Wait | None) -> str:
    if waiting is None:
        return "run 'secretsync apply' to deploy it"
    return f"the first deployment waits: {waiting.reason}"


def proposed_sentence(module: str, waiting: Waiting) -> str:
    """Where a change of *module* is proposed, and what it waits for."""
    location = waiting.url or f"branch {waiting.branch}"
    if waiting.others:
        return (
            f"{module}: {location} has commit {waiting.commit[:12]} by {waiting.others}, which is not overwritten: "
            "merge it, or delete the branch"
        )
    if waiting.declined:
        return (
            f"{module}: {location} ('{waiting.title}') was closed without a merge: open it again, or change the "
            "package, which is proposed anew"
        )
    return f"{module}: {location} proposes '{waiting.title}' and waits for a merge"


def _last_run_remark(run: LastRun, now: datetime) -> str:
    """``last run: failed, check (for 2m): permission.py:168 [syntax] …``; a digest says nothing to a person."""
    detail = f", {run.detail}" if run.detail and ":" not in run.detail else ""
    reason = run.reason or ("the log of that run says why" if run.failed else "")
    reason = f": {reason}" if reason else ""
    return f"last run: {run.outcome}{detail} (for {age(run.since, now)}){reason}"


def _drift(package: PackageStatus) -> Iterator[str]:
    yield from _damage(package, f"; the next run {_tries(package, 'corrects', 'to correct')} it")
    if package.status == "drift" and not package.damage:
        what_follows = (
            "the target says 'drift: report', so they stay until there is new content"
            if package.drift_is_left
            else f"the next run {_tries(package, 'restores', 'to restore')} them"
        )
        yield f"{package.module}: somebody changed the live files; {what_follows}"


def _tries(package: PackageStatus, does: str, infinitive: str) -> str:
    """What the next run *does*; where the last one failed, it may fail again."""
    return f"tries {infinitive}" if package.last_run and package.last_run.failed else does


def _restored(package: PackageStatus) -> str:
    """A rollback gives a content a new number; that of before is in the reason."""
    restores = package.suspension.restores if package.suspension else None
    return f"; live as revision {package.revision}" if restores and restores != package.revision else ""


def _suspended(suspension: Suspension, now: datetime) -> str:
    since = f" {age(suspension.since, now)} ago" if suspension.since else ""
    if suspension.rejected_digest:  # the reason begins with what was rejected
        return suspension.reason
    by = f" by {suspension.by}" if suspension.by else ""
    return f"suspended{by}{since}: {suspension.reason}"
