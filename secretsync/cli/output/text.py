"""A report for a person: what happened or would happen, why, and what to do next. It fits 80 columns."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable

from secretsync.cli.output.wiring import wiring
from secretsync.core.kinds.kind import State
from secretsync.core.model import File
from secretsync.plan.diff import Action, Change, FileChange, PackagePlan
from secretsync.reconcile.destination import CheckedPackage, Report

_MARKS = {"added": "+", "removed": "-", "changed": "~"}
_NAMED = 6
_WIDTH = 80


def render(report: Report, *, diff: bool = False) -> str:
    """The whole report; *diff* adds the text difference of each file."""
    return "".join(line + "\n" for line in _lines(report, diff=diff))


def wrapped(line: str) -> str:
    """A sentence over several lines of 80 columns, those after the first set in a little more."""
    indent = len(line) - len(line.lstrip())
    return textwrap.fill(
        line.strip(),
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _lines(report: Report, *, diff: bool) -> Iterable[str]:
    yield report.destination
    for package in report.plan.packages:
        yield f"  {_title(package)}"
        for change in package.changes:
            yield from _kept(change) if change.desired.name in package.outdated else _change(change, done=report.done)
            if diff:
                yield from (line for file in change.files for line in text_diff(file))
    for module, examined in report.checked_packages.items():
        yield from _examined(module, examined)
    yield from _restarts(report)
    for note in report.plan.notes:
        yield wrapped(f"  note: {note}")
    for line in (*_verdicts(report), *_mixed(report)):
        yield wrapped(line)
    for one in report.plan.degraded:
        yield wrapped(f"  degraded: {one}")
    yield wrapped(f"  {summary(report)}")
    if report.undone:
        yield from _lines(report.undone, diff=False)


def _examined(module: str, examined: CheckedPackage) -> Iterable[str]:
    difference = examined.difference if examined.difference and not examined.difference.empty else None
    if not examined.findings and not difference:
        return
    # imported here: a pass that checks nothing does not pay for the rules
    from secretsync.cli.output.findings import Checked, text

    yield from (f"    {line}".rstrip() for line in text([Checked(module, examined.findings, difference)]).splitlines())


def _title(package: PackagePlan) -> str:
    bundle = package.desired.bundle
    version = f" {bundle.version}" if bundle.version else ""
    return f"{bundle.module}{version} ({bundle.revision.short}), write {package.revision_number}"


_DONE = {Action.CREATE: "created", Action.UPDATE: "updated", Action.DELETE: "deleted", Action.KEEP: "unchanged"}


def _change(change: Change, *, done: bool) -> Iterable[str]:
    word = _DONE[change.action] if done or change.action is Action.KEEP else str(change.action)
    size = f"{len(change.desired.data)} files, {change.desired.size:,} bytes"
    remark = " (labels and annotations only)" if change.action is Action.UPDATE and not change.content else ""
    yield f"    {word:<9} Secret {change.desired.name}: {size}{remark}"
    for file in change.files:
        yield f"      {_MARKS[file.kind]} {_file(file)}"


def _kept(change: Change) -> Iterable[str]:
    """An immutable Secret of an earlier write."""
    yield f"    kept      Secret {change.desired.name}: pods of an earlier revision may need it"


def _file(change: FileChange) -> str:
    before, after = change.before, change.after
    if before and after:
        return f"{change.path}  {_size(before)} -> {_size(after)}"
    return f"{change.path}  {_size(after or before)}"


def _size(file: File | None) -> str:
    return f"{len(file.data):,} bytes, {file.digest[:8]}" if file else ""


def _restarts(report: Report) -> Iterable[str]:
    """The restarts that are due, or those that were reached: a wave that fails is the last."""
    reached = {**report.verdicts, **report.ignored}
    restarts = [one for one in report.plan.restarts if not report.done or one.workload.ref in reached]
    if restarts:
        yield f"    {'restarted' if report.done else 'restart':<9} {_count(len(restarts), 'workload')}:"
    for restart in restarts[:_NAMED]:
        yield wrapped(f"      {restart.workload.ref.kind} {restart.workload.ref.name}: {restart.reason}")
    yield from map(wrapped, wiring(restarts))
    if len(restarts) > _NAMED:
        yield f"      and {len(restarts) - _NAMED} more"
    if left := len(report.plan.restarts) - len(restarts):
        yield f"    left alone {_count(left, 'workload')}, which the failure came before"


def _verdicts(report: Report) -> Iterable[str]:
    """Only what an operator has to read: the workloads that are current are counted in the summary."""
    for ref, verdict in sorted(report.verdicts.items()):
        if verdict.state is not State.CURRENT:
            yield f"    {verdict.state}: {ref.kind} {ref.name}: {verdict.message}"
    for ref, verdict in sorted(report.ignored.items()):
        yield f"    {verdict.state}, as it was not current before the run: {ref.kind} {ref.name}: {verdict.message}"


def _mixed(report: Report) -> Iterable[str]:
    """For how long new files lay under old processes, at the longest; JSON tells it of each."""
    if report.mixed:
        longest = max(report.mixed, key=lambda ref: report.mixed[ref])
        yield (
            f"    mixed: {_count(len(report.mixed), 'workload')} ran with files newer than their processes, "
            f"{longest.kind} {longest.name} for the longest: {report.mixed[longest]:.0f} s at most"
        )


def summary(report: Report) -> str:
    """What a pass came to, in a sentence."""
    plan = report.plan
    if report.waits:
        return f"waits: {report.waits}"
    if report.refused:
        return f"REFUSED: {report.refused}. Mend the package, or see 'check:' in the configuration"
    if not plan.packages:
        return "DEGRADED: nothing was touched; what is live stays, and the next run asks again"
    if not plan.pending and not report.verdicts:
        by_hand = f", but {_count(len(plan.held_by_hand), 'workload')} held by hand" if plan.held_by_hand else ""
        return f"unchanged: the Secrets hold it and every workload runs it{by_hand}"
    written = sum(change.pending for change in plan.changes)
    if not report.done:
        if not plan.pending:
            return "nothing to write; an earlier rollout is not finished"
        return f"pending: {_count(written, 'Secret')}, {_count(len(plan.restarts), 'restart')}; nothing was written"
    states = [verdict.state for verdict in report.verdicts.values()]
    reached = f"{states.count(State.CURRENT)} of {_count(len(states), 'workload')} current"
    if report.failed:
        return f"FAILED: {_count(written, 'Secret')} written, {reached}. {_remedy(report)}"
    if not states or State.WRITTEN in states:
        return f"done: {_count(written, 'Secret')} written, {_count(len(states), 'workload')} stamped"
    return f"done: {_count(written, 'Secret')} written, {reached}"


def _remedy(report: Report) -> str:
    if report.undone is None:
        return "Nothing was put back: the next run goes on with these rollouts"
    if report.undone.failed:
        return (
            "Putting back what was live FAILED too: the Secrets hold what was live before, but some pods do not run "
            "it. Look at the pods named below; the next run tries again"
        )
    return "What was live before was put back; mend the package and push, or see 'secretsync release'"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def text_diff(change: FileChange) -> Iterable[str]:
    """The difference of one file, as ``diff -u`` shows it; a file that is not text is only named."""
    try:
        before, after = _text(change.before), _text(change.after)
    except UnicodeDecodeError:
        yield f"      {change.path} is not text"
        return
    yield from difflib.unified_diff(before, after, f"live/{change.path}", f"desired/{change.path}", lineterm="")


def _text(file: File | None) -> list[str]:
    return file.data.decode().splitlines() if file else []
