"""The story: fetch, pack, plan, and carry out. One function does the work in all four uses."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from secretsync import pack, state
from secretsync.changes import Action, Change, Desired, PackagePlan
from secretsync.cluster import Cluster
from secretsync.cluster.errors import Conflict, Unreachable
from secretsync.errors import SecretSyncError
from secretsync.memory import Memory
from secretsync.model import Manifest, Placement, Ref, Secret, Source
from secretsync.plan import Live, Plan, make_plan, superfluous
from secretsync.rollout import Cause, State, Status
from secretsync.stale import Restart
from secretsync.wait import Observation, Stamps, wait
from secretsync.wiring.references import pod_template, secrets_referenced

log = structlog.get_logger()


@dataclass(frozen=True)
class Delivery:
    """One package on its way to one namespace; *recipe* tells what, beside its revision, decides what is packed."""

    placement: Placement
    source: Source
    recipe: str


@dataclass(frozen=True)
class Destination:
    """A namespace of a cluster, what is delivered there, and how its workloads are rolled out; times in seconds."""

    name: str
    cluster: Cluster
    installation: str
    namespace: str
    deliveries: Sequence[Delivery]
    selector: str = ""
    adopt: bool = False
    timeout: float = 600
    settle: float = 30

    @property
    def manager(self) -> str:
        """Our field manager: it names the installation, so that two of them keep each its own annotations."""
        return f"secretsync-{self.installation}"


@dataclass(frozen=True)
class Clock:
    """Seconds that only grow, and a way to let them pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


REAL_TIME = Clock()


@dataclass(frozen=True)
class Report:
    """What a pass would do, or did: the plan, and a verdict on each workload that was restarted or watched."""

    destination: str
    plan: Plan
    done: bool = False
    verdicts: Mapping[Ref, Status] = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        """Whether a dry run found something to write."""
        return not self.done and self.plan.pending

    @property
    def failed(self) -> bool:
        return any(verdict.bad for verdict in self.verdicts.values())


def preview(destination: Destination) -> Report:
    """What `sync` would do now; nothing is written."""
    return Report(destination.name, _look(destination, _remembered(destination)))


def sync(destination: Destination, clock: Clock = REAL_TIME) -> Report:
    """Bring a namespace to what its packages are now. Raises SecretSyncError; what was done by then stays done."""
    try:
        return _pass(destination, clock)
    except Conflict as conflict:
        log.warning("somebody else wrote meanwhile; planning again", conflict=str(conflict))
        return _pass(destination, clock)


def _pass(destination: Destination, clock: Clock) -> Report:
    memory = _remembered(destination)
    plan = _look(destination, memory)
    if not plan.pending and not plan.watch:
        return Report(destination.name, plan, done=True)
    _begin(plan, memory)
    _write(destination, plan)
    refused = _restart(destination, plan.restarts, memory)
    verdicts = {**refused, **_watch(destination, _stamps(plan, refused), clock)}
    report = Report(destination.name, plan, done=True, verdicts=verdicts)
    if not report.failed:
        _prune(destination, plan)
        _end(plan, memory)
    return report


def _remembered(destination: Destination) -> Memory:
    return Memory(destination.cluster, destination.installation, destination.namespace, destination.manager)


def _look(destination: Destination, memory: Memory) -> Plan:
    """Read both sides and compare them; what only some plans need is read only for those."""
    cluster, namespace = destination.cluster, destination.namespace
    secrets = _live_secrets(destination, memory.state)
    desired = [_desired(delivery, secrets, memory.state) for delivery in destination.deliveries]
    secrets = _with_new_names(destination, desired, secrets)
    live = Live(
        {name: secret for name, secret in secrets.items() if secret},
        cluster.workloads(namespace, destination.selector),
    )
    if superfluous(desired, live, memory.state):
        live = replace(live, referrers=_referrers(destination))
    plan = make_plan(desired, live, memory.state, adopt=destination.adopt)
    if plan.needs_pods:
        plan = make_plan(desired, replace(live, pods=cluster.pods(namespace)), memory.state, adopt=destination.adopt)
    return plan


_Found = Mapping[str, Secret | None]


def _live_secrets(destination: Destination, remembered: state.State) -> _Found:
    names = {
        name
        for delivery in destination.deliveries
        for name in (delivery.placement.secret, *remembered.of(delivery.placement.secret).secrets)
    }
    return {name: destination.cluster.secret(destination.namespace, name) for name in sorted(names)}


def _with_new_names(destination: Destination, desired: Sequence[Desired], found: _Found) -> _Found:
    names = {secret.name for one in desired for secret in one.secrets} - found.keys()
    return {**found, **{name: destination.cluster.secret(destination.namespace, name) for name in sorted(names)}}


def _desired(delivery: Delivery, found: _Found, remembered: state.State) -> Desired:
    """The package as it should be. An unchanged source is not read again: the live Secrets say what it holds."""
    revision = delivery.source.resolve()
    names = (delivery.placement.secret, *remembered.of(delivery.placement.secret).secrets)
    live = [secret for name in dict.fromkeys(names) if (secret := found.get(name))]
    if pack.holds(live, revision, delivery.recipe, delivery.placement):
        return Desired(delivery.placement, pack.live_bundle(live), pack.without_emptied(live, delivery.placement))
    bundle = delivery.source.fetch(revision)
    log.debug("fetched", module=bundle.module, revision=revision.short, files=len(bundle.files))
    return Desired(delivery.placement, bundle, pack.pack(bundle, delivery.placement, delivery.recipe))


