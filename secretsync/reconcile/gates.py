"""What changes wait for: the maintenance window, and another target that has to be current first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
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
from secretsync.reconcile.destination import After, Clock, Delivery, Destination
from secretsync.reconcile.observed import current_since, lag, running
from secretsync.reconcile.results import Condition
from secretsync.reconcile.state_store import load_state

_STANDINGS = {
    Condition.CURRENT: "it runs another revision",
    Condition.WAITING: "its own changes wait",
    Condition.DRIFTED: "somebody changed its live files",
    Condition.HELD: "it is suspended",
    Condition.REJECTED: "it rejected a revision and stays at another",
    Condition.AWAY: "its source could not be read in its last run",
    Condition.FAILING: "its last run failed",
    Condition.NOT_IN_FORCE: "it runs another revision",
    Condition.STRIPPED: "its wiring was removed",
}
"""By the verdict of the last run of the other target: why it is not current with the content that waits for it."""


@dataclass(frozen=True)
class _Content:
    """New content of a package; *digest* may be its first twelve digits, *title* names it in a sentence."""

    module: str
    digest: str
    title: str


def waits_for(destination: Destination, plan: Plan, clock: Clock) -> str:
    """What changes wait for: the window, another target; empty where nothing has to wait.

    What a person asked for, what puts back, and a rollout that has begun do not wait: half of a change is worse.
    """
    now = clock.utc()
    closed = _closed_window(destination, now)
    if not closed and not destination.after:
        return ""
    moving = [package for package in plan.packages if plan.moves(package)]
    state = load_state(destination).state
    if not moving or any(package.desired.hold or not state.of(package.placement.secret).finished for package in moving):
        return ""
    if closed:
        return closed
    # what is live already is only put right, and waits for nobody
    contents = [_content(package) for package in moving if not _is_live(package)]
    return _wait_for_other_target(destination.after, contents, now) if destination.after else ""


def still_waits_for(destination: Destination, delivery: Delivery, digest: str, now: datetime) -> str:
    """What content with *digest* waits for, told by the clusters alone; empty where the next run lets it out.

    *digest* may be its first twelve digits, or empty where nobody knows which content comes next.
    """
    if closed := _closed_window(destination, now):
        return closed
    if destination.after is None:
        return ""
    content = _Content(delivery.placement.module, digest, "it" if digest else f"{delivery.placement.module}")
    return _wait_for_other_target(destination.after, [content], now)


def _closed_window(destination: Destination, now: datetime) -> str:
    """Until when the maintenance window is closed; empty where it is open, or there is none."""
    window = destination.rollout.maintenance_window
    if window is None or window.is_open(now):
        return ""
    opens = f"{window.opens_after(now):%a %Y-%m-%d %H:%M %Z}"
    return f"the maintenance window is closed until {opens}; 'secretsync rollback' does not wait for it"


def _wait_for_other_target(after: After, contents: Sequence[_Content], now: datetime) -> str:
    """Why the other target does not let *contents* go out yet; empty where it does."""
    if not contents:
        return ""
    try:
        return _blocker(after, contents, now)
    except SecretSyncError as error:
        return f"target {after.destination.name} cannot be asked whether it is current: {error}"


def _blocker(after: After, contents: Sequence[_Content], now: datetime) -> str:
    """What is known of the other target, and only where nothing speaks against it, how it is in this moment."""
    earlier = after.destination
    if earlier.repository:
        return _blocker_in_git(after, contents, now)
    state = load_state(earlier).state
    secrets = {delivery.placement.module: delivery.placement.secret for delivery in earlier.deliveries}
    for content in contents:
        if reason := _not_yet(after, state.results.get(secrets[content.module]), content, now):
            return reason
    workloads = earlier.cluster.workloads(earlier.namespace, earlier.selector)
    for content in contents:
        secret = secrets[content.module]
        if reason := _unhealthy_workload(earlier, workloads, {secret, *state.of(secret).secrets}):
            return reason
    return ""


def _blocker_in_git(after: After, contents: Sequence[_Content], now: datetime) -> str:
    """What the cluster runs that the other target's repository is for: what is merged only is not yet tried."""
    earlier = after.destination
    if earlier.observed is None:
        return (
            f"{_first(after, contents[0])}, which nobody can see: name the cluster that runs it "
            "(observe: {context: …}) there"
        )
    workloads = earlier.observed.workloads(earlier.namespace, earlier.selector)
    placements = {delivery.placement.module: delivery.placement for delivery in earlier.deliveries}
    for content in contents:
        deployed = running(workloads, placements[content.module])
        if reason := lag(deployed, content.digest):
            return f"{_first(after, content)}: {reason}"
        since = current_since(earlier.observed, earlier.namespace, deployed) if after.seconds else None
        remaining = after.seconds - (now - since).total_seconds() if since else after.seconds
        if remaining > 0:
            return f"{_first(after, content)}: {_span(remaining)} left"
    return ""


def _content(package: PackagePlan) -> _Content:
    bundle = package.desired.bundle
    return _Content(package.placement.module, bundle.digest, f"{package.placement.module} ({bundle.revision.short})")


def _first(after: After, content: _Content) -> str:
    """``target testbed must be current with site_policy (commit adfeb07c8d71) for 24 h first``."""
    duration = f" for {_span(after.seconds)}" if after.seconds else ""
    return f"target {after.destination.name} must be current with {content.title}{duration} first"


def _unhealthy_workload(earlier: Destination, workloads: Sequence[Workload], secrets: Collection[str]) -> str:
    """A workload that mounts the package there and is not healthy any more: what a testbed is for."""
    for workload in workloads:
        if workload.referenced_secrets & set(secrets) and not is_healthy(workload):
            return f"target {earlier.name} must be healthy first: {workload.ref}, {status(workload).message}"
    return ""


def _is_live(package: PackagePlan) -> bool:
    return bool(package.live) and packing.live_bundle(package.live).digest == package.desired.bundle.digest


def _not_yet(after: After, result: Result | None, content: _Content, now: datetime) -> str:
    if result is None:
        return f"{_first(after, content)}: no run of it has ended yet"
    if not _has_reached(result, content.digest):
        return f"{_first(after, content)}: {_standing(result, now)}"
    remaining = after.seconds - (now.timestamp() - result.since)
    return f"{_first(after, content)}: {_span(remaining)} left" if remaining > 0 else ""


def _has_reached(result: Result, digest: str) -> bool:
    if digest:
        return result.verdict in results.reached_verdicts(digest)
    verdict = results.parse(result.verdict)
    return verdict is not None and verdict.condition in (Condition.CURRENT, Condition.NOT_IN_FORCE)


def _standing(result: Result, now: datetime) -> str:
    """``its last run failed (rollout, for 2 h)``."""
    verdict = results.parse(result.verdict)
    if verdict is None:
        return result.verdict
    category = f"{verdict.fact}, " if verdict.fact and ":" not in verdict.fact else ""
    return f"{_STANDINGS[verdict.condition]} ({category}for {_span(now.timestamp() - result.since)})"


def _span(seconds: float) -> str:
    """``23 h``, ``5 min``: rounded up, so that it is never too early."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds and seconds % size == 0):
            return f"{-int(-seconds // size)} {unit}"
    return f"{-int(-seconds // 1)} s"
