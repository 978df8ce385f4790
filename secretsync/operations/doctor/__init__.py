"""Whether the three conditions hold for every live workload: read what they need, and judge each container."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from secretsync.cluster.selector import selects
from secretsync.core import packing
from secretsync.core.errors import SecretSyncError
from secretsync.core.log import foreign_text
from secretsync.core.model import Manifest, Ref, Secret, Workload
from secretsync.operations.status import live_secrets
from secretsync.plan.diff import stamped_revision_number
from secretsync.plan.not_restarted import NotRestarted, find_not_restarted
from secretsync.plan.rollout_status import pod_failure, pods_of
from secretsync.reconcile.canary import read_contents
from secretsync.reconcile.destination import Delivery, Destination
from secretsync.reconcile.observe import spawners
from secretsync.reconcile.state_store import load_state
from secretsync.rucio.conditions import container, rucio_cfg
from secretsync.rucio.conditions.container import Environment, Sources
from secretsync.rucio.conditions.judge import Deployed, judge, package_variable
from secretsync.rucio.conditions.workloads import (
    Diagnosis,
    RucioContainer,
    contents,
    deployed_package,
    rucio_containers,
    view_of,
)


@dataclass(frozen=True)
class Examination:
    """The verdict on each container, and what it was judged by.

    *live* has the live Secrets of each package, none for one that is not deployed: that is judged as configured.
    """

    diagnoses: tuple[Diagnosis, ...]
    live: tuple[tuple[Delivery, tuple[Secret, ...]], ...]
    workloads: tuple[Workload, ...]
    not_restarted: tuple[NotRestarted, ...] = ()
    """What mounts a package and is no workload of the target."""
    failing: Mapping[Ref, str] = field(default_factory=dict)
    """Workloads that were judged and whose pods do not come up, each with the sentence of a pod."""

    @property
    def absent(self) -> tuple[str, ...]:
        """The modules of which nothing is deployed."""
        return tuple(delivery.placement.module for delivery, secrets in self.live if not secrets)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All live Secrets of the packages."""
        return tuple(secret for _, secrets in self.live for secret in secrets)


def diagnose(destination: Destination, ignore: str = "") -> Examination:
    """Judge every container with Rucio at *destination*: one list a kind, one read of each Secret and ConfigMap.

    Workloads whose labels the selector *ignore* takes are left out.
    """
    live = _live(destination)
    deployments = [(delivery, secrets or _configured(delivery)) for delivery, secrets in live]
    packages = {delivery.placement.secret: deployed(delivery, secrets) for delivery, secrets in deployments if secrets}
    workloads = tuple(destination.cluster.workloads(destination.namespace, destination.selector))
    names = {name for package in packages.values() for name in package.secrets}
    not_restarted = find_not_restarted(spawners(destination) or (), workloads, names)
    judged_workloads = [workload for workload in workloads if not (ignore and selects(ignore, workload.labels))]
    judged_workloads += [spawned for spawner in not_restarted if (spawned := spawner.as_workload())]
    pods = destination.cluster.pods(destination.namespace) if destination.cluster.runs_pods else ()
    containers = list(rucio_containers(judged_workloads, names))
    sources = _sources(
        destination, containers, packages.values(), [secret for _, secrets in deployments for secret in secrets]
    )
    return Examination(
        diagnoses=tuple(
            Diagnosis(
                rucio_container.workload.ref, rucio_container.manifest["name"], package.module, judge(package, view)
            )
            for rucio_container in containers
            for secret, package in packages.items()
            for view in [
                view_of(
                    rucio_container,
                    sources,
                    _behind(rucio_container.workload, secret, dict(_by_secret(live))[secret], pods),
                )
            ]
        ),
        live=live,
        workloads=workloads,
        not_restarted=not_restarted,
        failing=dict(_failing({container.workload.ref: container.workload for container in containers}, pods)),
    )


def _failing(workloads: Mapping[Ref, Workload], pods: Sequence[Manifest]) -> Iterator[tuple[Ref, str]]:
    for ref, workload in workloads.items():
        if failure := next(filter(None, map(pod_failure, pods_of(workload, pods))), None):
            yield ref, foreign_text(failure.message)


