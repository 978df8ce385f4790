"""What is measured: the names, and the gauges that an outcome tells. `registry.py` serves them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from secretsync.core.escape import visible
from secretsync.core.kinds.kind import State
from secretsync.core.model import Secret
from secretsync.plan import drift, rollout_status
from secretsync.plan.diff import PackagePlan
from secretsync.plan.restarts import mounted
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Report

_OF_PACKAGE = ("target", "package")


@dataclass(frozen=True)
class Metric:
    """A metric's labels, and what it says."""

    labels: tuple[str, ...]
    meaning: str


GAUGES: Mapping[str, Metric] = {
    "secretsync_last_attempt_timestamp_seconds": Metric(_OF_PACKAGE, "When a pass last ended here, well or not."),
    "secretsync_last_success_timestamp_seconds": Metric(_OF_PACKAGE, "When a pass last ended here and all went well."),
    "secretsync_in_sync": Metric(
        _OF_PACKAGE, "1 where what is live is what should be, and every workload that mounts it runs it."
    ),
    "secretsync_pending": Metric(_OF_PACKAGE, "Secrets and restarts that the last pass found and did not do."),
    "secretsync_waiting": Metric(_OF_PACKAGE, "1 where changes wait until the rollout's window opens."),
    "secretsync_drift": Metric(_OF_PACKAGE, "Files that somebody had changed in the live Secrets, at the last pass."),
    "secretsync_held": Metric(_OF_PACKAGE, "1 where a person said that the source is not to be followed."),
    "secretsync_rejected": Metric(_OF_PACKAGE, "1 where the content of the source failed and is rejected."),
    "secretsync_workloads_not_in_force": Metric(
        _OF_PACKAGE, "Workloads that run Rucio and do not load the package: not mounted, not on PYTHONPATH, not named."
    ),
    "secretsync_workloads_stripped": Metric(
        _OF_PACKAGE, "Wired workloads whose wiring another tool removed twice in one revision: they are left so."
    ),
    "secretsync_degraded": Metric(
        _OF_PACKAGE,
        "1 where the package cannot be deployed, as when its source cannot be read: what is live stays as it is.",
    ),
    "secretsync_workloads": Metric(
        (*_OF_PACKAGE, "state"), "Workloads that mount the package, by the state of their rollout."
    ),
    "secretsync_revision_info": Metric(
        (*_OF_PACKAGE, "version", "revision", "ref", "digest"), "Always 1; the labels say what should be live."
    ),
}
"""By name, what each outcome tells of its target's packages."""

COUNTERS: Mapping[str, Metric] = {
    "secretsync_failures_total": Metric(("target", "reason"), "Passes that failed at a target, each for one reason."),
    "secretsync_source_errors_total": Metric(
        ("package", "reason"), "Questions to a source that failed, each for one reason."
    ),
    "secretsync_api_calls_total": Metric(
        ("verb", "resource", "code"), "Tries of calls to the API by their HTTP status; none where no answer came."
    ),
    "secretsync_sync_requests_total": Metric(
        ("by",), "Passes that were asked for over HTTP, by how that was proven; refused where it was not."
    ),
    "secretsync_notifications_total": Metric(
        ("channel", "result"),
        "Changes of state that were sent to a notification channel, by its kind, or failed to be.",
    ),
}
DURATIONS: Mapping[str, Metric] = {
    "secretsync_stage_duration_seconds": Metric(
        ("stage", *_OF_PACKAGE), "How long the steps of a pass took; package is told by resolve and fetch alone."
    ),
}
PROCESS: Mapping[str, Metric] = {
    "secretsync_build_info": Metric(("version",), "Always 1; the label is the version of secretsync."),
    "secretsync_configuration_usable": Metric(
        (), "1 while the configuration's file can be used, else the one before holds."
    ),
    "secretsync_leader": Metric((), "1 where this process is the leader."),
}
"""What the process says of itself, beside the client library's own process_… metrics."""

SUCCESS = "secretsync_last_success_timestamp_seconds"


