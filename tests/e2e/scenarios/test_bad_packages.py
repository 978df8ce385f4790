"""Whatever is in a package, no site goes down: a verdict for each workload, and a bad package undoes itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.e2e.readiness import never_below_what_the_strategy_allows
from tests.e2e.repository import PACKAGE, Repository
from tests.e2e.scenarios.promises import (
    GOOD,
    assert_held,
    assert_undone,
    deployed,
    is_down,
    only_in,
    restarts_since,
    with_timeout,
)
from tests.e2e.site import Site, ended, until
from tests.on_demand import ON_DEMAND

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

SYNTAX_ERROR = {**PACKAGE, "rules.py": b"def all(:\n"}
HANGS = {**PACKAGE, "rules.py": b"import time\ntime.sleep(1e6)\n"}


def test_a_syntax_error_meets_one_daemon_is_undone_held_and_released_by_a_new_commit(
    site: Site, repository: Repository
) -> None:
    before = site.generations()
    repository.push(SYNTAX_ERROR)
    with never_below_what_the_strategy_allows(site, "rucio-server", "reaper"):
        run = site.run()
        assert_undone(site, run)
    assert "SyntaxError" in run.out
    assert restarts_since(site, before) == {"judge": 2, "rucio-server": 1, "reaper": 1}

    repository.push(GOOD)
    healed = site.run()
    assert healed.code == 0, healed
    assert "held" not in healed.out
    assert site.every_pod_runs(GOOD)


@ON_DEMAND
def test_an_import_that_hangs_times_out_and_is_undone(site: Site, repository: Repository) -> None:
    repository.push(HANGS)
    with never_below_what_the_strategy_allows(site, "rucio-server", "reaper"):
        run = with_timeout(site, 15).run()
        assert_undone(site, run)
    assert "timed out" in run.out


def test_a_crash_in_the_second_wave_alone_is_undone_in_the_first_too(site: Site, repository: Repository) -> None:
    before = site.generations()
    repository.push(only_in("rucio-server", "raise RuntimeError('not on a server')"))
    with never_below_what_the_strategy_allows(site, "rucio-server", "reaper"):
        run = site.run()
        assert_undone(site, run)
    assert "RuntimeError: not on a server" in " ".join(run.out.split())
    assert restarts_since(site, before) == {"judge": 2, "rucio-server": 2, "reaper": 1}


@ON_DEMAND
def test_a_daemon_that_was_broken_before_goes_last_and_decides_nothing(
    empty_site: Site, repository: Repository
) -> None:
    broken = empty_site.add("broken", imports=["nothing_of_that_name"])
    site = replace(empty_site, rollout={**empty_site.rollout, "timeout": 30})
    site.add("judge")
    site.add("rucio-server", replicas=2, probe=True)
    assert site.run().code == 4
    until(lambda: is_down(site, broken), "the broken daemon is seen to be down")

    repository.push(GOOD)
    run = site.run()
    assert run.code == 0, run
    assert "(not healthy before the run): Deployment broken" in " ".join(run.out.split())
    assert site.live_files() == GOOD

    repository.push(only_in("rucio-server", "raise RuntimeError('bad')"))
    undone = site.run()
    assert undone.code == 4, undone
    assert "rolled back" in " ".join(undone.out.split()), undone
    assert site.live_files() == GOOD
    assert_held(site)


def test_a_stateful_set_whose_pod_hangs_is_freed_by_the_undo(empty_site: Site, repository: Repository) -> None:
    empty_site.add("hermes", "StatefulSet", replicas=2, probe=True)
    site = with_timeout(deployed(empty_site), 12)
    repository.push(HANGS)
    run = site.run()
    assert_undone(site, run)


@ON_DEMAND
def test_a_stateful_set_that_hung_in_a_run_that_was_stopped_takes_the_next_commit(
    empty_site: Site, repository: Repository
) -> None:
    empty_site.add("hermes", "StatefulSet", probe=True)
    site = with_timeout(deployed(empty_site), 12, onFailure="stop")
    repository.push(HANGS)
    assert site.run().code == 4
    repository.push(GOOD)
    healed = site.run()
    assert healed.code == 0, healed
    assert site.every_pod_runs(GOOD)


def test_with_the_check_a_package_that_cannot_be_loaded_touches_nothing(site: Site, repository: Repository) -> None:
    before = site.generations()
    repository.push({**PACKAGE, "permission.py": b"def has_permission(:\n"})
    mark = site.plane.audit_mark()
    run = replace(site, check="error").run()
    assert run.code == 1, run
    assert "permission.py:1" in run.out, run
    assert not [call for call in site.plane.calls_since(mark, site.namespace) if call.touches]
    assert site.generations() == before


@ON_DEMAND
def test_of_ten_commits_in_a_row_no_workload_sees_more_than_the_first_and_the_last(
    site: Site, repository: Repository
) -> None:
    before = site.generations()
    repository.push(GOOD)
    loop = site.start()
    try:
        until(lambda: site.generations() != before, "the loop began with the first commit")
        for number in range(9):
            files = {**PACKAGE, "rules.py": f"ALL = {number}\n".encode()}
            repository.push(files)
        until(lambda: site.live_files() == files and site.every_pod_runs(files), "every pod runs the last", 120)
    finally:
        loop.terminate()
        assert ended(loop).code == 0
    assert all(restarts <= 2 for restarts in restarts_since(site, before).values())
