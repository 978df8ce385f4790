"""The story: observe, check, plan, wait for gates, lock, prove, keep, apply, wait, undo, record.

One function does the work in all four uses: by hand, in CI, in a CronJob, in the long-running form.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import structlog

from secretsync.cluster.errors import Conflict
from secretsync.core.deferred_imports import deferred_imports
from secretsync.core.errors import SecretSyncError
from secretsync.core.instrumentation import timed_stage
from secretsync.core.model import Ref
from secretsync.plan.diff import PackagePlan
from secretsync.plan.disruption import refuse_disruption
from secretsync.plan.plan import Plan
from secretsync.plan.state import State
from secretsync.reconcile.admission import dry_run_writes
from secretsync.reconcile.approval_errors import NotApproved
from secretsync.reconcile.asked_once import with_refreshed_sources
from secretsync.reconcile.check import CheckReport, check_packages
from secretsync.reconcile.destination import REAL_TIME, Clock, Destination, Report
from secretsync.reconcile.observe import observe
from secretsync.reconcile.state_store import StateStore, load_state

# most passes have nothing to do, and take none of these steps
with deferred_imports(
    "secretsync.reconcile.apply",
    "secretsync.reconcile.approval",
    "secretsync.reconcile.gates",
    "secretsync.reconcile.lock",
    "secretsync.reconcile.preflight",
    "secretsync.reconcile.publish",
    "secretsync.reconcile.rights",
    "secretsync.reconcile.rollout",
    "secretsync.reconcile.undo",
    "secretsync.reconcile.write",
):
    from secretsync.reconcile import apply
    from secretsync.reconcile.approval import refuse_unapproved
    from secretsync.reconcile.gates import waits_for
    from secretsync.reconcile.lock import hold_lease
    from secretsync.reconcile.preflight import meet_new_content, proves, with_preflight
    from secretsync.reconcile.publish import open_request, publish, values_edits, with_standing
    from secretsync.reconcile.rights import refuse_missing_rights
    from secretsync.reconcile.rollout import roll_out
    from secretsync.reconcile.undo import failed_untouched, packages_to_undo, reject
    from secretsync.reconcile.write import apply_secrets

log = structlog.get_logger()


def preview(destination: Destination, clock: Clock = REAL_TIME) -> Report:
    """What `sync` would do now, and what it would be refused; nothing is written. Raises SecretSyncError."""
    return preview_with(destination, load_state(destination).state, clock)


def preview_with(destination: Destination, state: State, clock: Clock = REAL_TIME) -> Report:
    """What `sync` would do if *state* were what is remembered; nothing is written. Raises SecretSyncError."""
    report = _checked(destination, observe(destination, state), state)
    if report.refused:
        return report
    if destination.repository:
        report = with_standing(destination, destination.repository, report)
    return with_preflight(destination, report, state, clock)


def _checked(destination: Destination, plan: Plan, state: State) -> Report:
    report = _report(destination, plan, check_packages(destination, plan, state), state)
    return report if report.refused else _with_values(destination, report)


def _with_values(destination: Destination, report: Report) -> Report:
    """*report* with what changes in the values files of a repository."""
    if destination.repository is None:
        return report
    return replace(report, values=values_edits(destination.repository, destination.values, report.plan))


def sync(destination: Destination, clock: Clock = REAL_TIME) -> Report:
    """Bring a namespace to what its packages are now. Raises SecretSyncError; what was done by then stays done."""
    try:
        return _reconcile_and_publish(destination, clock)
    except Conflict as conflict:
        log.warning("an object changed meanwhile; planning again", why=str(conflict))
        try:
            return _reconcile_and_publish(destination, clock)
        except NotApproved as error:
            raise replace(error, differ=(str(conflict), *error.differ)) from None


def _reconcile_and_publish(destination: Destination, clock: Clock) -> Report:
    """A repository's manifests change by a commit, which is made when the whole pass has written its files."""
    if destination.repository is None:
        return _reconcile(destination, clock)
    destination.repository.begin()
    return publish(destination, _reconcile(destination, clock))


def _reconcile(destination: Destination, clock: Clock) -> Report:
    """Only a run with something to do takes the Lease; it asks the sources and plans again then.

    What was planned before may be old by now: this process may have been stopped, and another run at work meanwhile.
    """
    if report := _reconcile_unlocked(destination, clock):
        return report
    with hold_lease(destination) as lease:
        locked = with_refreshed_sources(lease.fenced)
        return _reconcile_locked(locked, load_state(locked), replace(clock, sleep=lease.while_sleeping(clock.sleep)))


def _reconcile_unlocked(destination: Destination, clock: Clock) -> Report | None:
    """What a pass comes to that has nothing to do, or may not do it; None where there is something to do."""
    state = load_state(destination).state
    plan = observe(destination, state)
    if destination.repository and (proposal := open_request(destination, plan)):
        report = _with_values(destination, _report(destination, plan, CheckReport(), state))
        return replace(report, done=True, proposal=proposal)
    report = _checked(destination, plan, state)
    if report.refused:
        return report
    if destination.approved:
        refuse_unapproved(destination, destination.approved, report)
    if report.plan.idle:
        return _record_idle(destination, report)
    if waits := waits_for(destination, report.plan, clock):
        log.debug("changes wait", why=waits)
        return replace(report, waits=waits)
    refuse_missing_rights(destination, report.plan)
    return None


