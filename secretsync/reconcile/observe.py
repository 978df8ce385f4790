"""Both sides of the comparison: what should be there, what is there, and the plan that follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from secretsync.cluster.errors import Conflict, Forbidden
from secretsync.cluster.selector import selects
from secretsync.core import packing
from secretsync.core.concurrency import run_concurrently
from secretsync.core.errors import ClusterError, SecretSyncError
from secretsync.core.instrumentation import timed_stage
from secretsync.core.model import Bundle, Manifest, Placement, Secret
from secretsync.core.pod_references import pod_template, secrets_referenced
from secretsync.plan import drift, history, ownership
from secretsync.plan.degraded import Degraded, LiveBundleDamaged, waits_for_degraded
from secretsync.plan.diff import Desired
from secretsync.plan.managed_fields import is_wired, wiring_manager
from secretsync.plan.plan import Live, Plan, make_plan, outdated_secrets, prunable
from secretsync.plan.rewiring import refuse_unwirable
from secretsync.plan.state import Hold, PackageState, State
from secretsync.reconcile.admission import known_change
from secretsync.reconcile.desired import (
    RejectedBeforeFirst,
    Resolved,
    is_as_deployed,
    is_rejected,
    live_revision,
    resolve_source,
    was_edited,
)
from secretsync.reconcile.destination import Delivery, Destination
from secretsync.reconcile.progress import working

log = structlog.get_logger()

_Asked = Mapping[str, Secret | None]


@dataclass(eq=False)
class KeptBundleGone(SecretSyncError):
    """The Secret that holds what should be put back is no longer there."""

    code = "kept_bundle_gone"

    namespace: str
    name: str

    def __str__(self) -> str:
        return (
            f"Secret {self.namespace}/{self.name}, which keeps the revision to roll back to, is gone: "
            "choose another with 'secretsync rollback', or follow the source again with 'secretsync resume'; "
            "after a failed rollout, other content is deployed as soon as the source has it"
        )


@dataclass(eq=False)
class NothingToHold(SecretSyncError):
    """A package is held as it is live, and nothing is."""

    code = "nothing_to_hold"

    module: str

    def __str__(self) -> str:
        return (
            f"{self.module} is suspended, but its Secrets are gone: "
            "follow its source again with 'secretsync resume', or go back with 'secretsync rollback'"
        )


@dataclass(eq=False)
class HeldAndEdited(SecretSyncError):
    """A package is held as it is live, and its live files are not those that were written."""

    code = "held_and_edited"

    module: str
    live: str

    def __str__(self) -> str:
        return (
            f"{self.module} is suspended, and somebody changed its live files: what is live has the digest "
            f"{self.live[:12]}, and that was not deployed. Put back a kept revision with 'secretsync rollback', or "
            "follow the source again with 'secretsync resume'"
        )


@timed_stage("compare")
def observe(destination: Destination, state: State) -> Plan:
    """Read both sides and compare them; what only some plans need is read only for those."""
    cluster, namespace = destination.cluster, destination.namespace
    state = with_names_found(destination, state)
    secrets = _live_secrets(destination, state)
    desired, degraded = _desired(destination, secrets, state)
    secrets = _with_names(destination, [secret.name for package in desired for secret in package.secrets], secrets)
    live = _live(destination, secrets)
    live = replace(live, secrets=_as_found(live.secrets, desired))
    desired, degraded = _without_waiting(destination, desired, degraded, live, state)
    if destination.drift == "report":
        desired = [drift.keep_edits(package, live.secrets) for package in desired]
    plan = make_plan(desired, live, state, adopt=destination.adopt)
    if plan.needs_spawners:
        live = replace(live, spawners=spawners(destination))
        plan = make_plan(desired, live, state, adopt=destination.adopt)
    if prunable(desired, live, state) or (plan.pending and outdated_secrets(desired, state)):
        secrets = _with_names(destination, outdated_secrets(desired, state), secrets)
        live = replace(
            live, secrets=_as_found(_found(secrets), desired), referrers=referrers(destination, live.spawners)
        )
        plan = make_plan(desired, live, state, adopt=destination.adopt)
    if plan.needs_pods:
        plan = make_plan(desired, replace(live, pods=cluster.pods(namespace)), state, adopt=destination.adopt)
    return replace(plan, degraded=degraded)


def with_names_found(destination: Destination, state: State) -> State:
    """*state*, with the Secrets that workloads mount of packages of which no name is known.

    Secrets that we wire are named by their digest. Where somebody deleted the state object, the pod templates still
    name those that are live.
    """
    lost = [
        delivery.placement
        for delivery in destination.deliveries
        if delivery.placement.wired and not state.of(delivery.placement.secret).secrets
    ]
    if not lost:
        return state
    workloads = destination.cluster.workloads(destination.namespace)
    referenced = {name for workload in workloads for name in workload.referenced_secrets}
    for placement in lost:
        names = tuple(sorted(name for name in referenced if ownership.can_be_named(name, placement)))
        package = replace(state.of(placement.secret), secrets=names)
        state = state.with_package(placement.secret, package) if names else state
    return state


def _live(destination: Destination, secrets: _Asked) -> Live:
    """What is there now; where we wire, workloads that are no longer selected may still be wired."""
    cluster, namespace, selector = destination.cluster, destination.namespace, destination.selector
    if not destination.wires:
        return Live(_found(secrets), cluster.workloads(namespace, selector))
    workloads = cluster.workloads(namespace)
    selected = [workload for workload in workloads if selects(selector, workload.labels)]
    refuse_unwirable(selected)
    manager = wiring_manager(destination.installation)
    unselected = [
        workload for workload in workloads if not selects(selector, workload.labels) and is_wired(workload, manager)
    ]
    return Live(_found(secrets), selected, unselected, mounted_elsewhere=bool(destination.values))


def _as_found(live: Mapping[str, Secret], desired: Sequence[Desired]) -> Mapping[str, Secret]:
    """Secrets that are taken over do not tell which directory they hold."""
    names = {secret.name: secret for package in desired for secret in package.secrets}
    return {
        name: packing.with_directory_of(secret, names[name]) if name in names else secret
        for name, secret in live.items()
    }


def _found(secrets: _Asked) -> Mapping[str, Secret]:
    return {name: secret for name, secret in secrets.items() if secret}


def spawners(destination: Destination) -> Sequence[Manifest] | None:
    """What is a pod, or may start one, beside workloads; None where this account may not list all of it."""
    try:
        return destination.cluster.spawners(destination.namespace)
    except Forbidden as error:
        log.warning("what mounts the packages beside workloads is not known", why=str(error))
        return None


def referrers(destination: Destination, spawners: Sequence[Manifest] | None = None) -> Mapping[str, Sequence[str]]:
    """By the name of a Secret, all that could still start a pod which needs it.

    *spawners* are the spawners of the namespace, where they were read already.
    """
    cluster, namespace = destination.cluster, destination.namespace
    mounted_by: dict[str, list[str]] = {}
    workloads: list[Manifest] = [workload.manifest for workload in cluster.workloads(namespace)]
    for manifest in [*workloads, *(cluster.spawners(namespace) if spawners is None else spawners)]:
        for name in secrets_referenced(pod_template(manifest)):
            mounted_by.setdefault(name, []).append(f"{manifest['kind']} {namespace}/{manifest['metadata']['name']}")
    return mounted_by


def _live_secrets(destination: Destination, state: State) -> _Asked:
    names = {name for delivery in destination.deliveries for name in _names(delivery, state)}
    return {name: destination.cluster.secret(destination.namespace, name) for name in sorted(names)}


def _names(delivery: Delivery, state: State) -> tuple[str, ...]:
    """The Secrets that a package may be in; what is named by its digest can only be remembered."""
    secret = delivery.placement.secret
    usable = tuple(name for name in state.of(secret).secrets if ownership.can_be_named(name, delivery.placement))
    return usable if delivery.placement.wired else tuple(dict.fromkeys((secret, *usable)))


def _with_names(destination: Destination, names: Iterable[str], looked_up: _Asked) -> _Asked:
    missing = sorted(set(names) - looked_up.keys())
    return {**looked_up, **{name: destination.cluster.secret(destination.namespace, name) for name in missing}}


def _desired(destination: Destination, looked_up: _Asked, state: State) -> tuple[list[Desired], tuple[Degraded, ...]]:
    """Each package as it should be; those that cannot be deployed just now are left out, with the reason."""
    live = {
        delivery.placement: _of_package(destination, delivery, looked_up, state) for delivery in destination.deliveries
    }
    questions = [
        partial(
            resolve_source,
            delivery,
            live[delivery.placement],
            _followed(destination, delivery, state.of(delivery.placement.secret)),
        )
        for delivery in destination.deliveries
    ]
    desired: list[Desired] = []
    degraded: list[Degraded] = []
    with working(f"reading {', '.join(delivery.placement.module for delivery in destination.deliveries)}"):
        resolutions = run_concurrently(questions)
    for delivery, resolution in zip(destination.deliveries, resolutions, strict=True):
        secrets = live[delivery.placement]
        result = _desired_or_error(destination, delivery, secrets, state, resolution)
        if isinstance(result, SecretSyncError):
            source_failed = isinstance(resolution, SecretSyncError)
            degraded.append(Degraded(delivery.placement, result, live_revision(secrets), source_failed))
        else:
            desired.append(result)
    return desired, tuple(degraded)


def _desired_or_error(
    destination: Destination,
    delivery: Delivery,
    live: Sequence[Secret],
    state: State,
    resolution: Resolved | SecretSyncError | None,
) -> Desired | SecretSyncError:
    """The package as it should be, or what is wrong with this package alone. Raises errors of the cluster."""
    if isinstance(resolution, SecretSyncError):
        return resolution
    changed = state.of(delivery.placement.secret).changed_write
    if resolution and (change := known_change(resolution.revision.id, delivery.recipe, delivery.placement, changed)):
        return change
    try:
        package = _desired_package(destination, delivery, live, state, resolution)
    except (ClusterError, Conflict):
        raise
    except SecretSyncError as error:
        return error
    recipe = package.secrets[0].annotations.get(packing.RECIPE, "")
    return known_change(package.bundle.revision.id, recipe, delivery.placement, changed) or package


def _without_waiting(
    destination: Destination, desired: list[Desired], degraded: tuple[Degraded, ...], live: Live, state: State
) -> tuple[list[Desired], tuple[Degraded, ...]]:
    """What would restart a workload together with a package that is degraded is left out as well."""
    if not degraded:
        return desired, degraded
    names = {delivery.placement: _names(delivery, state) for delivery in destination.deliveries}
    current = {
        delivery.placement: _of_package(destination, delivery, live.secrets, state)
        for delivery in destination.deliveries
    }
    waits = waits_for_degraded(desired, degraded, names, live.secrets, live.workloads)
    degraded = (*degraded, *(Degraded(wait, reason, live_revision(current[wait])) for wait, reason in waits.items()))
    proceeding = [package for package in desired if package.placement not in waits]
    if not destination.wires:
        return proceeding, degraded
    return _keep_wired(destination, proceeding, degraded, names, current)


def _keep_wired(
    destination: Destination,
    proceeding: list[Desired],
    degraded: tuple[Degraded, ...],
    names: Mapping[Placement, Sequence[str]],
    current: Mapping[Placement, Sequence[Secret]],
) -> tuple[list[Desired], tuple[Degraded, ...]]:
    """Where we wire, what is not desired is unwired: what is degraded is desired as it is, or nothing is."""
    staying = {degradation.placement for degradation in degraded if names[degradation.placement]}
    for placement in staying:
        if not (current[placement] and packing.is_intact(current[placement])):
            broken = LiveBundleDamaged(placement.module)
            broken_packages = (
                Degraded(package.placement, broken, live_revision(current[package.placement])) for package in proceeding
            )
            return [], (*degraded, *broken_packages)
    remaining = [delivery for delivery in destination.deliveries if delivery.placement in staying]
    return [
        *proceeding,
        *(_desired_as_live(delivery, current[delivery.placement], None) for delivery in remaining),
    ], degraded


def _of_package(destination: Destination, delivery: Delivery, looked_up: _Asked, state: State) -> Sequence[Secret]:
    """The live Secrets that hold what was written last of a package: those that are ours, or may become so."""
    live = (looked_up.get(name) for name in _names(delivery, state))
    return packing.newest_revision(
        [
            secret
            for secret in live
            if secret and (ownership.is_ours(secret, delivery.placement) or _adoptable(destination, secret))
        ]
    )


def _adoptable(destination: Destination, live: Secret) -> bool:
    """Only the Secrets that the configuration names are taken over, whatever the state object names."""
    return destination.adopt and live.name in {delivery.placement.secret for delivery in destination.deliveries}


def _desired_package(
    destination: Destination, delivery: Delivery, live: Sequence[Secret], state: State, resolved: Resolved | None
) -> Desired:
    """The package as it should be: what its source holds, unless something holds that back."""
    package = state.of(delivery.placement.secret)
    if resolved is None or is_rejected(resolved, package.hold):
        return _desired_on_hold(destination, delivery, live, package)
    return _packed(delivery, resolved.bundle, None) if resolved.bundle else _desired_as_live(delivery, live, None)


def _desired_on_hold(
    destination: Destination, delivery: Delivery, live: Sequence[Secret], package_state: PackageState
) -> Desired:
    """What shall be live instead of what the source holds."""
    hold = package_state.hold
    if hold is None or not hold.kept:
        if not any(ownership.is_ours(secret, delivery.placement) for secret in live):
            raise _no_live_bundle(delivery, package_state)
        _refuse_edited(delivery, live, package_state)
        return _desired_as_live(delivery, live, hold)
    kept_secret = _kept_secret(destination, delivery, hold.kept, package_state)
    bundle = packing.live_bundle([kept_secret])
    recipe = kept_secret.annotations.get(packing.RECIPE, "")
    if (
        is_as_deployed(delivery, live, package_state)
        and packing.matches_source(live, bundle.revision, recipe, delivery.placement)
        and packing.live_bundle(live).digest == bundle.digest
    ):
        return _desired_as_live(delivery, live, hold)
    return _packed(replace(delivery, recipe=recipe), bundle, hold)


def _kept_secret(destination: Destination, delivery: Delivery, name: str, package_state: PackageState) -> Secret:
    """The Secret of the history that keeps what shall be live. Raises KeptBundleGone, KeptBundleChanged."""
    secret = destination.cluster.secret(destination.namespace, name) if _is_history(delivery, name) else None
    if secret is None:
        raise KeptBundleGone(destination.namespace, name)
    history.refuse_changed(secret, delivery.placement, package_state)
    return secret


def _followed(destination: Destination, delivery: Delivery, package_state: PackageState) -> PackageState:
    """*package_state*; an undo that has nothing left to put back is over, so that other content of the source may come.

    An undo that goes on does not ask the source.
    """
    hold = package_state.hold
    if hold is None or hold.by_hand or not hold.kept or package_state.finished:
        return package_state
    try:
        _kept_secret(destination, delivery, hold.kept, package_state)
    except (KeptBundleGone, history.KeptBundleChanged):
        return replace(package_state, finished=True)
    return package_state


def _no_live_bundle(delivery: Delivery, package_state: PackageState) -> SecretSyncError:
    """Why a package has no live Secret of ours: its first revision was rejected, or somebody deleted them."""
    module, hold = delivery.placement.module, package_state.hold
    if hold and hold.digest and not package_state.revision_number:
        return RejectedBeforeFirst(module, hold.reason)
    return NothingToHold(module)


def _is_history(delivery: Delivery, name: str) -> bool:
    """What is remembered to be kept is read only where it can be: any other name is nobody's to read."""
    return history.is_history_name(name, delivery.placement.secret)


def _refuse_edited(delivery: Delivery, live: Sequence[Secret], package_state: PackageState) -> None:
    """Nobody holds what somebody else wrote. Raises HeldAndEdited."""
    if was_edited(delivery, live, package_state):
        raise HeldAndEdited(delivery.placement.module, packing.live_bundle(live).digest)


def _packed(delivery: Delivery, bundle: Bundle, hold: Hold | None) -> Desired:
    return Desired(delivery.placement, bundle, packing.pack(bundle, delivery.placement, delivery.recipe), hold)


def _desired_as_live(delivery: Delivery, live: Sequence[Secret], hold: Hold | None) -> Desired:
    bundle = packing.live_bundle(live)
    if live[0].immutable != delivery.placement.wired and not packing.is_encrypted(live):
        return _packed(replace(delivery, recipe=live[0].annotations.get(packing.RECIPE, "")), bundle, hold)
    return Desired(delivery.placement, bundle, packing.drop_emptied(live), hold)
