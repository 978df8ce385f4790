"""A site on the control plane, and the repository that its package comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import Site
from tests.servers import git_http
from tests.servers.api_proxy import Proxy, proxying
from tests.servers.control_plane import ControlPlane


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repository = Repository(tmp_path_factory.mktemp("repository"))
    repository.push(PACKAGE)
    return repository


@pytest.fixture(scope="module")
def served(repository: Repository) -> Iterator[str]:
    """The requirement that names the repository, over smart HTTP."""
    with git_http.serve(repository.bare.parent) as url:
        yield f"git+{url}/{repository.bare.name}"


@pytest.fixture(scope="module")
def site(control_plane: ControlPlane, served: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server and 28 daemons, whose pods wait for Secrets that are not there yet."""
    namespace = f"site-{os.getpid()}"
    control_plane.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    site = Site(
        control_plane,
        namespace,
        tmp_path_factory.mktemp("site"),
        MODULE,
        served,
        "site-policy",
        imports=(f"{MODULE}.permission", f"{MODULE}.schema", f"{MODULE}.algorithms"),
    )
    site.add_server_and_daemons()
    yield site
    control_plane.remove("Namespace", "", namespace)


@pytest.fixture
def small(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[tuple[Site, Repository]]:
    """A server alone in a namespace of its own, and the repository that its package comes from, over smart HTTP."""
    repository = Repository(tmp_path)
    repository.push(PACKAGE)
    with git_http.serve(repository.bare.parent) as url:
        requirement = f"git+{url}/{repository.bare.name}"
        site = Site(control_plane, namespace, tmp_path, MODULE, requirement, "site-policy", imports=(MODULE,))
        site.add("rucio-server", probe=True)
        yield site, repository


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[Proxy]:
    """A proxy in front of the API."""
    with proxying(control_plane.server, control_plane.certificate_authority) as proxy:
        yield proxy


@pytest.fixture
def through_proxy(control_plane: ControlPlane, proxy: Proxy, tmp_path: Path) -> Path:
    """A kubeconfig that leads through the proxy."""
    return control_plane.kubeconfig_for(tmp_path / "kubeconfig", server=proxy.url)
