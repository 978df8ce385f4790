"""A site behind a real git server, and a forge that is asked for requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secretsync.reconcile import repository_factory
from tests.cluster.repository.site import Site
from tests.servers import forge as forges
from tests.servers import git_http
from tests.servers.forge import FakeForge


@pytest.fixture(params=["github", "gitlab", "gitea"])
def forge(request: pytest.FixtureRequest) -> FakeForge:
    return FakeForge(request.param)


OPENED = repository_factory.open_forge


def at_host(host: str) -> Callable[..., object]:
    """What opens a forge, whose API is at *host*: a real one has it where its repositories are."""
    return lambda settings, repository, base: OPENED(settings, f"http://{host}/site/flux.git", base)


@pytest.fixture
def site(tmp_path: Path, forge: FakeForge, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A repository behind a server, whose changes are proposed."""
    monkeypatch.setenv("FORGE_TOKEN", "forge-token")
    with git_http.serve(tmp_path / "served") as url, forges.serve(forge) as host:
        monkeypatch.setattr(repository_factory, "open_forge", at_host(host))
        made = Site(
            tmp_path,
            f"{url}/site/flux.git",
            propose="merge-request",
            forge=forge.kind,
            forgeToken={"env": "FORGE_TOKEN"},
        )
        forge.commit_of = lambda branch: made.head(branch) if branch in made.branches() else ""
        yield made