@dataclass(frozen=True)
class Sample:
    """One value of the gauge *name*; *labels* in the order in which GAUGES has their names."""

    name: str
    labels: tuple[str, ...]
    value: float = field(compare=False)


def samples(outcome: Outcome, at: float) -> tuple[Sample, ...]:
    """What an outcome that was reached *at*, in seconds since 1970, tells of its target's packages."""
    target = outcome.destination.name
    modules = [delivery.placement.module for delivery in outcome.destination.deliveries]
    result = [Sample("secretsync_last_attempt_timestamp_seconds", (target, module), at) for module in modules]
    if outcome.report:
        away = {package.placement.module for package in outcome.report.plan.degraded}
        if not outcome.report.refused and not outcome.report.failed:
            result += [Sample(SUCCESS, (target, module), at) for module in modules if module not in away]
        result += _of_report(outcome.report, target)
    return tuple(result)


def _of_report(report: Report, target: str) -> Iterator[Sample]:
    last = report.undone or report
    for package in last.plan.packages:
        yield from _of_package(package, last, (target, package.placement.module), healthy=not report.failed)
    for degraded in last.plan.degraded:
        of = (target, degraded.placement.module)
        yield from (Sample("secretsync_in_sync", of, 0), Sample("secretsync_degraded", of, 1))


def _of_package(package: PackagePlan, report: Report, of: tuple[str, str], *, healthy: bool) -> Iterator[Sample]:
    bundle, hold = package.desired.bundle, package.desired.hold
    states, pending = _states(package, report), _pending(package, report)
    edited = package.desired.left or drift.edited_files(package.desired, _live(package))
    miswired = {
        mismatch.workload for mismatch in report.plan.not_in_force if mismatch.module == package.placement.module
    }
    reached = set(states) <= {State.CURRENT, State.WRITTEN}
    in_sync = healthy and not pending and not package.desired.left and reached and not miswired
    yield Sample("secretsync_in_sync", of, in_sync)
    yield Sample("secretsync_pending", of, pending)
    yield Sample("secretsync_waiting", of, bool(report.waits and pending))
    yield Sample("secretsync_drift", of, len(edited))
    yield Sample("secretsync_held", of, hold is not None and hold.by_hand)
    yield Sample("secretsync_rejected", of, hold is not None and not hold.by_hand)
    yield Sample("secretsync_workloads_not_in_force", of, len(miswired))
    yield Sample("secretsync_workloads_stripped", of, len(report.plan.stripped) if package.placement.wired else 0)
    yield Sample("secretsync_degraded", of, 0)
    for state in State:
        yield Sample("secretsync_workloads", (*of, state), states[state])
    revision = bundle.revision
    labels = (visible(bundle.version), revision.id, visible(revision.ref), f"sha256:{bundle.digest}")
    yield Sample("secretsync_revision_info", (*of, *labels), 1)


def _live(package: PackagePlan) -> dict[str, Secret]:
    return {change.desired.name: change.live for change in package.changes if change.live}


def _states(package: PackagePlan, report: Report) -> Counter[State]:
    """Workloads that mount a package, or were just made to: what the pass said of them, else what it found."""
    restarted = {restart.workload.ref for restart in report.plan.restarts if package.key in restart.annotations}
    verdicts = {**report.ignored, **report.verdicts}
    return Counter(
        verdicts[workload.ref].state if workload.ref in verdicts else rollout_status.status(workload).state
        for workload in report.plan.workloads
        if workload.ref in restarted or mounted(workload, [package])
    )


def _pending(package: PackagePlan, report: Report) -> int:
    restarts = [restart for restart in report.plan.restarts if package.key in restart.annotations]
    if report.done:
        reached = (State.CURRENT, State.WRITTEN, State.SUPERSEDED)
        verdicts = {**report.ignored, **report.verdicts}
        current = [
            restart
            for restart in restarts
            if (status := verdicts.get(restart.workload.ref)) and status.state in reached
        ]
        return len(restarts) - len(current)
    return len(restarts) + sum(change.pending for change in package.changes)
