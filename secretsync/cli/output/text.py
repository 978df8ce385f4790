"""A report for a person: what changes or changed, why, and what to do next."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from secretsync.cli.output.policy import policy_lines
from secretsync.cli.output.report import (
    FileChange,
    FileSide,
    Outcome,
    Package,
    Report,
    Restart,
    SecretChange,
    Target,
    TemplateChange,
    Workload,
    WorkloadStatus,
)
from secretsync.cli.output.sentences import count, degradation, short_commit
from secretsync.cli.output.style import PLAIN, Style, readable

_MARKS = {"added": "+", "removed": "-", "changed": "~"}
_DONE = {"create": "created", "update": "updated", "delete": "deleted", "keep": "unchanged"}
_NAMED = 6
_POD = re.compile(r"^pod \S+, ")
"""What tells the messages of workloads with the same failure apart."""
_LONGEST_NAME = 36
_KINDS = {
    Outcome.UP_TO_DATE: "good",
    Outcome.APPLIED: "good",
    Outcome.PENDING: "changed",
    Outcome.WAITING: "warning",
    Outcome.DEGRADED: "warning",
    Outcome.REFUSED: "bad",
    Outcome.FAILED: "bad",
    Outcome.ROLLED_BACK: "bad",
}


def render(report: Report, style: Style = PLAIN) -> str:
    """The whole report: each target, and of several a line for each at the end."""
    return "".join(render_target(target, style) for target in report.targets) + render_table(report.targets, style)


def render_target(target: Target, style: Style = PLAIN) -> str:
    """One target, as soon as its outcome is known; its last line is the outcome."""
    return "".join(f"{line}\n" for line in _target(readable(target), style))


def render_table(targets: Sequence[Target], style: Style = PLAIN) -> str:
    """A line for each of several targets, in the order in which they ended; nothing for a single one."""
    if len(targets) < 2:
        return ""
    outcomes = Counter(str(target.outcome).replace("-", " ") for target in targets)
    numbers = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
    lines = [f"{count(len(targets), 'target')}: {numbers}"]
    names = [textwrap.shorten(target.target, _LONGEST_NAME, placeholder="…") for target in map(readable, targets)]
    width = max(map(len, names))
    for name, target in zip(names, map(readable, targets), strict=True):
        room = style.width - width - 4
        short = textwrap.shorten(target.summary, room, placeholder=" …") if style.cuts else target.summary
        lines.append(f"  {name.ljust(width)}  {style.paint(_KINDS[target.outcome], short)}")
    return "".join(f"{line}\n" for line in lines)


def _target(target: Target, style: Style) -> Iterator[str]:
    yield style.paint("title", target.target)
    yield from _body(target, style)
    if target.undo:
        yield "  rollback:"
        yield from _body(target.undo, style)
    if target.remedy:
        yield style.wrap(f"  {target.remedy}")
    yield style.paint(_KINDS[target.outcome], _last_line(target, style))


def _last_line(target: Target, style: Style) -> str:
    """The outcome; a failure is one line however long it is, and nothing of it is cut."""
    if target.outcome in (Outcome.REFUSED, Outcome.FAILED, Outcome.ROLLED_BACK) or (
        target.outcome is Outcome.DEGRADED and not target.packages
    ):
        return target.summary
    return style.wrap(f"  {target.summary}")


def _body(target: Target, style: Style) -> Iterator[str]:
    stopped = target.outcome in (Outcome.REFUSED, Outcome.WAITING) or target.error is not None
    planned = target.dry_run or stopped or bool(target.proposal and target.proposal.state != "pushed")
    for package in target.packages:
        yield f"  {_title(package)}"
        for change in package.secrets:
            yield from _secret(change, style, dry_run=planned)
    yield from _findings(target, style)
    for policy in target.policy:
        yield f"    policy of {policy.module} against the live one:"
        yield from (f"      {line}" for line in policy_lines(policy.changes, style))
    yield from _restarts(target, style)
    yield from (f"    values    {file.path}" for file in target.values if not file.by_hand)
    yield from (style.wrap(f"  {warning}") for warning in _warnings(target))
    for line in (*_rollout(target), *_skew(target)):
        yield style.wrap(line)
    if target.packages or len(target.degraded) > 1:  # else the outcome says it
        yield from (style.wrap(f"  degraded: {degradation(degraded)}") for degraded in target.degraded)


def _title(package: Package) -> str:
    version = f" {package.version}" if package.version else ""
    changes = package.live_revision not in (None, package.revision)
    revision = f"{package.live_revision} -> {package.revision}" if changes else package.revision
    return f"{package.module}{version} ({short_commit(package.commit)}), revision {revision}"


def _secret(change: SecretChange, style: Style, *, dry_run: bool) -> Iterator[str]:
    if change.superseded:
        yield style.wrap(f"    kept      Secret {change.name}: pods of an earlier revision may need it")
        return
    verb = change.action if dry_run and change.action != "keep" else _DONE[change.action]
    size = f"{count(change.keys, 'file')}, {change.bytes:,} bytes"
    remark = " (labels and annotations only)" if change.metadata_only else ""
    yield f"    {verb:<9} Secret {change.name}: {size}{remark}"
    for file in change.files:
        yield from (f"      {line}" for line in file_lines(file, style))


def file_lines(file: FileChange, style: Style) -> Iterator[str]:
    """A file with its mark, and below it the hunks where they were asked for."""
    yield style.paint(file.change, f"{_MARKS[file.change]} {_file(file)}")
    yield from (f"    {line}" for line in _hunks(file, style))


def _file(change: FileChange) -> str:
    if change.before and change.after:
        return f"{change.path}  {_size(change.before)} -> {_size(change.after)}"
    return f"{change.path}  {_size(change.after or change.before)}"


def _size(side: FileSide | None) -> str:
    return f"{side.bytes:,} bytes, {side.sha256[:8]}" if side else ""


def _hunks(change: FileChange, style: Style) -> Iterator[str]:
    if change.diff is not None and not change.diff and _changes_bytes(change):
        yield "(not text)"
    for line in change.diff or ():
        kind = {"+": "added", "-": "removed", "@": "quiet"}.get(line[:1], "")
        yield style.paint(kind, line.rstrip())


def _changes_bytes(change: FileChange) -> bool:
    return bool((change.before and change.before.bytes) or (change.after and change.after.bytes))


def _findings(target: Target, style: Style) -> Iterator[str]:
    for finding in target.findings:
        location = f" {finding.path}:{finding.line}" if finding.line else f" {finding.path}" if finding.path else ""
        versions = f" (Rucio {', '.join(finding.rucio)})" if finding.rucio else ""
        kind = {"error": "bad", "warning": "warning"}.get(finding.severity, "")
        yield style.paint(kind, f"    {finding.severity}{location} [{finding.rule}]{versions}")
        for paragraph in (finding.effect, finding.remedy):
            yield style.wrap(f"      {paragraph}", hang=0)


def _restarts(target: Target, style: Style) -> Iterator[str]:
    """Workloads with the same reason are one line with their number; a plan tells their waves."""
    waves = {restart.wave for restart in target.restarts}
    if target.restarts:
        verb = "restart" if target.dry_run else "restarted"
        order = f" in {len(waves)} waves" if len(waves) > 1 else ""
        yield f"    {verb:<9} {count(len(target.restarts), 'workload')}{order}:"
    groups: dict[tuple[int, str], list[Restart]] = {}
    for restart in sorted(target.restarts, key=lambda restart: restart.wave):
        groups.setdefault((restart.wave, restart.reason), []).append(restart)
    for (wave, reason), group in groups.items():
        number = f"wave {wave}: " if len(waves) > 1 else ""
        yield style.wrap(f"      {number}{_names([restart.workload for restart in group])}: {reason}")
    yield from map(style.wrap, _template_changes(target.restarts))
    if target.not_restarted:
        yield f"    not restarted (rollout stopped): {count(len(target.not_restarted), 'workload')}"


def _names(workloads: Sequence[Workload]) -> str:
    """``Deployment server, ui and 8 more``: by kind, the first of them with the number of the others."""
    kinds: dict[str, list[str]] = {}
    for workload in workloads[:_NAMED]:
        kinds.setdefault(workload.kind, []).append(workload.name)
    more = f" and {len(workloads) - _NAMED} more" if len(workloads) > _NAMED else ""
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items()) + more


def _template_changes(restarts: Sequence[Restart]) -> Iterable[str]:
    """What is applied to pod templates: once for all workloads that get the same."""
    groups: dict[tuple[str | None, tuple[TemplateChange, ...]], list[Restart]] = {}
    for restart in restarts:
        if restart.changes:
            groups.setdefault((restart.manager, restart.changes), []).append(restart)
    for (manager, changes), group in groups.items():
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        yield f"    pod template of {group[0].workload}{more}, field manager {manager}:"
        yield from (f"      {_MARKS[change.change]} {_entry(change)}" for change in changes)


def _entry(template_change: TemplateChange) -> str:
    """``rucio: PYTHONPATH=/opt/rucio/policy``."""
    prefix = f"{template_change.container}: " if template_change.container else ""
    if template_change.kind == "variable":
        return f"{prefix}{template_change.name}" + (f"={template_change.value}" if template_change.value else "")
    name = template_change.name if template_change.kind == "mount" else f"volume {template_change.name}"
    return f"{prefix}{name}" + (f" ({template_change.value})" if template_change.value else "")


def _warnings(target: Target) -> Iterator[str]:
    yield from (f"warning: {warning}" for warning in target.warnings)
    yield from (f"note: {note}" for note in target.notes)
    yield from (f"warning: change {file.path} by hand: {file.by_hand}" for file in target.values if file.by_hand)


def _rollout(target: Target) -> Iterator[str]:
    """Only what an operator has to read: current workloads are counted in the summary."""
    groups: dict[tuple[str, str], list[WorkloadStatus]] = {}
    for status in target.rollout:
        if status.counts and status.state != "current":
            groups.setdefault((status.state, _POD.sub("", status.message)), []).append(status)
    for (state, message), group in groups.items():
        detail = group[0].message if len(group) == 1 else message
        yield f"    {state}: {_names([status.workload for status in group])}: {detail}"
    for status in target.rollout:
        if not status.counts:
            yield f"    {status.state} (not healthy before the run): {status.workload}: {status.message}"


def _skew(target: Target) -> Iterator[str]:
    if target.version_skew:
        longest = max(target.version_skew, key=lambda skew: skew.seconds)
        total = count(len(target.version_skew), "workload")
        yield f"    version skew: up to {longest.seconds:.0f} s ({total}, {longest.workload} the longest)"
