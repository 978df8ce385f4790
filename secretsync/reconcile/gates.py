"""What changes wait for: the maintenance window, and another target that has to be current first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from secretsync.core import packing
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Workload
from secretsync.plan.diff import PackagePlan
from secretsync.plan.plan import Plan
from secretsync.plan.rollout_status import status
from secretsync.plan.state import Result
from secretsync.plan.waves import is_healthy
from secretsync.reconcile import results
from secretsync.reconcile.destination import After, Clock, Destination
from secretsync.reconcile.observed import current_since, lag, running
from secretsync.reconcile.state_store import load_state


def waits_for(destination: Destination, plan: Plan, clock: Clock) -> str:
    """What changes wait for: the window, another target; empty where nothing has to wait.

    What a person asked for, what puts back, and a rollout that has begun do not wait: half of a change is worse.
    """
    window, now = destination.rollout.window, clock.utc()
    closed = window is not None and not window.is_open(now)
    if not closed and not destination.after:
        return ""
    moving = [package for package in plan.packages if plan.moves(package)]
    state = load_state(destination).state
    if not moving or any(package.desired.hold or not state.of(package.placement.secret).finished for package in moving):
        return ""
    if window is not None and closed:
        opens = f"{window.opens_after(now):%a %Y-%m-%d %H:%M %Z}"
        return f"the window is closed; changes go out from {opens}, or by 'secretsync rollback' at once"
    return wait_for_other_target(destination.after, moving, now) if destination.after else ""


def wait_for_other_target(after: After, packages: Sequence[PackagePlan], now: datetime) -> str:
    """Why the other target does not let *packages* go out yet; empty where it does.

    What is live already is only put right, and waits for nobody.
    """
    new = [package for package in packages if not _is_live(package)]
    if not new:
        return ""
    try:
        return _blocker(after, new, now)
    except SecretSyncError as error:
        return f"target {after.destination.name} cannot be asked whether it is current: {error}"


def _blocker(after: After, packages: Sequence[PackagePlan], now: datetime) -> str:
    """What is known of the other target, and only where nothing speaks against it, how it is in this moment."""
    earlier = after.destination
    if earlier.repository:
        return _blocker_in_git(after, packages, now)
    state = load_state(earlier).state
    secrets = {delivery.placement.module: delivery.placement.secret for delivery in earlier.deliveries}
    for package in packages:
        if reason := _not_yet(after, state.results.get(secrets[package.placement.module]), package, now):
            return f"{_title(package)} {reason}"
    workloads = earlier.cluster.workloads(earlier.namespace, earlier.selector)
    for package in packages:
        secret = secrets[package.placement.module]
        if reason := _unhealthy_workload(earlier, workloads, {secret, *state.of(secret).secrets}):
            return f"{_title(package)} {reason}"
    return ""


def _blocker_in_git(after: After, packages: Sequence[PackagePlan], now: datetime) -> str:
    """What the cluster runs that the other target's repository is for: what is merged only is not yet tried."""
    earlier = after.destination
    if earlier.observed is None:
        return (
            f"{_title(packages[0])} goes out when target {earlier.name} is current with it, which nobody can see: "
            "name the cluster that runs it (observe: {context: …}) there"
        )
    workloads = earlier.observed.workloads(earlier.namespace, earlier.selector)
    placements = {delivery.placement.module: delivery.placement for delivery in earlier.deliveries}
    for package in packages:
        digest = package.desired.bundle.digest
        deployed = running(workloads, placements[package.placement.module])
        if reason := lag(deployed, digest):
            return f"{_title(package)} goes out when target {earlier.name} is current with it: {reason}"
        since = current_since(earlier.observed, earlier.namespace, deployed) if after.seconds else None
        remaining = after.seconds - (now - since).total_seconds() if since else after.seconds
        if remaining > 0:
            span = _span(remaining)
            return f"{_title(package)} goes out when target {earlier.name} has been current with it for {span} more"
    return ""


def _title(package: PackagePlan) -> str:
    return f"{package.placement.module} {package.desired.bundle.revision.short}"


def _unhealthy_workload(earlier: Destination, workloads: Sequence[Workload], secrets: Collection[str]) -> str:
    """A workload that mounts the package there and is not well any more: what a testbed is for."""
    for workload in workloads:
        if workload.referenced_secrets & set(secrets) and not is_healthy(workload):
            return f"goes out when target {earlier.name} is well: {workload.ref}, {status(workload).message}"
    return ""


def _is_live(package: PackagePlan) -> bool:
    return bool(package.live) and packing.live_bundle(package.live).digest == package.desired.bundle.digest


def _not_yet(after: After, result: Result | None, package: PackagePlan, now: datetime) -> str:
    name = after.destination.name
    if result is None or result.verdict not in results.reached_verdicts(package.desired.bundle.digest):
        return f"goes out when target {name} is current with it; that one is: {result.verdict if result else 'unknown'}"
    remaining = after.seconds - (now.timestamp() - result.since)
    if remaining <= 0:
        return ""
    return f"goes out when target {name} has been current with it for {_span(remaining)} more"


def _span(seconds: float) -> str:
    """``23 h``, ``5 min``: rounded up, so that it is never too early."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds > size:
            return f"{-int(-seconds // size)} {unit}"
    return f"{-int(-seconds // 1)} s"
