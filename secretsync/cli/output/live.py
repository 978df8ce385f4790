"""What is live at a target and who does not run it, told by its last passes: neither a source nor a cluster is asked.

This is the document of the page of the long-running form. It holds names, digests and sentences, and no content.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from secretsync.cli.output.describe import describe_target
from secretsync.cli.output.report import Model, Outcome, Target
from secretsync.core import packing
from secretsync.core.kinds.kind import State
from secretsync.core.model import Bundle, Ref
from secretsync.plan import in_force, not_restarted, restarts
from secretsync.plan.diff import PackagePlan
from secretsync.reconcile import all_targets
from secretsync.reconcile.destination import Report

PASSES = 20
"""Rows of the table of the last passes; passes that say the same are one row."""

_UNUSUAL = frozenset(State) - {State.CURRENT, State.WRITTEN}


class LivePackage(Model):
    """A package as it is live; *commit* is empty where nothing is deployed."""

    module: str
    version: str = ""
    source: str = ""
    ref: str = ""
    commit: str = ""
    digest: str = ""
    revision: int | None = None
    since: datetime | None = None
    """When its content was written; null where that is not known."""
    workloads: int = 0
    """Those that mount it."""
    running: int = 0
    """Those of them that run it."""
    remark: str = ""
    """Why nothing is done to it, where it is degraded."""


class NotRunning(Model):
    """Something that should run a package and does not."""

    workload: str
    why: str


class Passes(Model):
    """Passes that came one after another and ended alike."""

    outcome: Outcome
    summary: str
    first: datetime
    last: datetime
    number: int = 1


class LiveTarget(Model):
    """A target as its last passes left it."""

    target: str
    outcome: Outcome
    summary: str
    remedy: str = ""
    packages: tuple[LivePackage, ...] = ()
    in_git: bool = False
    """Whether it is a repository: what is live is what its branch has, and no cluster is looked at."""
    not_running: tuple[NotRunning, ...] = ()
    warnings: tuple[str, ...] = ()
    read: datetime | None = None
    """When all this was read; null where no pass has read the target yet."""
    passes: tuple[Passes, ...] = ()
    """The newest first."""
    last_change: Target | None = None
    """The last pass that had something to do."""


class LivePage(Model):
    """All targets of the long-running form."""

    time: datetime
    targets: tuple[LiveTarget, ...]


def describe_live(outcome: all_targets.Outcome, now: datetime, earlier: LiveTarget | None = None) -> LiveTarget:
    """The target after a pass that ended *now*; *earlier* is what it was before that, None after the first."""
    described = describe_target(outcome, dry_run=False)
    previous = earlier or LiveTarget(target=described.target, outcome=described.outcome, summary=described.summary)
    facts: dict[str, Any] = {
        "outcome": described.outcome,
        "summary": described.summary,
        "remedy": described.remedy,
        "passes": _with(previous.passes, described, now),
    }
    if outcome.report:
        facts |= _facts(outcome.report, now)
        if described.outcome is not Outcome.UP_TO_DATE:
            facts["last_change"] = described
    return replace(previous, **facts)


def _with(passes: Sequence[Passes], described: Target, now: datetime) -> tuple[Passes, ...]:
    if passes and (passes[0].outcome, passes[0].summary) == (described.outcome, described.summary):
        repeated = replace(passes[0], last=now, number=passes[0].number + 1)
        return (repeated, *passes[1:])
    return (Passes(outcome=described.outcome, summary=described.summary, first=now, last=now), *passes)[:PASSES]


def _facts(report: Report, now: datetime) -> dict[str, Any]:
    last = report.undone or report
    not_running = dict(_not_running(last))
    return {
        "packages": (*(_package(package, last, not_running, now) for package in last.plan.packages), *_degraded(last)),
        "not_running": tuple(
            NotRunning(workload=f"{ref.kind} {ref.name}", why=reason) for ref, reason in not_running.items()
        ),
        "warnings": _warnings(last),
        "read": now,
        "in_git": last.proposal is not None,
    }


def _package(package: PackagePlan, report: Report, not_running: dict[Ref, str], now: datetime) -> LivePackage:
    module = package.placement.module
    bundle, since = _bundle(package, report, now)
    if bundle is None:
        return LivePackage(module=module)
    mounting = [workload.ref for workload in report.plan.workloads if restarts.mounted(workload, [package])]
    return LivePackage(
        module=module,
        version=bundle.version,
        source=bundle.revision.source,
        ref=bundle.revision.ref,
        commit=bundle.revision.id,
        digest=f"sha256:{bundle.digest}",
        revision=package.revision_number,
        since=since,
        workloads=len(mounting),
        running=sum(ref not in not_running for ref in mounting),
    )


def _bundle(package: PackagePlan, report: Report, now: datetime) -> tuple[Bundle | None, datetime | None]:
    """What is live of a package after a pass, and when it was written."""
    written = max((secret.data_written for secret in package.live if secret.data_written), default=None)
    if report.done and not _waits_for_merge(report):
        return package.desired.bundle, now if package.content else written
    return (packing.live_bundle(package.live) if package.live else None), written


def _waits_for_merge(report: Report) -> bool:
    return report.proposal is not None and report.proposal.state in ("proposed", "updated", "unchanged", "declined")


def _degraded(report: Report) -> Iterator[LivePackage]:
    for degraded in report.plan.degraded:
        module, reason = degraded.placement.module, f"degraded: {degraded.error}"
        live = degraded.live
        if live is None:
            yield LivePackage(module=module, remark=reason)
        else:
            yield LivePackage(module=module, source=live.source, ref=live.ref, commit=live.id, remark=reason)


def _not_running(report: Report) -> Iterator[tuple[Ref, str]]:
    """Each that should run what is live and does not, with the reason that weighs most last."""
    plan, reached = report.plan, {**report.verdicts, **report.ignored}
    yield from (
        (ref, f"{status.state}: {status.message}") for ref, status in reached.items() if status.state in _UNUSUAL
    )
    if report.done:
        missed = (restart.workload.ref for restart in plan.restarts if restart.workload.ref not in reached)
        yield from ((ref, "not restarted: the rollout stopped before it") for ref in missed)
    yield from (
        (mismatch.workload, f"{mismatch.verdict.wrong}; fix: {mismatch.verdict.remedy}")
        for mismatch in plan.not_in_force
    )
    yield from ((spawner.ref, not_restarted.consequence(spawner.ref)) for spawner in plan.not_restarted if spawner.runs)
    for ref in plan.held_by_hand:
        reason = "another tool removed its wiring again" if ref in plan.stripped else "somebody put back its template"
        yield ref, f"{reason}: it stays so until there is new content, or 'secretsync resume'"


def _warnings(report: Report) -> tuple[str, ...]:
    """What else somebody should know; what the table says is not said again."""
    covered = {*in_force.sentences(report.plan.not_in_force), *not_restarted.sentences(report.plan.not_restarted)}
    return tuple(note for note in (*report.plan.notes, *report.notes) if note not in covered)
