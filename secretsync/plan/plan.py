"""All that a pass would do to a namespace. The same object is printed by a dry run and carried out by a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from secretsync.core import packing
from secretsync.core.listed import listed
from secretsync.core.model import Manifest, Ref, Secret, Workload
from secretsync.plan import disruption, drift, in_force, lost_mounts, mounts, ownership
from secretsync.plan import restarts as stale
from secretsync.plan.degraded import Degraded
from secretsync.plan.diff import Change, Desired, PackagePlan, plan_package, stamped_revision_number
from secretsync.plan.in_force import NotInForce
from secretsync.plan.not_restarted import NotRestarted, find_not_restarted
from secretsync.plan.not_restarted import sentences as not_restarted_sentences
from secretsync.plan.refused import Refused
from secretsync.plan.rollout_status import not_current
from secretsync.plan.state import State


@dataclass(frozen=True)
class Live:
    """What was read of a namespace. *pods*, *referrers* and *spawners* are None until a plan needs them.

    *referrers* tell by a Secret's name what could still start a pod that needs it. *unselected* are workloads that we
    wired and that are no longer selected. With *mounted_elsewhere* the workloads are not to be seen here: Helm makes
    them of values.
    """

    secrets: Mapping[str, Secret]
    workloads: Sequence[Workload]
    unselected: Sequence[Workload] = ()
    pods: Sequence[Manifest] | None = None
    referrers: Mapping[str, Sequence[str]] | None = None
    mounted_elsewhere: bool = False
    spawners: Sequence[Manifest] | None = None


@dataclass(frozen=True)
class Plan:
    """What to write, what to restart; *watch* has the workloads of an earlier rollout that nobody saw to its end.

    *workloads* have the templates that they get; those that are *held_by_hand* keep the one that somebody put back.
    *forgotten* names Secrets that are as they should be, and that the state object does not know. Of packages that are
    *degraded* nothing else is planned. *not_in_force* are the containers that do not load a package although its
    Secrets will be there, and *undecided* those of which that is not known. *stripped* are workloads that lost all of
    their wiring twice in one revision: they are held. *not_restarted* mounts a package and is no workload of the
    target; *looked_beside* says that this was looked for.
    """

    packages: tuple[PackagePlan, ...]
    restarts: tuple[stale.Restart, ...]
    workloads: Sequence[Workload] = ()
    watch: Mapping[Ref, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    held_by_hand: tuple[Ref, ...] = ()
    forgotten: tuple[str, ...] = ()
    degraded: tuple[Degraded, ...] = ()
    not_in_force: tuple[NotInForce, ...] = ()
    undecided: tuple[NotInForce, ...] = ()
    stripped: tuple[Ref, ...] = ()
    not_restarted: tuple[NotRestarted, ...] = ()
    looked_beside: bool = False
    not_current: tuple[Ref, ...] = ()
    """Workloads whose pods are not all up, though nothing is to be restarted there."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is to be done with each Secret, of all packages."""
        return tuple(change for package in self.packages for change in package.changes)

    @property
    def pending(self) -> bool:
        """Whether anything would be written to a Secret or a workload."""
        return bool(self.restarts) or any(change.pending for change in self.changes)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to write and nothing to watch."""
        return not self.pending and not self.watch

    def moves(self, package: PackagePlan) -> bool:
        """Whether something is to be written or restarted for a package."""
        return any(change.pending for change in package.changes) or any(
            package.key in restart.annotations for restart in self.restarts
        )

    @property
    def needs_spawners(self) -> bool:
        """Whether what mounts a package beside the workloads matters, and was not read."""
        if self.looked_beside:
            return False
        mounted = {name for workload in self.workloads for name in workload.referenced_secrets}
        by_nobody = any(not mounted & {secret.name for secret in package.desired.secrets} for package in self.packages)
        return self.pending or by_nobody

    @property
    def needs_pods(self) -> bool:
        """Whether pods have to be read before it is certain which workloads restart."""
        return any(restart.provisional for restart in self.restarts)


def make_plan(desired: Sequence[Desired], live: Live, state: State, *, adopt: bool = False) -> Plan:
    """Compare, and say what to do. Raises Refused where something live must not be touched."""
    _refuse_shared_names(desired)
    packages = tuple(_package_plan(package, live, state) for package in desired)
    _refuse(packages, live, adopt=adopt)
    intent = mounts.plan_wiring(packages, live.workloads)
    mounting = [workload for workload in live.workloads if not mounts.concerns(intent, workload, state)]
    restarts = (
        *stale.restarts(mounting, packages, live.pods, state),
        *mounts.restarts(intent, [*live.workloads, *live.unselected], state),
    )
    put_back = mounts.put_back(intent, live.workloads, state)
    workloads = mounts.as_wired(intent, live.workloads)
    not_restarted = _not_restarted(desired, live)
    judged = in_force.judge_workloads(
        desired, [*workloads, *(spawned for spawner in not_restarted if (spawned := spawner.as_workload()))]
    )
    watch = stale.unfinished_restarts(live.workloads, packages, state)
    restarting = {restart.workload.ref for restart in restarts}.union(watch)
    down = not_current(
        workload for workload in workloads if workload.ref not in restarting and any(stale.mounted(workload, packages))
    )
    return Plan(
        packages,
        restarts,
        workloads,
        watch,
        (
            *_holds(desired),
            *_drifts(desired, live),
            *_annotation_drifts(desired, live, state),
            *_frozen(desired, live),
            *_deleted(desired, live, state),
            *(note for package in desired for note in package.bundle.notes),
            *_taken_over(desired, live),
            *_put_back_by_owners(desired, live),
            *(() if live.mounted_elsewhere else _mounted_by_nobody(desired, workloads, not_restarted)),
            *not_restarted_sentences(not_restarted),
            *in_force.sentences(judged.not_in_force),
            *(f"{ref} is not current: {found.message}; 'secretsync status' says more" for ref, found in down.items()),
            *_not_mounted(desired, mounting),
            *map(str, lost_mounts.of_plan(packages, mounting, state)),
            *stale.forgotten_restarts(mounting, packages, state),
            *mounts.held_by_hand(intent, put_back),
            *mounts.stripped_again(intent, put_back),
            *_still_mounted(packages, live),
            *_down_meanwhile(restarts),
        ),
        tuple(workload.ref for workload in put_back),
        tuple(_forgotten(packages, state)),
        not_in_force=judged.not_in_force,
        undecided=judged.undecided,
        stripped=tuple(workload.ref for workload in put_back if mounts.is_stripped(intent, workload)),
        not_restarted=not_restarted,
        looked_beside=live.spawners is not None,
        not_current=tuple(down),
    )


def _not_restarted(desired: Sequence[Desired], live: Live) -> tuple[NotRestarted, ...]:
    """What mounts a package and is no workload of the target, as far as that was read."""
    names = {secret.name for package in desired for secret in package.secrets}
    return find_not_restarted(live.spawners or (), [*live.workloads, *live.unselected], names)


def prunable(desired: Sequence[Desired], live: Live, state: State) -> tuple[str, ...]:
    """Names of live Secrets of ours that are no longer desired: whether they may go depends on who refers to them."""
    names = {secret.name for package in desired for secret in package.secrets}
    placements = {
        name: package.placement
        for package in desired
        for name in state.of(package.placement.secret).secrets
        if name not in names
    }
    return tuple(
        name
        for name, placement in placements.items()
        if (live_secret := live.secrets.get(name)) and ownership.is_ours(live_secret, placement)
    )


def outdated_secrets(desired: Sequence[Desired], state: State) -> tuple[str, ...]:
    """Names of immutable Secrets of earlier revisions; they are looked at when something is written anyway."""
    return tuple(
        name
        for package in desired
        for name in state.of(package.placement.secret).outdated
        if ownership.can_be_named(name, package.placement)
    )


def _forgotten(packages: Sequence[PackagePlan], state: State) -> Iterable[str]:
    for package in packages:
        package_state = state.of(package.placement.secret)
        written = package.desired.bundle.digest, package.description
        same_content = (package_state.digest, package_state.description) == written
        yield from (
            secret.name
            for secret in package.desired.secrets
            if not same_content or secret.name not in package_state.secrets
        )


def _package_plan(desired: Desired, live: Live, state: State) -> PackagePlan:
    secret = desired.placement.secret
    stamped = [stamped_revision_number(workload, secret) for workload in live.workloads]
    return plan_package(desired, live.secrets, state.of(secret), stamped, live.referrers)


def _refuse(packages: Sequence[PackagePlan], live: Live, *, adopt: bool) -> None:
    problems = [
        problem
        for package in packages
        for secret in package.desired.secrets
        if (live_secret := live.secrets.get(secret.name))
        for problem in ownership.problems(live_secret, secret, package.placement, adopt=adopt)
    ]
    if problems:
        raise Refused(problems, packages)


def _refuse_shared_names(desired: Sequence[Desired]) -> None:
    if problems := list(_shared_names(desired)):
        raise Refused(problems)


def _deleted(desired: Sequence[Desired], live: Live, state: State) -> Iterable[str]:
    """Secrets that a run wrote, and that are gone."""
    for package in desired:
        package_state = state.of(package.placement.secret)
        if package_state.finished:
            names = [secret.name for secret in package.secrets if secret.name in package_state.secrets]
            yield from (
                f"Secret {name} was deleted: no pod that mounts it can start until it is created again"
                for name in names
                if name not in live.secrets
            )


def _taken_over(desired: Sequence[Desired], live: Live) -> Iterable[str]:
    """Secrets that others made, and that `adopt` lets this installation write."""
    return (
        f"Secret {secret.name} is taken over{_kept(secret, live_secret)}; remove 'adopt: true' from the target "
        "afterwards"
        for package in desired
        for secret in package.secrets
        if (live_secret := live.secrets.get(secret.name)) and not ownership.is_ours(live_secret, package.placement)
    )


def _kept(secret: Secret, live_secret: Secret) -> str:
    """What becomes of the files that it held."""
    if live_secret.data == secret.data:
        return " with its files as they are"
    return ": 'secretsync history' keeps what it held as revision 0"


def _put_back_by_owners(desired: Sequence[Desired], live: Live) -> Iterable[str]:
    """What other tools do to Secrets that are taken over."""
    live_secrets = (live.secrets.get(secret.name) for package in desired for secret in package.secrets)
    return filter(None, (ownership.puts_back(secret) for secret in live_secrets if secret))


def _shared_names(desired: Sequence[Desired]) -> Iterable[str]:
    owners: dict[str, str] = {}
    for package in desired:
        for secret in package.secrets:
            if secret.name in owners:
                yield (
                    f"the packages {owners[secret.name]} and {package.placement.module} both want the Secret "
                    f"{secret.name!r}: give one of them another secretName"
                )
            owners[secret.name] = package.placement.module


def _mounted_by_nobody(
    packages: Sequence[Desired], workloads: Sequence[Workload], not_restarted: Sequence[NotRestarted]
) -> tuple[str, ...]:
    mounted = frozenset[str]().union(*(spawner.secrets for spawner in not_restarted))
    return tuple(
        f"no workload in namespace {package.placement.namespace} mounts Secret {package.secrets[0].name}, so nothing "
        f"runs {package.placement.module}: check the target's namespace and selector, and mount what "
        "'secretsync values' prints"
        for package in in_force.unmounted(packages, workloads)
        if not mounted & {secret.name for secret in package.secrets}
    )


def _not_mounted(packages: Sequence[Desired], workloads: Sequence[Workload]) -> tuple[str, ...]:
    """Workloads that mount the package but not one of its sub-directories; the check says how bad that is."""
    return tuple(
        f"{listed(lacking)}: mount Secret {desired.secrets[0].name} but not {secret.name}, so their pods lack "
        f"{directory}/ ({len(secret.data)} files): mount it too, at …/{desired.placement.module}/{directory} "
        f"(secretFullName: {secret.name}), or leave the directory out with exclude: ['{directory}/*']"
        for desired in packages
        for secret in desired.secrets[1:]
        if (directory := secret.annotations[packing.DIRECTORY])
        and (lacking := [workload.ref for workload in workloads if _lacks_mount(workload, desired, secret)])
    )


def _lacks_mount(workload: Workload, desired: Desired, secret: Secret) -> bool:
    referenced = workload.referenced_secrets
    return desired.secrets[0].name in referenced and secret.name not in referenced


def _holds(desired: Sequence[Desired]) -> tuple[str, ...]:
    return tuple(
        f"{'suspended' if package.hold.by_hand else 'rejected'}: {package.placement.module} stays at "
        f"{package.bundle.revision.short}: {package.hold.reason}; it stays until "
        f"{'a new commit or ' if package.hold.digest else ''}'secretsync resume'"
        for package in desired
        if package.hold
    )


def _annotation_drifts(packages: Sequence[Desired], live: Live, state: State) -> Iterable[str]:
    for package in packages:
        package_state = state.of(package.placement.secret)
        found = packing.newest_revision([live.secrets[name] for name in package_state.secrets if name in live.secrets])
        if found and not package_state.is_described(packing.description(packing.drop_emptied(found))):
            yield (
                "drift: somebody changed the annotations of the live Secrets of "
                f"{package.placement.module}; they are restored"
            )


def _frozen(packages: Sequence[Desired], live: Live) -> Iterable[str]:
    return (
        f"drift: somebody made Secret {secret.name} immutable, so that its next change will be refused: delete it, and "
        "it is made anew"
        for package in packages
        for secret in package.secrets
        if (found := live.secrets.get(secret.name)) and drift.was_frozen(found, package.placement)
    )


def _drifts(packages: Sequence[Desired], live: Live) -> tuple[str, ...]:
    return tuple(
        f"drift: somebody changed {', '.join(paths)} in the live Secrets of {package.placement.module}; "
        + ("left as it is (drift: report)" if package.left else "it is restored")
        for package in packages
        if (paths := package.left or drift.edited_files(package, live.secrets))
    )


def _down_meanwhile(restarts: Sequence[stale.Restart]) -> tuple[str, ...]:
    """What a restart takes down for a while: operators read it before, not after."""
    down = [workload.ref for workload in disruption.workloads_taken_down([restart.workload for restart in restarts])]
    if not down:
        return ()
    return (f"{listed(down)}: no pod is ready during the restart (maxSurge: 1, maxUnavailable: 0 would keep one)",)


def _still_mounted(packages: Sequence[PackagePlan], live: Live) -> tuple[str, ...]:
    desired = {secret.name for package in packages for secret in package.desired.secrets}
    referrers = live.referrers or {}
    return tuple(
        f"Secret {change.desired.name} is no longer needed, but {referrers[change.desired.name][0]} still refers "
        "to it: it is kept, empty, until nothing does"
        for package in packages
        for change in package.changes
        if change.desired.name not in desired and change.desired.name in referrers and not change.desired.immutable
    )
