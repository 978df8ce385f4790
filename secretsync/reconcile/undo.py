"""A rollout that failed: which packages are to blame, and that they are rejected, so that the next plan puts back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from secretsync.core.kinds.kind import Cause
from secretsync.core.log import foreign_text
from secretsync.core.model import Ref
from secretsync.plan.diff import PackagePlan
from secretsync.plan.waves import is_healthy
from secretsync.reconcile import watch
from secretsync.reconcile.destination import Destination, Report
from secretsync.reconcile.state_store import StateStore

log = structlog.get_logger()


def packages_to_undo(destination: Destination, report: Report, store: StateStore) -> Sequence[PackagePlan]:
    """The packages that are to blame for the failure in *report* and can be put back; none where undo is off."""
    if not destination.rollout.undo:
        return ()
    return [package for package in report.plan.packages if _is_to_blame(package, report, store)]


def reject(packages: Sequence[PackagePlan], failure: str, store: StateStore) -> None:
    """Remember that *packages* failed: what was live before them shall be live until their sources hold other files."""
    state, failure = store.state, foreign_text(failure)
    for package in packages:
        bundle, secret = package.desired.bundle, package.placement.secret
        package_state = state.of(secret)
        rejected = package_state.rejected(failure, bundle.digest, bundle.revision.id, kept=package_state.previous)
        state = state.with_package(secret, rejected)
    store.save(state)
    for package in packages:
        bundle = package.desired.bundle
        log.error("rejected", module=bundle.module, digest=bundle.digest[:12], why=failure)


def _is_to_blame(package: PackagePlan, report: Report, store: StateStore) -> bool:
    """Whether a failure can be this package's fault, and can be undone."""
    package_state = store.state.of(package.placement.secret)
    if package_state.hold or not package_state.previous:
        return False
    return any(
        verdict.bad and verdict.cause in (Cause.CRASH, Cause.NOT_READY) and package.key in _stamps_of(report, ref)
        for ref, verdict in report.verdicts.items()
    )


def failed_untouched(destination: Destination, report: Report) -> str:
    """A workload that was current before, was not restarted, and is not current now: the package did not do that."""
    observation = watch.observe_rollouts(destination)
    touched = report.verdicts.keys() | report.ignored.keys()
    for restart in report.plan.restarts:
        workload = observation.workloads.get(restart.workload.ref) if observation else None
        if (
            workload
            and restart.workload.ref not in touched
            and is_healthy(restart.workload)
            and not is_healthy(workload)
        ):
            return str(workload.ref)
    return ""


def _stamps_of(report: Report, ref: Ref) -> Mapping[str, str]:
    restarted = {restart.workload.ref: restart.annotations for restart in report.plan.restarts}
    return {**report.plan.watch, **restarted}.get(ref, {})
