"""Outcomes of targets become a report: what was planned or done, in the words of the document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from secretsync.cli.output import report as document
from secretsync.cli.output.policy import policy_changes
from secretsync.cli.output.sentences import remedy, summary
from secretsync.core import packing
from secretsync.core.errors import SecretSyncError, worst
from secretsync.core.model import Bundle, File, Ref, Secret
from secretsync.plan import in_force, restarts
from secretsync.plan.degraded import Degraded
from secretsync.plan.diff import Change, FileChange, PackagePlan
from secretsync.plan.in_force import NotInForce
from secretsync.plan.refused import Refused
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import CheckedPackage, Report

Command = Literal["plan", "apply", "run", "rollback"]


def describe(
    outcomes: Sequence[Outcome],
    command: Command,
    *,
    dry_run: bool = False,
    texts: bool = False,
    actions: bool = False,
    now: datetime | None = None,
) -> document.Report:
    """The report on all targets; *texts* adds the lines that differ, *actions* who decides on Rucio's actions."""
    targets = tuple(describe_target(outcome, dry_run=dry_run, texts=texts, actions=actions) for outcome in outcomes)
    return report_on_targets(targets, command, now)


def report_on_targets(
    targets: tuple[document.Target, ...], command: Command, now: datetime | None = None
) -> document.Report:
    """The report on targets that are described already."""
    return document.Report(
        command=command,
        time=now or datetime.now(UTC),
        outcome=document.worst(targets),
        exit_code=worst(target.exit_code for target in targets),
        targets=targets,
    )


def describe_target(outcome: Outcome, *, dry_run: bool, texts: bool = False, actions: bool = False) -> document.Target:
    """What became of one target."""
    if outcome.report:
        target = describe_pass(outcome.report, dry_run=dry_run, texts=texts, actions=actions)
        return replace(target, exit_code=outcome.exit_code)
    assert outcome.error  # noqa: S101 - one of the two is there
    failed = document.Target(
        target=outcome.destination.name,
        outcome=document.Outcome.FAILED,
        summary="",
        exit_code=outcome.exit_code,
        dry_run=dry_run,
        error=problem(outcome.error),
        packages=tuple(_package(package, texts=texts) for package in _conflicting(outcome.error)),
    )
    return _with_summary(failed)


def _conflicting(error: SecretSyncError) -> Sequence[PackagePlan]:
    """The packages whose Secrets somebody else has: what would change is shown with the refusal."""
    packages = error.packages if isinstance(error, Refused) else ()
    return [package for package in packages if any(change.live and change.pending for change in package.changes)]


def describe_pass(report: Report, *, dry_run: bool, texts: bool = False, actions: bool = False) -> document.Target:
    """What a pass did, or would do; its exit code is the outcome's to say."""
    target = _with_summary(_target(report, dry_run=dry_run, texts=texts))
    if not actions or report.refused:
        return target
    return replace(target, actions=tuple(_actions(report.checked_packages)))


def _with_summary(target: document.Target) -> document.Target:
    return replace(target, summary=summary(target), remedy=remedy(target))


