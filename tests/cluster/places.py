"""The three clusters on which the contract runs, and how somebody else changes what is in them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import yaml
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from urllib3.util.retry import Retry

from secretsync.cluster.api import KubernetesCluster
from secretsync.cluster.connection import Connection, Timeouts
from secretsync.cluster.directory import DirectoryCluster
from secretsync.cluster.protocol import Cluster
from tests.servers import kubernetes_minors
from tests.servers.api_proxy import Proxy, proxying
from tests.servers.control_plane import ControlPlane
from tests.servers.http import serving
from tests.servers.stub_api import StubApi

Object = dict[str, Any]

HASTE = Timeouts(
    connect=2,
    read=2,
    total=4,
    retries=Retry(total=5, allowed_methods=None, status_forcelist=(429, 500, 502, 503, 504)),
)
"""The retries of Patience without its pauses."""


class Place(Protocol):
    """A cluster, its namespace, and the hands of somebody else."""

    cluster: Cluster
    namespace: str

    def put(self, manifest: Object) -> None:
        """Somebody else creates or changes an object."""

    def remove(self, kind: str, name: str) -> None:
        """Somebody else deletes an object."""


class Directory:
    def __init__(self, root: Path) -> None:
        self.cluster: Cluster = DirectoryCluster(root)
        self.namespace = "rucio"
        self._folder = root / self.namespace

    def put(self, manifest: Object) -> None:
        path = self._path(manifest["kind"], manifest["metadata"]["name"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(manifest))

    def remove(self, kind: str, name: str) -> None:
        self._path(kind, name).unlink()

    def _path(self, kind: str, name: str) -> Path:
        return self._folder / f"{kind.lower()}-{name}.yaml"


class Stub:
    def __init__(self, api: StubApi, url: str) -> None:
        self.api, self.url = api, url
        self.cluster: Cluster = at(url)
        self.namespace = "rucio"

    def put(self, manifest: Object) -> None:
        self.api.put(manifest)

    def remove(self, kind: str, name: str) -> None:
        self.api.remove(self.namespace, kind, name)


class Real:
    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self.control_plane = control_plane
        self.cluster: Cluster = control_plane.cluster
        self.namespace = namespace

    def put(self, manifest: Object) -> None:
        self.control_plane.put(manifest)

    def remove(self, kind: str, name: str) -> None:
        self.control_plane.remove(kind, self.namespace, name)


def at(url: str, patience: Timeouts = HASTE, token: str = "") -> KubernetesCluster:
    """The cluster at *url*, with little patience."""
    configuration = Configuration(host=url, api_key={"BearerToken": f"Bearer {token}"} if token else None)
    configuration.retries = False
    return KubernetesCluster(Connection(ApiClient(configuration), patience))


@contextlib.contextmanager
def stub(minor: int = kubernetes_minors.NEWEST) -> Iterator[Stub]:
    """An API of Kubernetes 1.*minor*."""
    api = StubApi(minor=minor)
    with serving(api) as url:
        yield Stub(api, url)


@contextlib.contextmanager
def spoilt(place: Stub | Real) -> Iterator[Proxy]:
    """*place* behind a proxy that spoils calls."""
    if isinstance(place, Real):
        plane = place.control_plane
        token = yaml.safe_load(plane.kubeconfig.read_text())["users"][0]["user"]["token"]
        upstream = proxying(plane.server, plane.certificate_authority)
    else:
        token = ""
        upstream = proxying(place.url)
    with upstream as proxy:
        place.cluster = at(proxy.url, token=token)
        yield proxy
