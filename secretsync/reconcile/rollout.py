"""The rollout of a plan: wave after wave is restarted and watched, and the first wave that fails is the last."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from secretsync.core.kinds.kind import Status
from secretsync.core.model import Ref
from secretsync.core.pod_references import updates_mounted_files
from secretsync.plan.diff import stamped_revision_number
from secretsync.plan.plan import Plan
from secretsync.plan.restarts import Restart
from secretsync.plan.state import State
from secretsync.plan.waves import Wave, split_into_waves, unhealthy_workloads
from secretsync.reconcile import apply, watch
from secretsync.reconcile.destination import Clock, Destination, Report, WaveTimes
from secretsync.reconcile.state_store import StateStore
from secretsync.reconcile.wait import Stamps


def roll_out(destination: Destination, report: Report, store: StateStore, clock: Clock) -> Report:
    """*report* with a verdict on each workload that was restarted or watched, and the *failure* of the first."""
    applied = clock.now() - apply.seconds_since_written(report.plan, clock)
    report = _roll_out(destination, report, store, clock)
    return replace(report, mixed=_version_skew(report, applied))


def _roll_out(destination: Destination, report: Report, store: StateStore, clock: Clock) -> Report:
    waves = _waves(destination, report.plan, store.state.ailing)
    secrets = [secret.name for package in report.plan.packages for secret in package.desired.secrets]
    for number, wave in enumerate(waves, start=1):
        started_at = clock.now()
        refused = apply.restart_workloads(destination, wave.restarts, store)
        apply.delete_stuck_pods(destination, wave.restarts)
        stamps = {**wave.watched, **_stamps(wave.restarts, refused)}
        title = f"wave {number} of {len(waves)}"
        verdicts = {**refused, **watch.wait_for_rollouts(destination, stamps, clock, title, secrets)}
        report = replace(report, waves=(*report.waves, WaveTimes(started_at, clock.now(), tuple(verdicts))))
        if not wave.decides:
            report = replace(report, ignored={**report.ignored, **verdicts})
            continue
        report = replace(report, verdicts={**report.verdicts, **verdicts})
        if failure := _failure(verdicts):
            return replace(report, failure=failure)
    return report


def planned_waves(destination: Destination, plan: Plan, state: State) -> list[Wave]:
    """The waves of a run that begins now: what is not healthy as it begins comes last."""
    unhealthy = set(state.ailing)
    for package in plan.packages:
        if plan.moves(package):
            unhealthy.update(unhealthy_workloads(plan.workloads, package))
    return _waves(destination, plan, unhealthy)


def _waves(destination: Destination, plan: Plan, unhealthy: Collection[str]) -> list[Wave]:
    undoing = any(package.desired.hold for package in plan.packages)
    return split_into_waves(
        plan.restarts,
        selectors=destination.wave_selectors,
        max_parallel=destination.rollout.max_parallel,
        unhealthy=unhealthy,
        first=_touched(plan) if undoing else (),
        watched=plan.watch,
    )


def _touched(plan: Plan) -> Sequence[Restart]:
    """The restarts of workloads that carry the newest stamp of all: a rollout that is undone had come that far."""
    writes = {
        restart.workload.ref: max(
            (stamped_revision_number(restart.workload, package.placement.secret) for package in plan.packages),
            default=0,
        )
        for restart in plan.restarts
    }
    return [restart for restart in plan.restarts if writes[restart.workload.ref] == max(writes.values())]


def _stamps(restarts: Sequence[Restart], refused: Mapping[Ref, Status]) -> Stamps:
    return {restart.workload.ref: restart.annotations for restart in restarts if restart.workload.ref not in refused}


def _failure(verdicts: Mapping[Ref, Status]) -> str:
    return next((f"{ref}: {verdict.message}" for ref, verdict in verdicts.items() if verdict.bad), "")


def _version_skew(report: Report, applied: float) -> Mapping[Ref, float]:
    """For how many seconds at most each workload had new files under old processes.

    What mounts by `subPath`, or what is immutable, never has; nor could a process start before there was a Secret.
    """
    names = {change.desired.name for change in report.plan.changes if change.live and not change.desired.immutable}
    reached = {**report.verdicts, **report.ignored}
    return {
        workload.ref: verdict.at - applied
        for workload in report.plan.workloads
        if (verdict := reached.get(workload.ref))
        and verdict.at is not None
        and updates_mounted_files(workload.template, names)
    }