def _reconcile_locked(destination: Destination, store: StateStore, clock: Clock) -> Report:
    plan = observe(destination, store.state)
    check = check_packages(destination, plan, store.state)
    report = _report(destination, plan, check, store.state)
    if report.refused:
        return report
    if destination.approved:
        refuse_unapproved(destination, destination.approved, report)
    if plan.idle:
        return _with_stripped(replace(report, done=True))
    dry_run_writes(destination, plan)
    proven = _prove(destination, plan, store, clock)
    refuse_disruption(meet_new_content(plan), proven=proven, accepted=destination.rollout.accept_downtime)
    kept = apply.keep_previous_bundles(destination, plan, store)
    previous_state = store.state
    apply.record_start(plan, store, kept, check.keys)
    apply_secrets(destination, plan, store, previous_state)
    report = roll_out(destination, replace(report, done=True), store, clock)
    if report.failed:
        return _undo(destination, report, store, clock)
    apply.prune_secrets(destination, plan)
    apply.record_end(plan, store)
    return _with_stripped(report)


def _with_stripped(report: Report) -> Report:
    """A wiring that somebody strips again and again is not fought, and no success either."""
    if not report.plan.stripped:
        return report
    names = ", ".join(str(ref) for ref in report.plan.stripped)
    return replace(report, failure=f"the wiring of {names} was stripped again, and is left so")


def _undo(destination: Destination, report: Report, store: StateStore, clock: Clock) -> Report:
    """Put back what was live, where a package is to blame and something is kept; else leave what was reached."""
    rejected = packages_to_undo(destination, report, store)
    if not rejected:
        return report
    if untouched := failed_untouched(destination, report):
        reason = f"{report.failure}; {untouched}, which was not restarted, failed too, so something else is wrong"
        return replace(report, failure=reason)
    kept = [store.state.of(package.placement.secret).previous for package in rejected]
    try:
        reject(rejected, report.failure, store)
    except Conflict:
        # another run, or somebody by hand, decided meanwhile
        raise
    except SecretSyncError as error:
        raise apply.UndoFailed(report.failure, str(error), kept) from None
    try:
        undone = _put_back(replace(destination, approved=None), store, clock)
        _refuse_degraded(undone, rejected)
    except SecretSyncError as error:
        raise apply.UndoFailed(report.failure, str(error), kept) from None
    return replace(report, undone=undone)


def _put_back(destination: Destination, store: StateStore, clock: Clock) -> Report:
    """The pass that puts back; planned again here, so that what failed before is still known at its end."""
    try:
        # what was rejected is known here, even where somebody deletes the state object now
        return _reconcile_locked(destination, store, clock)
    except Conflict as conflict:
        log.warning("an object changed meanwhile; planning again", why=str(conflict))
        return _reconcile_locked(destination, load_state(destination), clock)


def _refuse_degraded(undone: Report, rejected: Sequence[PackagePlan]) -> None:
    """Raises why one of the *rejected* packages could not be put back, where what was kept of it is gone or changed."""
    placements = {package.placement for package in rejected}
    for degraded in undone.plan.degraded:
        if degraded.placement in placements:
            raise degraded.error


@timed_stage("prove")
def _prove(destination: Destination, plan: Plan, store: StateStore, clock: Clock) -> Collection[Ref]:
    """Prove candidates before anything live changes; one that is refused is remembered, and stays away.

    Returns the workloads in whose kind of pod that was shown.
    """
    if not proves(destination, plan):
        return ()
    # imported here: a pass that changes no content proves nothing
    from secretsync.reconcile.canary import CandidateRefused, prove_candidates

    try:
        return prove_candidates(destination, plan, clock).proven
    except CandidateRefused as refusal:
        bundle, secret = refusal.package.desired.bundle, refusal.package.placement.secret
        if refusal.package.live:
            reason = f"in the image of {refusal.workload}: {refusal.reasons[0]}"
            rejection = store.state.of(secret).rejected(reason, bundle.digest, bundle.revision.id)
            store.save(store.state.with_package(secret, rejection))
        raise


def _record_idle(destination: Destination, report: Report) -> Report:
    """Remember what the check saw, when that is new: Rucio's version may have changed though the package did not.

    So it is with names that nobody remembers, as the state object was lost.
    """
    if report.checked_packages or report.plan.forgotten:
        store = load_state(destination)
        check = check_packages(destination, report.plan, store.state)
        state = store.state
        for package in report.plan.packages:
            names = tuple(secret.name for secret in package.desired.secrets)
            digest, secret = package.desired.bundle.digest, package.placement.secret
            state = state.with_live(secret, names, package.revision_number, digest, package.description)
        store.save(state.checked(check.keys))
    return _with_stripped(replace(report, done=True))


def _report(destination: Destination, plan: Plan, check: CheckReport, state: State) -> Report:
    """What is known before anything is done."""
    return Report(
        destination.name,
        plan,
        checked_packages=check.checked_packages,
        refused=check.refused,
        results=state.results,
    )
