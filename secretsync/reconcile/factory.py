"""The configuration becomes destinations: sources and clusters are opened here, and only those that are needed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from secretsync import config
from secretsync.cluster.common_metadata import with_common_metadata
from secretsync.cluster.protocol import Cluster
from secretsync.core import packing
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Placement, Source
from secretsync.reconcile.asked_once import AskedOncePerPass
from secretsync.reconcile.destination import After, Delivery, Destination
from secretsync.reconcile.encryption_factory import encryption_of, open_encryption
from secretsync.sources.cache import temporary_folder
from secretsync.sources.digests import FetchedDigests
from secretsync.sources.open import open_source
from secretsync.sources.shared import InstrumentedSource

if TYPE_CHECKING:
    from secretsync.cluster.connection import Timeouts


def destinations(configuration: config.Config, base: Path) -> list[Destination]:
    """What one pass works on; relative paths in the configuration start at *base*.

    A cluster that cannot be opened says so when it is asked: its targets alone fail.
    """
    shared = sources(configuration, base)
    selected = [
        target.cluster for target in configuration.targets if not isinstance(target.cluster, config.RepositoryCluster)
    ]
    clusters = {cluster: _opened(cluster, base) for cluster in selected}
    by_name = {target.name: target for target in configuration.targets if target.name}

    def opened(target: config.Target) -> Destination:
        if isinstance(target.cluster, config.RepositoryCluster):
            cluster = _opened_repository(configuration, target, base)
        else:
            cluster = clusters[target.cluster]
        destination = _destination(configuration, target, shared, cluster, base)
        if not target.after:
            return destination
        return replace(destination, after=After(opened(by_name[target.after.target]), target.after.for_))

    return [opened(target) for target in configuration.targets]


def _observed(target: config.Target, base: Path) -> Cluster | None:
    """The cluster that *target* may look at beside its repository."""
    settings = target.cluster.observe if isinstance(target.cluster, config.RepositoryCluster) else None
    if settings is None:
        return None
    if settings.context is None:
        return _opened(config.InCluster(in_cluster=True), base)
    return _opened(config.ContextCluster(context=settings.context, kubeconfig=settings.kubeconfig), base)


def _opened(cluster: config.LiveCluster, base: Path) -> Cluster:
    try:
        return open_cluster(cluster, base)
    except SecretSyncError as error:
        return _closed(error)


def _closed(error: SecretSyncError) -> Cluster:
    # imported here: most clusters can be opened
    from secretsync.cluster.closed import ClosedCluster

    return cast("Cluster", ClosedCluster(error))


def _opened_repository(configuration: config.Config, target: config.Target, base: Path) -> Cluster:
    """The branch of one target; each has a copy and a request of its own."""
    # imported here: most targets are clusters
    from secretsync.reconcile.repository_factory import open_repository

    cache = _cache(configuration, base)
    try:
        return cast("Cluster", open_repository(configuration.installation, target, cache.absolute(), base.absolute()))
    except SecretSyncError as error:
        return _closed(error)


def deliveries(configuration: config.Config, target: config.Target, base: Path) -> list[Delivery]:
    """What *target* gets, in the order of the configuration's packages; its cluster is not opened."""
    return _deliveries(configuration, target, sources(configuration, base), base)


def default_cache() -> Path:
    """Where caches belong (https://specifications.freedesktop.org/basedir-spec/latest/)."""
    if cache_home := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache_home) / "secretsync"
    try:
        return Path.home() / ".cache" / "secretsync"
    except RuntimeError:  # neither HOME nor an entry in /etc/passwd, as OpenShift starts pods
        return temporary_folder()


def _cache(configuration: config.Config, base: Path) -> Path:
    return base / configuration.cache if configuration.cache else default_cache()


def sources(configuration: config.Config, base: Path) -> list[AskedOncePerPass]:
    """Where the packages come from, in their order; nothing is asked yet."""
    cache = _cache(configuration, base)
    return [AskedOncePerPass(_source(package, cache, base)) for package in configuration.packages]


def _source(package: config.Package, cache: Path, base: Path) -> Source:
    return InstrumentedSource(package.module_name, open_source(package, cache=cache, base=base))


def _destination(
    configuration: config.Config, target: config.Target, sources: list[AskedOncePerPass], cluster: Cluster, base: Path
) -> Destination:
    return Destination(
        name=target.name or f"{_place(target)}, namespace {target.namespace}",
        cluster=with_common_metadata(cluster, target.labels, target.annotations),
        installation=configuration.installation,
        namespace=target.namespace,
        deliveries=_deliveries(configuration, target, sources, base),
        selector=target.selector,
        adopt=target.adopt,
        drift=target.drift,
        rollout=target.rollout,
        observed=_observed(target, base),
        values=target.cluster.values if isinstance(target.cluster, config.RepositoryCluster) else (),
    )


def _deliveries(
    configuration: config.Config, target: config.Target, sources: list[AskedOncePerPass], base: Path
) -> list[Delivery]:
    digests = FetchedDigests(_cache(configuration, base) / "digests")
    return [
        _delivery(configuration, target, package, source, digests)
        for package, source in zip(configuration.packages, sources, strict=True)
    ]


def _delivery(
    configuration: config.Config,
    target: config.Target,
    package: config.Package,
    source: Source,
    digests: FetchedDigests,
) -> Delivery:
    placement = Placement(
        installation=configuration.installation,
        namespace=target.namespace,
        secret=configuration.secret_name(package, target),
        module=package.module_name,
        layout=package.layout,
        vo=package.vo,
        wired=target.wire or _is_mounted_by_values(target.cluster),
        labels=tuple(sorted(target.labels.items())),
        annotations=tuple(sorted(target.annotations.items())),
        encryption=encrypt.form if (encrypt := encryption_of(target)) else "",
    )
    recipe = packing.recipe(package.requirement.text, package.version, package.include, package.exclude, package.layout)
    return Delivery(
        placement,
        source,
        recipe,
        package.check,
        tag_moved=package.tag_moved,
        rollback=package.rollback,
        tag_prefix=package.tag_prefix,
        # what is built twice from one commit may differ
        fetched=None if package.build else digests,
    )


def _is_mounted_by_values(cluster: config.Cluster) -> bool:
    """Whether Helm rolls the pods because a new Secret's name stands in the values."""
    return isinstance(cluster, config.RepositoryCluster) and bool(cluster.values)


def _place(target: config.Target) -> str:
    match target.cluster:
        case config.DirectoryCluster(directory=directory):
            return f"directory {directory}"
        case config.RepositoryCluster(repository=repository):
            return f"repository {repository.text.removeprefix('git+')}"
        case config.ContextCluster(context=context):
            return f"context {context}"
        case _:
            return "this cluster"


def open_cluster(cluster: config.LiveCluster, base: Path, patience: Timeouts | None = None) -> Cluster:
    """The cluster that the configuration names; the official client is imported only where the API is spoken to."""
    if isinstance(cluster, config.DirectoryCluster):
        from secretsync.cluster.directory import DirectoryCluster

        return DirectoryCluster(base / cluster.directory, open_encryption(cluster.encrypt, base, Path("/")))

    from secretsync.cluster.api import KubernetesCluster
    from secretsync.cluster.connection import Connection, in_cluster, in_context

    if isinstance(cluster, config.InCluster):
        return KubernetesCluster(Connection(in_cluster(), patience))
    kubeconfig = base / cluster.kubeconfig if cluster.kubeconfig else None
    return KubernetesCluster(Connection(in_context(cluster.context, kubeconfig), patience))
