"""A real Rucio answers differently after a push, and no request fails meanwhile.

Two servers with Rucio's own REST application import the policy package; alice adds scopes all the time. Which Python
has that Rucio, RUCIO_PYTHON names, else it is installed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from secretsync.rucio.prove import RucioEnvironment
from tests.e2e.repository import MODULE, Repository
from tests.e2e.rucio_site import ALLOWED, DENIED, RucioSite
from tests.e2e.site import Site, ended, until
from tests.on_demand import ON_DEMAND
from tests.rucio.prove.conftest import RUCIO, rucio
from tests.servers import git_http
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.network, pytest.mark.slow, ON_DEMAND, pytest.mark.timeout(1200)]

__all__ = ["rucio"]
VERSION = os.environ.get("RUCIO_VERSION", RUCIO)
"""Of the Rucio that RUCIO_PYTHON has."""

STRICT = {
    "__init__.py": b"SUPPORTED_VERSION = ['>=35']\n",
    "permission.py": b"def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n",
    "schema.py": b"from rucio.common.schema.generic import *\n",
}
"""Rucio's generic permissions decide: alice may add no scope."""
GENEROUS = STRICT | {
    "permission.py": b"def has_permission(issuer, action, kwargs, *, session=None):\n"
    b"    if action == 'add_scope' and issuer.external == 'alice':\n        return True\n    return None\n",
}
FALLS_TO_GENERIC = GENEROUS | {"permission.py": b"from . import gone\n" + GENEROUS["permission.py"]}
"""An ImportError in it: Rucio would log a line and go on without."""
RAISES = GENEROUS | {
    "permission.py": b"from . import rules\n" + GENEROUS["permission.py"],
    "rules.py": b"raise RuntimeError('no rules ' + 'today')\n",
}


@pytest.fixture
def running(
    control_plane: ControlPlane, namespace: str, rucio: RucioEnvironment, tmp_path: Path
) -> Iterator[tuple[RucioSite, Repository]]:
    repository = Repository(tmp_path)
    repository.push(STRICT)
    with git_http.serve(repository.bare.parent) as url:
        requirement = f"git+{url}/{repository.bare.name}"
        site = Site(control_plane, namespace, tmp_path, MODULE, requirement, "site-policy", directories=("",))
        server = RucioSite(site, tmp_path / "rucio", Path(rucio.python), VERSION)
        server.add_server()
        first = site.run()
        assert first.code == 0, first
        until(server.ready, "both servers are ready", seconds=120)
        yield server, repository


def test_a_push_changes_an_answer_a_bad_one_does_not_and_no_request_fails(
    running: tuple[RucioSite, Repository],
) -> None:
    server, repository = running
    site, token = server.site, server.token()
    assert server.add_scope(token) == DENIED

    with server.client() as answers:
        repository.push(GENEROUS)
        run = site.run()
        assert run.code == 0, run
        assert server.add_scope(token) == ALLOWED

        live, generations = site.live(), site.generations()
        repository.push(FALLS_TO_GENERIC)
        run = site.run()
        assert run.code == 1, run
        assert "gone" in run.log + run.out
        assert (site.live(), site.generations()) == (live, generations), "nothing is touched"
        assert server.add_scope(token) == ALLOWED

        repository.push(RAISES)
        run = site.run()
        assert run.code == 4, run
        assert "no rules today" in run.out + run.log
        assert site.live_files() == GENEROUS, "what was live is put back"
        assert server.add_scope(token) == ALLOWED

        run = ended(site.start("rollback"))
        assert run.code == 0, run
        assert site.live_files() == STRICT, run
        assert server.add_scope(token) == DENIED

    assert set(answers) == {DENIED, ALLOWED}, [answer for answer in answers if answer not in (DENIED, ALLOWED)]
    assert len(answers) > 20
    assert answers[0] == DENIED
