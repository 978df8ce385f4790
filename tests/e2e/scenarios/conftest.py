"""A site of its own for each test, without check and canary: the rollout alone has to cope."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.scenarios.promises import deployed
from tests.e2e.site import Site
from tests.servers import git_http
from tests.servers.control_plane import ControlPlane


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path)
    repository.push(PACKAGE)
    return repository


@pytest.fixture
def empty_site(control_plane: ControlPlane, namespace: str, repository: Repository, tmp_path: Path) -> Iterator[Site]:
    with git_http.serve(repository.bare.parent) as url:
        yield Site(
            control_plane,
            namespace,
            tmp_path,
            MODULE,
            f"git+{url}/{repository.bare.name}",
            "site-policy",
            imports=(f"{MODULE}.permission", f"{MODULE}.algorithms"),
            settle=1,
            check="never",
            rollout={
                "canary": "off",
                "waves": [{"selector": "app=judge"}, {"selector": "app=rucio-server"}],
                "acceptDowntime": ["hermes", "everywhere"],
            },
        )


@pytest.fixture
def site(empty_site: Site) -> Site:
    """A daemon, then a server of two, then another daemon; deployed and current."""
    empty_site.add("judge")
    empty_site.add("rucio-server", replicas=2, probe=True)
    empty_site.add("reaper", probe=True)
    return deployed(empty_site)
