"""A real Rucio answers differently after a push, and no request fails meanwhile.

Two servers with Rucio's own REST application import the policy package; alice adds scopes all the time. Which Python
has that Rucio, RUCIO_PYTHON names, else it is installed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from secretsync.rucio.prove import RucioEnvironment
from tests.e2e.repository import MODULE, Repository, raising
from tests.e2e.rucio_reaper import Reaper
from tests.e2e.rucio_site import ALLOWED, DEFAULT_VO, DENIED, RucioSite
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
IN_A_VO_SCHEMA = {"schema.py": b"from rucio.common.schema.generic_multi_vo import *\n"}
IN_A_VO, GENEROUS_IN_A_VO = STRICT | IN_A_VO_SCHEMA, GENEROUS | IN_A_VO_SCHEMA
RAISES = GENEROUS | {
    "permission.py": b"from . import rules\n" + GENEROUS["permission.py"],
    "rules.py": raising("no rules today"),
}


BY_NAME = STRICT | {"lfn2pfn.py": b"def lfn2pfn(scope, name, *_):\n    return f'by-name/{scope}/{name}'\n"}
BY_DATE = STRICT | {"lfn2pfn.py": b"def lfn2pfn(scope, name, *_):\n    return f'by-date/{scope}/{name}'\n"}
"""A default algorithm, which Rucio takes from 38.0 on."""
OTHER = "other_policy"
"""The second VO's package."""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, repository: Repository, tmp_path: Path) -> Iterator[Site]:
    with git_http.serve(repository.bare.parent) as url:
        requirement = f"git+{url}/{repository.bare.name}"
        yield Site(control_plane, namespace, tmp_path, MODULE, requirement, "site-policy", directories=("",))


@pytest.fixture
def running(site: Site, rucio: RucioEnvironment, repository: Repository) -> tuple[RucioSite, Repository]:
    repository.push(STRICT)
    server = RucioSite(site, site.folder / "rucio", Path(rucio.python), VERSION, {DEFAULT_VO: MODULE})
    server.create_database()
    server.add_server()
    deployed(server)
    return server, repository


def deployed(server: RucioSite) -> None:
    first = server.site.run()
    assert first.code == 0, first
    until(server.ready, "both servers are ready", seconds=120)


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


def test_in_a_rucio_of_two_vos_a_push_changes_the_answers_of_its_own_vo_alone(
    site: Site, rucio: RucioEnvironment, repository: Repository, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    package_of_the_other_vo(others, STRICT)
    packages = [
        {"moduleName": MODULE, "requirement": site.requirement, "vo": "one", "secretName": "site-policy"},
        {"moduleName": OTHER, "requirement": str(others), "vo": "two", "secretName": "other-policy"},
    ]
    site = replace(site, target={"secretName": None}, beside={"packages": packages})
    repository.push(IN_A_VO)
    server = RucioSite(site, tmp_path / "rucio", Path(rucio.python), VERSION, {"one": MODULE, "two": OTHER})
    server.create_database()
    server.add_server()
    deployed(server)
    tokens = {vo: server.token(vo) for vo in ("one", "two")}
    assert [server.add_scope(token) for token in tokens.values()] == [DENIED, DENIED]

    with server.client("one") as answers_of_one, server.client("two") as answers_of_two:
        repository.push(GENEROUS_IN_A_VO)
        run = site.run()
        assert run.code == 0, run
        assert [server.add_scope(token) for token in tokens.values()] == [ALLOWED, DENIED]

        live, generations = site.live_files(), site.generations()
        package_of_the_other_vo(others, RAISES)
        run = site.run()
        assert run.code == 1, run
        assert "no rules today" in run.out + run.log
        assert (site.live_files(), site.generations()) == (live, generations), (
            "a proof in the servers' image refuses it"
        )
        assert [server.add_scope(token) for token in tokens.values()] == [ALLOWED, DENIED]

    assert set(answers_of_one) == {DENIED, ALLOWED}, answers_of_one
    assert set(answers_of_two) == {DENIED}, answers_of_two


def package_of_the_other_vo(folder: Path, files: dict[str, bytes]) -> None:
    (folder / OTHER).mkdir(parents=True, exist_ok=True)
    for name, data in (files | IN_A_VO_SCHEMA).items():
        (folder / OTHER / name).write_bytes(data)


def test_a_daemon_deletes_where_the_algorithm_of_the_package_says(
    site: Site, rucio: RucioEnvironment, repository: Repository
) -> None:
    repository.push(BY_NAME)
    reaper = Reaper(RucioSite(site, site.folder / "rucio", Path(rucio.python), VERSION, {DEFAULT_VO: MODULE}))
    reaper.rucio.create_database()
    reaper.add()
    first = site.run()
    assert first.code == 0, first
    assert reaper.path_of_a_deleted_file("first.root", ("by-name", "by-date")) == "by-name"

    repository.push(BY_DATE)
    run = site.run()
    assert run.code == 0, run
    assert reaper.path_of_a_deleted_file("second.root", ("by-name", "by-date")) == "by-date"

    run = ended(site.start("rollback"))
    assert run.code == 0, run
    assert reaper.path_of_a_deleted_file("third.root", ("by-name", "by-date")) == "by-name"
