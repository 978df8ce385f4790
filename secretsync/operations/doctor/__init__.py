"""Whether the three conditions hold for every live workload: read what they need, and judge each container."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from secretsync.cluster.errors import Forbidden
from secretsync.cluster.rbac import Access, may
from secretsync.cluster.selector import selects
from secretsync.core import packing
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Manifest, Secret, Workload
from secretsync.operations.status import live_secrets
from secretsync.plan.diff import stamped_revision_number
from secretsync.plan.not_restarted import NotRestarted, find_not_restarted
from secretsync.plan.rollout_status import pods_of
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

_RESOURCES = {"Secret": "secrets", "ConfigMap": "configmaps"}


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

    @property
    def absent(self) -> tuple[str, ...]:
        """The modules of which nothing is deployed."""
        return tuple(delivery.placement.module for delivery, secrets in self.live if not secrets)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All live Secrets of the packages."""
        return tuple(secret for _, secrets in self.live for secret in secrets)


def examine(destination: Destination, ignore: str = "") -> Examination:
    """Judge every container with Rucio at *destination*: one list a kind, one read of each Secret and ConfigMap.

    Workloads whose labels the selector *ignore* takes are left out.
    """
    live = _live(destination)
    judged = [(one, secrets or _configured(one)) for one, secrets in live]
    packages = {one.placement.secret: deployed(one, secrets) for one, secrets in judged if secrets}
    workloads = tuple(destination.cluster.workloads(destination.namespace, destination.selector))
    names = {name for one in packages.values() for name in one.secrets}
    beside = find_not_restarted(spawners(destination) or (), workloads, names)
    asked = [one for one in workloads if not (ignore and selects(ignore, one.labels))]
    asked += [one for each in beside if (one := each.as_workload())]
    pods = destination.cluster.pods(destination.namespace) if destination.cluster.runs_pods else ()
    containers = list(rucio_containers(asked, names))
    sources = _sources(destination, containers, packages.values(), [one for _, secrets in judged for one in secrets])
    return Examination(
        diagnoses=tuple(
            Diagnosis(found.workload.ref, found.manifest["name"], package.module, judge(package, view))
            for found in containers
            for secret, package in packages.items()
            for view in [view_of(found, sources, _behind(found.workload, secret, dict(_by_secret(live))[secret], pods))]
        ),
        live=live,
        workloads=workloads,
        not_restarted=beside,
    )


def _live(destination: Destination) -> tuple[tuple[Delivery, tuple[Secret, ...]], ...]:
    memory = load_state(destination)
    return tuple((one, tuple(live_secrets(destination, one, memory))) for one in destination.deliveries)


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
    found = contents(live)
    wanted = {key for one in containers for key in container.asked_for(one.manifest)}
    _read_all(destination, wanted - found.keys(), found)
    undecided = [one for one in containers if not _is_decided(one, packages, found)]
    wanted = {key for one in undecided for key in _configuration(one, found)}
    _read_all(destination, wanted - found.keys(), found)
    return found


def _configuration(found: RucioContainer, sources: Sources) -> Iterator[tuple[str, str]]:
    """The objects that rucio.cfg is made of, by kind and name."""
    return rucio_cfg.asked_for(found.mounts, container.environment(found.manifest, sources))


def _is_decided(found: RucioContainer, packages: Iterable[Deployed], sources: Sources) -> bool:
    """Whether variables name the package of each VO."""
    variables: Environment = container.environment(found.manifest, sources)
    return all(isinstance(variables.get(package_variable(package.vo)), str) for package in packages)


def _read_all(
    destination: Destination,
    keys: Collection[tuple[str, str]],
    found: dict[tuple[str, str], Mapping[str, bytes] | None],
) -> None:
    """What this account may read of *keys*; what it may not is unknown where it matters."""
    review = destination.cluster.review(destination.namespace) if keys else None
    for kind, name in sorted(keys):
        if may(review, Access("get", "", _RESOURCES[kind], name)):
            with suppress(Forbidden):
                found[kind, name] = _read(destination, kind, name)


def _read(destination: Destination, kind: str, name: str) -> Mapping[str, bytes] | None:
    if kind == "Secret":
        secret = destination.cluster.secret(destination.namespace, name)
        return secret.data if secret else None
    manifest = destination.cluster.read(kind, destination.namespace, name)
    return {key: str(value).encode() for key, value in (manifest.get("data") or {}).items()} if manifest else None


def _behind(workload: Workload, secret: str, live: Sequence[Secret], pods: Sequence[Manifest]) -> str:
    """Why the pods may not run what the Secrets hold; empty where they do."""
    if not live:
        return ""
    writes = [int(one.annotations.get(packing.REVISION_NUMBER, "0")) for one in live]
    carried = stamped_revision_number(workload, secret)
    if carried == max(writes, default=0):
        return ""
    if carried:
        return f"its pods run revision {carried}, and the Secrets have revision {max(writes)}"
    written = max((one.data_written for one in live if one.data_written), default=None)
    early = [pod for pod in pods_of(workload, pods) if written and _created(pod) <= written]
    return f"pod {early[0]['metadata']['name']} started before the Secrets were last written" if early else ""


def _created(pod: Manifest) -> datetime:
    return datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