def _target(report: Report, *, dry_run: bool, texts: bool, origin: float | None = None) -> document.Target:
    plan = report.plan
    reached = {**report.verdicts, **report.ignored}
    planned = () if report.refused else plan.restarts
    made = [restart for restart in planned if dry_run or restart.workload.ref in reached]
    missed = [restart for restart in planned if restart.workload.ref not in reached]
    if dry_run or report.waits:
        missed = []
    if origin is None and report.waves:
        origin = report.waves[0].began
    undo = _rollback(report.undone, origin) if report.undone else None
    return document.Target(
        target=report.destination,
        outcome=_outcome(report, dry_run=dry_run),
        summary="",
        exit_code=0,
        dry_run=dry_run,
        packages=tuple(_package(package, texts=texts) for package in plan.packages),
        workloads=tuple(
            _workload(workload.ref) for workload in plan.workloads if any(restarts.mounted(workload, plan.packages))
        ),
        not_in_force=_workloads(plan.not_in_force),
        undecided=_workloads(plan.undecided),
        not_current=tuple(map(_workload, plan.not_current)),
        restarts=tuple(_restart(restart, report.planned_waves) for restart in made),
        not_restarted=tuple(_workload(restart.workload.ref) for restart in missed),
        rollout=tuple(_rollout(report, origin or 0)),
        findings=tuple(_findings(report.checked_packages)),
        policy=() if report.refused else tuple(_policies(report.checked_packages, texts=texts)),
        degraded=tuple(_degraded(degradation) for degradation in plan.degraded),
        warnings=(*plan.notes, *report.notes),
        notes=tuple(in_force.undecided_sentences(plan.undecided)),
        suspended=tuple(_workload(ref) for ref in plan.held_by_hand),
        version_skew=tuple(
            document.Skew(workload=_workload(ref), seconds=round(seconds, 1))
            for ref, seconds in sorted(report.mixed.items())
        ),
        values=tuple(document.ValuesFile(path=file.path, by_hand=file.problem) for file in report.values),
        proposal=_proposal(report),
        waits=report.waits or report.would_wait,
        refusal=report.refused,
        failure=report.failure,
        undo=undo,
        error=problem(report.blocked) if report.blocked else None,
    )


def _rollback(report: Report, origin: float | None) -> document.Target:
    """What was done to put back; why is said once, in the outcome of what failed."""
    target = _target(report, dry_run=False, texts=False, origin=origin)
    warnings = tuple(warning for warning in target.warnings if not warning.startswith("rejected: "))
    return _with_summary(replace(target, warnings=warnings))


def _outcome(report: Report, *, dry_run: bool) -> document.Outcome:
    if report.refused:
        return document.Outcome.REFUSED
    if report.blocked:
        return document.Outcome.FAILED
    if report.undone and not report.undone.failed:
        return document.Outcome.ROLLED_BACK
    if report.failed:
        return document.Outcome.FAILED
    if report.plan.degraded:
        return document.Outcome.DEGRADED
    if report.waits:
        return document.Outcome.WAITING
    pending = report.plan.pending or any(not file.problem for file in report.values)
    if not pending and not report.verdicts:
        return document.Outcome.UP_TO_DATE
    return document.Outcome.PENDING if dry_run and pending else document.Outcome.APPLIED


def _proposal(report: Report) -> document.Proposal | None:
    proposal = report.proposal
    if proposal is None:
        return None
    return document.Proposal(state=proposal.state, branch=proposal.branch, commit=proposal.commit, url=proposal.url)


def problem(error: SecretSyncError) -> document.Problem:
    """A failure, its sentences on one line."""
    return document.Problem(code=error.code, category=error.category, message="; ".join(str(error).splitlines()))


def _workload(ref: Ref) -> document.Workload:
    return document.Workload(kind=ref.kind, namespace=ref.namespace, name=ref.name)


def _workloads(mismatches: Sequence[NotInForce]) -> tuple[document.Workload, ...]:
    return tuple(_workload(ref) for ref in dict.fromkeys(mismatch.workload for mismatch in mismatches))


def _package(package: PackagePlan, *, texts: bool) -> document.Package:
    bundle, live = package.desired.bundle, package.live
    return document.Package(
        module=bundle.module,
        version=bundle.version,
        source=bundle.revision.source,
        ref=bundle.revision.ref,
        commit=bundle.revision.id,
        digest=f"sha256:{bundle.digest}",
        revision=package.revision_number,
        live_revision=_revision(live),
        secrets=tuple(_secret(change, package, texts=texts) for change in package.changes),
    )


def _revision(live: Sequence[Secret]) -> int | None:
    numbers = [
        int(secret.annotations[packing.REVISION_NUMBER])
        for secret in live
        if secret.annotations.get(packing.REVISION_NUMBER, "").isdecimal()
    ]
    return max(numbers, default=None)


def _secret(change: Change, package: PackagePlan, *, texts: bool) -> document.SecretChange:
    return document.SecretChange(
        name=change.desired.name,
        action=change.action.value,
        keys=len(change.desired.data),
        bytes=change.desired.size,
        metadata_only=change.pending and not change.content,
        superseded=change.desired.name in package.outdated,
        files=tuple(_file(file, texts=texts) for file in change.files),
    )


