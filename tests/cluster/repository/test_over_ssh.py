"""A target whose repository is at a real sshd: pushed to, proposed to, and refused there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from secretsync.reconcile import repository_factory
from secretsync.sources.git.errors import GitFailed
from tests.cluster.repository.conftest import at_host
from tests.cluster.repository.site import Site
from tests.servers import forge as forges
from tests.servers import ssh
from tests.servers.forge import FakeForge
from tests.servers.ssh import SshServer, make_key

pytestmark = [pytest.mark.slow, pytest.mark.network]

PROPOSED = "secretsync/secretsync/rucio"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with ssh.serve(tmp_path / "sshd") as server:
        server.allow(Path(f"{make_key(tmp_path / 'deploy_key')}.pub"))
        yield server


def site_at(server: SshServer, folder: Path, **cluster: object) -> Site:
    access = {"sshKey": "deploy_key", "knownHosts": str(server.known_hosts())}
    bare = folder / "served" / "site" / "flux.git"
    return Site(folder, f"{server.address}{bare}", access=access, **cluster)


def test_a_change_is_pushed_over_ssh(server: SshServer, tmp_path: Path) -> None:
    site = site_at(server, tmp_path)
    report = site.sync()
    assert report.proposal
    assert report.proposal.state == "pushed"
    assert any("/secret-site-policy-" in path for path in site.files())
    again = site.sync().proposal
    assert again
    assert again.state == "nothing"


def test_a_change_is_proposed_over_ssh_and_its_request_by_the_forges_api(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "forge-token")
    forge, main = FakeForge("gitlab"), ""
    with forges.serve(forge) as host:
        monkeypatch.setattr(repository_factory, "open_forge", at_host(host))
        token = {"env": "FORGE_TOKEN"}
        site = site_at(server, tmp_path, propose="merge-request", forge="gitlab", forgeToken=token)
        main = site.head()
        report = site.sync()
        assert report.proposal
        assert report.proposal.url == "https://forge.example/1"
        assert (site.head(), PROPOSED in site.branches()) == (main, True)
        site.merge(PROPOSED)
        closed = site.sync().proposal
        assert closed
        assert closed.state == "closed"


def test_a_key_that_is_not_let_in_is_named_and_nothing_is_pushed(server: SshServer, tmp_path: Path) -> None:
    site = site_at(server, tmp_path)
    head = site.head()
    server.allow(Path(f"{make_key(tmp_path / 'another_key')}.pub"))
    with pytest.raises(GitFailed, match="deploy_key") as raised:
        site.sync()
    assert "\n" not in str(raised.value)
    assert site.head() == head
