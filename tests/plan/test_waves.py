from __future__ import annotations

from collections.abc import Mapping

from secretsync.core.model import Workload
from secretsync.plan.diff import plan_package
from secretsync.plan.restarts import Restart
from secretsync.plan.state import PackageState
from secretsync.plan.waves import Wave, split_into_waves, unhealthy_workloads
from tests.build import desired, live, workload


def restart(name: str, *, ill: bool = False, **labels: str) -> Restart:
    made = workload("atlas", name=name, status={"updatedReplicas": 0 if ill else 1})
    manifest = {**made.manifest, "metadata": {**made.manifest["metadata"], "labels": labels}}
    return Restart(Workload(made.ref, manifest), {}, "")


def names(waves: list[Wave]) -> list[list[str]]:
    return [[one.workload.ref.name for one in wave.restarts] for wave in waves]


DAEMON = {"app-group": "rucio-daemons"}
SITE = [
    restart("judge", **DAEMON),
    restart("reaper", **DAEMON),
    restart("server", app="rucio-server"),
    restart("ui", app="rucio-ui"),
]


def test_one_daemon_goes_first_then_the_servers_then_the_rest() -> None:
    assert names(split_into_waves(SITE)) == [["judge"], ["server"], ["reaper", "ui"]]


def test_a_configuration_chooses_its_own_waves_and_the_rest_comes_last() -> None:
    def servers(labels: Mapping[str, str]) -> bool:
        return labels.get("app") == "rucio-server"

    assert names(split_into_waves(SITE, selectors=[servers])) == [["server"], ["judge", "reaper", "ui"]]


def test_no_more_than_max_parallel_are_restarted_at_once() -> None:
    assert names(split_into_waves(SITE, max_parallel=1)) == [["judge"], ["server"], ["reaper"], ["ui"]]


def test_what_was_not_current_before_goes_last_and_decides_nothing() -> None:
    waves = split_into_waves([restart("broken", **DAEMON), *SITE], unhealthy=["Deployment rucio/broken"])
    assert names(waves) == [["judge"], ["server"], ["reaper", "ui"], ["broken"]]
    assert [wave.decides for wave in waves] == [True, True, True, False]


def test_a_workload_that_is_down_and_has_all_its_secrets_is_ailing() -> None:
    broken, well = restart("broken", ill=True).workload, restart("well").workload
    wanted = desired({"__init__.py": "1"})
    package = plan_package(wanted, live(wanted), PackageState(), [], {})
    assert unhealthy_workloads([broken, well], package) == ("Deployment rucio/broken",)


def test_a_workload_that_waits_for_a_secret_that_is_still_to_be_created_is_not_ailing() -> None:
    package = plan_package(desired({"__init__.py": "1"}), {}, PackageState(), [], {})
    assert unhealthy_workloads([restart("waits", ill=True).workload], package) == ()


def test_what_an_earlier_run_restarted_is_watched_first_and_what_was_ailing_then_last() -> None:
    judge, reaper = SITE[0].workload.ref, SITE[1].workload.ref
    waves = split_into_waves(SITE[2:3], watched={judge: {}, reaper: {}}, unhealthy=[str(reaper)])
    assert [list(wave.watched) or names([wave])[0] for wave in waves] == [[judge], ["server"], [reaper]]
    assert [wave.decides for wave in waves] == [True, True, False]


def test_what_an_undo_touches_first_goes_before_all() -> None:
    assert names(split_into_waves(SITE, first=[SITE[3]])) == [["ui"], ["judge"], ["server"], ["reaper"]]


def test_nothing_to_restart_is_no_wave() -> None:
    assert split_into_waves([]) == []