def _file(change: FileChange, *, texts: bool) -> document.FileChange:
    return document.FileChange(
        path=change.path,
        change=change.kind,
        before=_side(change.before),
        after=_side(change.after),
        diff=tuple(text_diff(change)) if texts else None,
    )


def file_changes(before: Bundle, after: Bundle) -> tuple[document.FileChange, ...]:
    """How the files of two revisions differ, with their lines."""
    old, new = ({file.path: file for file in bundle.files} for bundle in (before, after))
    return tuple(
        _file(FileChange(path, old.get(path), new.get(path)), texts=True)
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    )


def _side(file: File | None) -> document.FileSide | None:
    return document.FileSide(bytes=len(file.data), sha256=file.digest) if file else None


def text_diff(change: FileChange) -> Iterable[str]:
    """The hunks of one file, as ``diff -u`` shows them; none for a file that is not text."""
    # imported here: few reports have contents
    import difflib

    try:
        before, after = _lines(change.before), _lines(change.after)
    except UnicodeDecodeError:
        return ()
    return list(difflib.unified_diff(before, after, lineterm=""))[2:]


def _lines(file: File | None) -> list[str]:
    return file.data.decode().splitlines() if file else []


def _restart(restart: restarts.Restart, waves: Sequence[Sequence[Ref]] = ()) -> document.Restart:
    rewiring = restart.rewiring
    wave = next((number for number, refs in enumerate(waves, 1) if restart.workload.ref in refs), 0)
    return document.Restart(
        workload=_workload(restart.workload.ref),
        reason=restart.reason,
        manager=rewiring.manager if rewiring else None,
        template=rewiring.part if rewiring else None,
        changes=tuple(
            document.TemplateChange(
                change=difference.kind,
                kind=difference.entry.kind,
                container=difference.entry.container,
                name=difference.entry.name,
                value=difference.value,
            )
            for difference in rewiring.differences
        )
        if rewiring
        else (),
        wave=wave,
    )


def _rollout(report: Report, origin: float) -> Iterator[document.WorkloadStatus]:
    """The verdicts on workloads; times are in seconds since *origin*."""
    waves = {ref: (number, wave) for number, wave in enumerate(report.waves, 1) for ref in wave.workloads}
    for verdicts, counts in ((report.verdicts, True), (report.ignored, False)):
        for ref, status in sorted(verdicts.items()):
            number, wave = waves.get(ref, (0, None))
            end = status.at if status.at is not None or wave is None else wave.ended
            yield document.WorkloadStatus(
                workload=_workload(ref),
                state=str(status.state),
                message=status.message,
                counts=counts,
                wave=number,
                began=round(wave.began - origin, 1) if wave else None,
                ended=round(end - origin, 1) if wave and end is not None else None,
            )


def _findings(checked: Mapping[str, CheckedPackage]) -> Iterator[document.Finding]:
    for module, checked_package in checked.items():
        for finding in checked_package.findings:
            yield document.Finding(
                module=module,
                rule=finding.rule,
                severity=finding.severity.value,
                path=finding.path,
                line=finding.line,
                effect=finding.effect,
                remedy=finding.remedy,
                about=finding.about,
                rucio=finding.rucio,
            )


def _degraded(degraded: Degraded) -> document.Degraded:
    return document.Degraded(
        module=degraded.placement.module,
        commit=degraded.live.id if degraded.live else None,
        problem=problem(degraded.error),
    )


def _actions(checked: Mapping[str, CheckedPackage]) -> Iterator[document.Actions]:
    for module, package in checked.items():
        rows = tuple(
            document.Action(
                action=row.action, before=row.before, after=row.decided_by, change=row.changed, rucio=row.rucio
            )
            for row in package.actions()
        )
        if rows:
            yield document.Actions(module=module, actions=rows)


def _policies(checked: Mapping[str, CheckedPackage], *, texts: bool) -> Iterator[document.Policy]:
    for module, finding in checked.items():
        if finding.difference and not finding.difference.empty:
            yield document.Policy(module=module, changes=tuple(policy_changes(finding.difference, texts=texts)))
