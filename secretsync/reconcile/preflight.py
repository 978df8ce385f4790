"""What an apply of a plan would be refused, so that a dry run says it: rights, admission, quotas, downtime."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from secretsync.cluster.rbac import summarize
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Ref, Workload
from secretsync.plan.disruption import refuse_disruption
from secretsync.plan.plan import Plan
from secretsync.plan.state import State
from secretsync.reconcile.admission import dry_run_writes
from secretsync.reconcile.destination import Clock, Destination, Report
from secretsync.reconcile.gates import waits_for
from secretsync.reconcile.rights import MissingRights, Rights, missing_rights
from secretsync.reconcile.rollout import planned_waves


def with_preflight(destination: Destination, report: Report, state: State, clock: Clock) -> Report:
    """*report* with what an apply would be refused and would wait for; an idle plan asks nobody."""
    plan = report.plan
    if plan.idle:
        return report
    waves = tuple(
        tuple(restart.workload.ref for restart in wave.restarts) for wave in planned_waves(destination, plan, state)
    )
    rights = missing_rights(destination, plan)
    notes = tuple(_notes(destination, rights))
    would_wait = waits_for(destination, plan, clock)
    report = replace(report, planned_waves=tuple(filter(None, waves)), notes=notes, would_wait=would_wait)
    try:
        _refuse(destination, plan, rights)
    except SecretSyncError as error:
        return replace(report, blocked=error)
    return report


def _refuse(destination: Destination, plan: Plan, rights: Rights) -> None:
    """What an apply refuses before its first write, in its order. Raises SecretSyncError."""
    if rights.required and not rights.reads_only:
        raise MissingRights(destination.namespace, rights.required)
    if not rights.required:
        dry_run_writes(destination, plan)
    refuse_disruption(
        meet_new_content(plan),
        proven=_provable(destination, plan, rights),
        accepted=destination.rollout.accept_downtime,
    )


def proves(destination: Destination, plan: Plan) -> bool:
    """Whether a run proves new content before it writes; what is put back was live before."""
    putting_back = any(package.desired.hold for package in plan.packages)
    return not putting_back and destination.rollout.canary != "off" and destination.cluster.runs_pods


def meet_new_content(plan: Plan) -> Sequence[Workload]:
    """Workloads that are restarted for bytes which their pods have never run: not for those that come back."""
    new = [package for package in plan.packages if package.content and not package.desired.hold]
    return [restart.workload for restart in plan.restarts if any(package.key in restart.annotations for package in new)]


def _provable(destination: Destination, plan: Plan, rights: Rights) -> Collection[Ref]:
    """The workloads for which the proof would stand, if the package passes it."""
    lacks_jobs = any(access.resource == "jobs" for access in rights.optional) and not rights.reads_only
    if lacks_jobs or not proves(destination, plan) or not any(package.content for package in plan.packages):
        return ()
    # imported here: a pass that changes no content proves nothing
    from secretsync.reconcile.canary import provable

    return provable(destination, plan)


def _notes(destination: Destination, rights: Rights) -> Iterator[str]:
    if rights.required and rights.reads_only:
        yield (
            f"this account can plan but not apply: in namespace {destination.namespace} it may not "
            f"{summarize(rights.required)}; the account that applies needs the Role that 'secretsync rbac' prints"
        )
    elif rights.optional:
        yield (
            f"an apply goes on without what this account may not do in namespace {destination.namespace}: "
            f"{summarize(rights.optional)}; apply the Role that 'secretsync rbac' prints"
        )