def _referrers(destination: Destination) -> Mapping[str, Sequence[str]]:
    """By the name of a Secret, all that could still start a pod which needs it."""
    cluster, namespace = destination.cluster, destination.namespace
    found: dict[str, list[str]] = {}
    spawners: list[Manifest] = [workload.manifest for workload in cluster.workloads(namespace)]
    for manifest in [*spawners, *cluster.spawners(namespace)]:
        for name in secrets_referenced(pod_template(manifest)):
            found.setdefault(name, []).append(f"{manifest['kind']} {namespace}/{manifest['metadata']['name']}")
    return found


def _begin(plan: Plan, memory: Memory) -> None:
    """Names and write ids are remembered before the first live write: whoever comes next can finish the job."""
    told = memory.state
    for package in plan.packages:
        secret = package.placement.secret
        names = tuple(change.desired.name for change in package.changes)
        if _moves(package, plan):
            told = told.with_package(secret, told.of(secret).begun(names, package.write))
    memory.keep(told)


def _moves(package: PackagePlan, plan: Plan) -> bool:
    return any(change.pending for change in package.changes) or any(
        package.key in restart.annotations for restart in plan.restarts
    )


def _write(destination: Destination, plan: Plan) -> None:
    for package in plan.packages:
        for change in package.writes:
            _write_one(destination, change)


def _write_one(destination: Destination, change: Change) -> None:
    began = time.monotonic()
    if change.live is None:
        destination.cluster.create(change.desired, manager=destination.manager)
    else:
        # a manager of its own for labels and annotations: the time at which data was last written then stays true
        manager = destination.manager if change.content else f"{destination.manager}-notes"
        destination.cluster.replace(change.desired, change.live, manager=manager)
    log.info(
        "created" if change.action is Action.CREATE else "updated",
        secret=change.desired.name,
        files=len(change.files),
        write=change.desired.annotations[pack.WRITE],
        seconds=round(time.monotonic() - began, 3),
    )


def _restart(destination: Destination, restarts: Sequence[Restart], memory: Memory) -> dict[Ref, Status]:
    """Stamp every stale workload; a verdict on each that could not be."""
    refused: dict[Ref, Status] = {}
    told = memory.state
    for restart in restarts:
        ref = restart.workload.ref
        try:
            destination.cluster.annotate(restart.workload, restart.annotations, manager=destination.manager)
        except Unreachable:
            raise
        except SecretSyncError as error:
            refused[ref] = Status(State.FAILED, f"could not be restarted: {error}", Cause.OTHER)
            log.error("not restarted", workload=str(ref), why=str(error))
            continue
        log.info("restarted", workload=str(ref), why=restart.reason)
        told = told.restarted(str(ref), restart.annotations)
    memory.keep(told)
    return refused


def _stamps(plan: Plan, refused: Mapping[Ref, Status]) -> Stamps:
    restarted = {restart.workload.ref: restart.annotations for restart in plan.restarts}
    return {ref: stamp for ref, stamp in {**plan.watch, **restarted}.items() if ref not in refused}


def _watch(destination: Destination, stamps: Stamps, clock: Clock) -> dict[Ref, Status]:
    if not destination.cluster.runs_pods:
        told = Status(State.CURRENT, "is restarted when its manifest is applied")
        return dict.fromkeys(stamps, told)
    verdicts = wait(
        stamps,
        lambda: _observe(destination),
        timeout=destination.timeout,
        settle=destination.settle,
        now=clock.now,
        sleep=clock.sleep,
        tell=_tell,
    )
    return {ref: _with_last_words(destination, verdict) for ref, verdict in verdicts.items()}


def _tell(ref: Ref, verdict: Status) -> None:
    say = log.error if verdict.bad else log.info if verdict.ended else log.debug
    say(str(verdict.state), workload=str(ref), why=verdict.message)


def _observe(destination: Destination) -> Observation | None:
    cluster, namespace = destination.cluster, destination.namespace
    try:
        workloads = cluster.workloads(namespace, destination.selector)
        return Observation({workload.ref: workload for workload in workloads}, cluster.pods(namespace))
    except Unreachable as error:
        log.warning("the rollouts cannot be watched just now", why=str(error))
        return None


def _with_last_words(destination: Destination, verdict: Status) -> Status:
    if not verdict.bad or not verdict.container:
        return verdict
    try:
        words = destination.cluster.log_tail(destination.namespace, verdict.pod, verdict.container)
    except SecretSyncError as error:
        words = f"(unknown: {error})"
    return replace(verdict, message=f"{verdict.message}; its last words: {words}") if words else verdict


def _prune(destination: Destination, plan: Plan) -> None:
    """Delete what is no longer desired, unless somebody began to refer to it since the plan was made."""
    deletes = [change for package in plan.packages for change in package.deletes]
    referrers = _referrers(destination) if deletes else {}
    for change in deletes:
        if change.desired.name in referrers:
            raise Conflict(change.desired.ref, f"{referrers[change.desired.name][0]} began to refer to it")
        destination.cluster.delete(change.desired)
        log.info("deleted", secret=change.desired.name)


def _end(plan: Plan, memory: Memory) -> None:
    told = memory.state
    for package in plan.packages:
        secret = package.placement.secret
        left = tuple(change.desired.name for change in package.changes if change.action is not Action.DELETE)
        if not told.of(secret).finished:
            told = told.with_package(secret, told.of(secret).ended(left))
    memory.keep(told)
