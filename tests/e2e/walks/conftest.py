"""A site of its own for each test: two Secrets, a server, two daemons and a StatefulSet in three waves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import Site
from tests.servers import git_http
from tests.servers.control_plane import ControlPlane


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path)
    repository.push(PACKAGE)
    return repository


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, repository: Repository, tmp_path: Path) -> Iterator[Site]:
    """Deployed and current."""
    with git_http.serve(repository.bare.parent) as url:
        site = Site(
            control_plane,
            namespace,
            tmp_path,
            MODULE,
            f"git+{url}/{repository.bare.name}",
            "site-policy",
            imports=(f"{MODULE}.permission", f"{MODULE}.algorithms"),
            settle=0,
            rollout={
                "waves": [{"selector": "app=judge"}, {"selector": "app=rucio-server"}],
                "acceptDowntime": ["hermes"],
            },
        )
        site.add("judge")
        site.add("rucio-server", probe=True)
        site.add("reaper")
        site.add("hermes", "StatefulSet", probe=True)
        first = site.run()
        assert first.code == 0, first
        yield site
