"""The story: look, carry out, and go back where it fails. One function does the work in all four uses."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import structlog

from secretsync.cluster.errors import Conflict
from secretsync.core.errors import SecretSyncError
from secretsync.core.instrumentation import timed_stage
from secretsync.core.model import Ref, Workload
from secretsync.core.pod_references import updates_mounted_files
from secretsync.plan import disruption
from secretsync.plan.diff import PackagePlan, stamped_revision_number
from secretsync.plan.plan import Plan
from secretsync.plan.restarts import Restart
from secretsync.plan.rollout_status import Cause, Status
from secretsync.plan.state import State
from secretsync.plan.waves import Wave, is_healthy, split_into_waves
from secretsync.reconcile import apply
from secretsync.reconcile.check import CheckReport, check_packages
from secretsync.reconcile.destination import REAL_TIME, Clock, Destination, Report
from secretsync.reconcile.gates import wait_for_other_target
from secretsync.reconcile.lock import turn
from secretsync.reconcile.observe import observe
from secretsync.reconcile.state_store import StateStore, load_state
from secretsync.reconcile.wait import Stamps

log = structlog.get_logger()


def preview(destination: Destination) -> Report:
    """What `sync` would do now; nothing is written."""
    state = load_state(destination).state
    plan = observe(destination, state)
    examination = check_packages(destination, plan, state)
    return _report(destination, plan, examination, state)


def _report(destination: Destination, plan: Plan, examination: CheckReport, state: State) -> Report:
    """What is known before anything is done."""
    return Report(
        destination.name,
        plan,
        checked_packages=examination.checked_packages,
        refused=examination.refused,
        results=state.results,
    )


def sync(destination: Destination, clock: Clock = REAL_TIME) -> Report:
    """Bring a namespace to what its packages are now. Raises SecretSyncError; what was done by then stays done."""
    try:
        return _pass(destination, clock)
    except Conflict as conflict:
        log.warning("somebody else wrote meanwhile; planning again", why=str(conflict))
        return _pass(destination, clock)


def _pass(destination: Destination, clock: Clock) -> Report:
    """Only who has something to do takes a turn; what it does is planned again then, as nobody else is at work."""
    report = preview(destination)
    if report.refused:
        return report
    if report.plan.idle:
        return _nothing_to_do(destination, report)
    if waits := _held_back(destination, report.plan, clock):
        log.warning("changes wait", why=waits)
        return replace(report, waits=waits)
    with turn(destination) as mine:
        return _take_turn(destination, replace(clock, sleep=mine.while_sleeping(clock.sleep)))


def _held_back(destination: Destination, plan: Plan, clock: Clock) -> str:
    """What changes wait for: the window, another target; empty where nothing has to wait.

    What a person asked for, what puts back, and a rollout that has begun do not wait: half of a change is worse.
    """
    window, now = destination.rollout.window, clock.utc()
    closed = window is not None and not window.is_open(now)
    if not closed and not destination.after:
        return ""
    moving = [package for package in plan.packages if plan.moves(package)]
    state = load_state(destination).state
    if not moving or any(one.desired.hold or not state.of(one.placement.secret).finished for one in moving):
        return ""
    if window is not None and closed:
        opens = f"{window.opens_after(now):%a %Y-%m-%d %H:%M %Z}"
        return f"the window is closed; changes go out from {opens}, or by 'secretsync rollback' at once"
    return wait_for_other_target(destination.after, moving, now) if destination.after else ""


def _nothing_to_do(destination: Destination, report: Report) -> Report:
    """Remember what the check saw, when that is new: Rucio's version may have changed though the package did not.

    So it is with names that nobody remembers, as the state object was lost.
    """
    if report.checked_packages or report.plan.forgotten:
        memory = load_state(destination)
        examination = check_packages(destination, report.plan, memory.state)
        told = memory.state
        for package in report.plan.packages:
            names = tuple(secret.name for secret in package.desired.secrets)
            told = told.with_secrets(package.placement.secret, names, package.revision_number)
        memory.keep(told.checked(examination.keys))
    return replace(report, done=True)


def _take_turn(destination: Destination, clock: Clock) -> Report:
    memory = load_state(destination)
    plan = observe(destination, memory.state)
    examination = check_packages(destination, plan, memory.state)
    report = _report(destination, plan, examination, memory.state)
    if report.refused:
        return report
    if plan.idle:
        return replace(report, done=True)
    proven = _prove(destination, plan, memory, clock)
    disruption.refuse_disruption(_meet_new_content(plan), proven=proven, accepted=destination.rollout.accept_downtime)
    kept = apply.keep_previous_bundles(destination, plan, memory)
    apply.record_start(plan, memory, kept, examination.keys)
    apply.apply_secrets(destination, plan)
    wrote = clock.now() - apply.seconds_since_written(plan, clock)
    report = _roll_out(destination, replace(report, done=True), memory, clock)
    report = replace(report, mixed=_mixed(report, wrote))
    if not report.failed:
        apply.prune_secrets(destination, plan)
        apply.record_end(plan, memory)
        return report
    return _undo(destination, report, memory, clock)


def _meet_new_content(plan: Plan) -> Sequence[Workload]:
    """Workloads that are restarted for bytes which their pods have never run: not for those that come back."""
    new = [package for package in plan.packages if package.content and not package.desired.hold]
    return [one.workload for one in plan.restarts if any(package.key in one.annotations for package in new)]


def _mixed(report: Report, wrote: float) -> Mapping[Ref, float]:
    """For how many seconds at most each workload had new files under old processes.

    What mounts by `subPath`, or what is immutable, never has; nor could a process start before there was a Secret.
    """
    names = {one.desired.name for one in report.plan.changes if one.live and not one.desired.immutable}
    reached = {**report.verdicts, **report.ignored}
    return {
        one.ref: verdict.at - wrote
        for one in report.plan.workloads
        if (verdict := reached.get(one.ref)) and verdict.at is not None and updates_mounted_files(one.template, names)
    }


@timed_stage("prove")
def _prove(destination: Destination, plan: Plan, memory: StateStore, clock: Clock) -> Collection[Ref]:
    """Prove candidates before anything live changes; one that is refused is remembered, and stays away.

    Returns the workloads in whose kind of pod that was shown.
    """
    putting_back = any(package.desired.hold for package in plan.packages)
    if putting_back or destination.rollout.canary == "off" or not destination.cluster.runs_pods:
        return ()
    # imported here: a pass that changes no content proves nothing
    from secretsync.reconcile.canary import CandidateRefused, prove_candidates

    try:
        return prove_candidates(destination, plan, clock).proven
    except CandidateRefused as refusal:
        bundle, secret = refusal.package.desired.bundle, refusal.package.placement.secret
        if refusal.package.live:
            reason = f"in the image of {refusal.workload}: {refusal.reasons[0]}"
            rejection = memory.state.of(secret).rejected(reason, bundle.digest, bundle.revision.id)
            memory.keep(memory.state.with_package(secret, rejection))
        raise


def _roll_out(destination: Destination, report: Report, memory: StateStore, clock: Clock) -> Report:
    """Wave after wave; the first that fails is the last."""
    for wave in _waves(destination, report.plan, memory):
        refused = apply.restart_workloads(destination, wave.restarts, memory)
        apply.delete_stuck_pods(destination, wave.restarts)
        stamps = {**wave.watched, **_stamps(wave.restarts, refused)}
        verdicts = {**refused, **apply.wait_for_rollouts(destination, stamps, clock)}
        if not wave.decides:
            report = replace(report, ignored={**report.ignored, **verdicts})
            continue
        report = replace(report, verdicts={**report.verdicts, **verdicts})
        if failure := _failure(verdicts):
            return replace(report, failure=failure)
    return report


def _waves(destination: Destination, plan: Plan, memory: StateStore) -> list[Wave]:
    rules = destination.rollout
    undoing = any(package.desired.hold for package in plan.packages)
    return split_into_waves(
        plan.restarts,
        selectors=rules.waves,
        max_parallel=rules.max_parallel,
        ailing=memory.state.ailing,
        first=_touched(plan) if undoing else (),
        watched=plan.watch,
    )


def _touched(plan: Plan) -> Sequence[Restart]:
    """The restarts of workloads that carry the newest stamp of all: a rollout that is undone had come that far."""
    writes = {
        one.workload.ref: max(
            (stamped_revision_number(one.workload, package.placement.secret) for package in plan.packages), default=0
        )
        for one in plan.restarts
    }
    return [one for one in plan.restarts if writes[one.workload.ref] == max(writes.values())]


def _stamps(restarts: Sequence[Restart], refused: Mapping[Ref, Status]) -> Stamps:
    return {one.workload.ref: one.annotations for one in restarts if one.workload.ref not in refused}


def _failure(verdicts: Mapping[Ref, Status]) -> str:
    return next((f"{ref}: {verdict.message}" for ref, verdict in verdicts.items() if verdict.bad), "")


def _undo(destination: Destination, report: Report, memory: StateStore, clock: Clock) -> Report:
    """Put back what was live, where the package is to blame and something is kept; else leave what was reached."""
    rejected = [package for package in report.plan.packages if _to_blame(package, report, memory)]
    if not rejected or not destination.rollout.undo:
        return report
    if others := _failed_untouched(destination, report):
        why = f"{report.failure}; {others}, which was not restarted, failed too, so something else is wrong"
        return replace(report, failure=why)
    told = memory.state
    for package in rejected:
        bundle, secret = package.desired.bundle, package.placement.secret
        remembered = told.of(secret)
        rejection = remembered.rejected(report.failure, bundle.digest, bundle.revision.id, kept=remembered.previous)
        told = told.with_package(secret, rejection)
        log.error("rejected", module=bundle.module, digest=bundle.digest[:12], why=report.failure)
    memory.keep(told)
    try:
        return replace(report, undone=_take_turn(destination, clock))
    except Conflict:
        raise
    except SecretSyncError as error:
        kept = [told.of(package.placement.secret).previous for package in rejected]
        raise apply.UndoFailed(report.failure, str(error), kept) from None


def _to_blame(package: PackagePlan, report: Report, memory: StateStore) -> bool:
    """Whether a failure can be this package's fault, and can be undone."""
    remembered = memory.state.of(package.placement.secret)
    if remembered.hold or not remembered.previous:
        return False
    return any(
        verdict.bad and verdict.cause in (Cause.CRASH, Cause.NOT_READY) and package.key in _stamps_of(report, ref)
        for ref, verdict in report.verdicts.items()
    )


def _failed_untouched(destination: Destination, report: Report) -> str:
    """A workload that was current before, was not restarted, and is not current now: the package did not do that."""
    observation = apply.observe_rollouts(destination)
    touched = report.verdicts.keys() | report.ignored.keys()
    for one in report.plan.restarts:
        now = observation.workloads.get(one.workload.ref) if observation else None
        if now and one.workload.ref not in touched and is_healthy(one.workload) and not is_healthy(now):
            return str(now.ref)
    return ""


def _stamps_of(report: Report, ref: Ref) -> Mapping[str, str]:
    restarted = {one.workload.ref: one.annotations for one in report.plan.restarts}
    return {**report.plan.watch, **restarted}.get(ref, {})
