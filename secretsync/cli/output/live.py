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
    told = describe_target(outcome, dry_run=False)
    known = earlier or LiveTarget(target=told.target, outcome=told.outcome, summary=told.summary)
    facts: dict[str, Any] = {
        "outcome": told.outcome,
        "summary": told.summary,
        "remedy": told.remedy,
        "passes": _with(known.passes, told, now),
    }
    if outcome.report:
        facts |= _facts(outcome.report, now)
        if told.outcome is not Outcome.UP_TO_DATE:
            facts["last_change"] = told
    return replace(known, **facts)


def _with(passes: Sequence[Passes], told: Target, now: datetime) -> tuple[Passes, ...]:
    if passes and (passes[0].outcome, passes[0].summary) == (told.outcome, told.summary):
        again = replace(passes[0], last=now, number=passes[0].number + 1)
        return (again, *passes[1:])
    return (Passes(outcome=told.outcome, summary=told.summary, first=now, last=now), *passes)[:PASSES]


def _facts(report: Report, now: datetime) -> dict[str, Any]:
    last = report.undone or report
    not_running = dict(_not_running(last))
    return {
        "packages": (*(_package(one, last, not_running, now) for one in last.plan.packages), *_degraded(last)),
        "not_running": tuple(
            NotRunning(workload=f"{ref.kind} {ref.name}", why=why) for ref, why in not_running.items()
        ),
        "warnings": _warnings(last),
        "read": now,
    }


def _package(package: PackagePlan, report: Report, not_running: dict[Ref, str], now: datetime) -> LivePackage:
    module = package.placement.module
    bundle, since = _bundle(package, report, now)
    if bundle is None:
        return LivePackage(module=module)
    mounting = [one.ref for one in report.plan.workloads if restarts.mounted(one, [package])]
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
    written = max((one.data_written for one in package.live if one.data_written), default=None)
    if report.done:
        return package.desired.bundle, now if package.content else written
    return (packing.live_bundle(package.live) if package.live else None), written


def _degraded(report: Report) -> Iterator[LivePackage]:
    for degraded in report.plan.degraded:
        module, why = degraded.placement.module, f"degraded: {degraded.error}"
        live = degraded.live
        if live is None:
            yield LivePackage(module=module, remark=why)
        else:
            yield LivePackage(module=module, source=live.source, ref=live.ref, commit=live.id, remark=why)


def _not_running(report: Report) -> Iterator[tuple[Ref, str]]:
    """Each that should run what is live and does not, with the reason that weighs most last."""
    plan, reached = report.plan, {**report.verdicts, **report.ignored}
    yield from ((ref, f"{found.state}: {found.message}") for ref, found in reached.items() if found.state in _UNUSUAL)
    if report.done:
        missed = (one.workload.ref for one in plan.restarts if one.workload.ref not in reached)
        yield from ((ref, "not restarted: the rollout stopped before it") for ref in missed)
    yield from ((one.workload, f"{one.verdict.wrong}; fix: {one.verdict.remedy}") for one in plan.not_in_force)
    yield from ((one.ref, not_restarted.consequence(one.ref)) for one in plan.not_restarted if one.runs)
    for ref in plan.held_by_hand:
        why = "another tool removed its wiring again" if ref in plan.stripped else "somebody put back its template"
        yield ref, f"{why}: it stays so until there is new content, or 'secretsync resume'"


def _warnings(report: Report) -> tuple[str, ...]:
    """What else somebody should know; what the table says is not said again."""
    said = {*in_force.sentences(report.plan.not_in_force), *not_restarted.sentences(report.plan.not_restarted)}
    return tuple(note for note in (*report.plan.notes, *report.notes) if note not in said)