def _live(destination: Destination) -> tuple[tuple[Delivery, tuple[Secret, ...]], ...]:
    memory = load_state(destination)
    return tuple((delivery, tuple(live_secrets(destination, delivery, memory))) for delivery in destination.deliveries)


def _configured(delivery: Delivery) -> Sequence[Secret]:
    """The Secrets that a first run would write; none where the source cannot be read, which is said elsewhere."""
    try:
        bundle = delivery.source.fetch(delivery.source.resolve())
        return packing.pack(bundle, delivery.placement, delivery.recipe)
    except SecretSyncError:
        return ()


def _by_secret(live: Iterable[tuple[Delivery, Sequence[Secret]]]) -> Iterator[tuple[str, Sequence[Secret]]]:
    yield from ((delivery.placement.secret, secrets) for delivery, secrets in live)


def deployed(delivery: Delivery, secrets: Sequence[Secret]) -> Deployed:
    """The package that live Secrets hold, less the folders that Rucio does not ask for and nobody needs to mount."""
    # imported here: the rules are not needed where nothing is deployed
    from secretsync.rucio.check.rules.live import imported_files

    package = deployed_package(delivery.placement, secrets, _needed_directories(secrets))
    return replace(package, imported=imported_files(packing.live_bundle(secrets)))


def _needed_directories(secrets: Sequence[Secret]) -> frozenset[str]:
    if packing.is_encrypted(secrets):  # which of them Rucio asks for is not known
        return frozenset(packing.directory_of(secret).removeprefix(".") for secret in secrets)
    # imported here: the rules are not needed where nothing is deployed
    from secretsync.rucio.check.package import Package
    from secretsync.rucio.check.rucio import rucio
    from secretsync.rucio.check.rules.live import loaded

    package = Package(packing.live_bundle(secrets))
    return frozenset({"", *(package.modules[name].file.directory for name in loaded(package, rucio()))})


def _sources(
    destination: Destination,
    containers: Sequence[RucioContainer],
    packages: Collection[Deployed],
    live: Sequence[Secret],
) -> Sources:
    """What decides about the variables and rucio.cfg; our own Secrets are known already.

    The configuration may hold passwords: it is read only where no variable names the package.
    """
    known_contents = contents(live)
    needed = {key for rucio_container in containers for key in container.asked_for(rucio_container.manifest)}
    known_contents |= read_contents(destination, needed - known_contents.keys())
    undecided = [
        rucio_container for rucio_container in containers if not _is_decided(rucio_container, packages, known_contents)
    ]
    needed = {key for rucio_container in undecided for key in _configuration(rucio_container, known_contents)}
    known_contents |= read_contents(destination, needed - known_contents.keys())
    return known_contents


def _configuration(rucio_container: RucioContainer, sources: Sources) -> Iterator[tuple[str, str]]:
    """The objects that rucio.cfg is made of, by kind and name."""
    return rucio_cfg.asked_for(rucio_container.mounts, container.environment(rucio_container.manifest, sources))


def _is_decided(rucio_container: RucioContainer, packages: Iterable[Deployed], sources: Sources) -> bool:
    """Whether variables name the package of each VO."""
    variables: Environment = container.environment(rucio_container.manifest, sources)
    return all(isinstance(variables.get(package_variable(package.vo)), str) for package in packages)


def _behind(workload: Workload, secret: str, live: Sequence[Secret], pods: Sequence[Manifest]) -> str:
    """Why the pods may not run what the Secrets hold; empty where they do."""
    if not live:
        return ""
    writes = [int(secret.annotations.get(packing.REVISION_NUMBER, "0")) for secret in live]
    carried = stamped_revision_number(workload, secret)
    if carried == max(writes, default=0):
        return ""
    if carried:
        return f"its pods run revision {carried}, and the Secrets have revision {max(writes)}"
    written_at = max((secret.data_written for secret in live if secret.data_written), default=None)
    outdated_pods = [pod for pod in pods_of(workload, pods) if written_at and _created(pod) <= written_at]
    return (
        f"pod {outdated_pods[0]['metadata']['name']} started before the Secrets were last written"
        if outdated_pods
        else ""
    )


def _created(pod: Manifest) -> datetime:
    return datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
