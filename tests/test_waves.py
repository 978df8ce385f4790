from __future__ import annotations

from collections.abc import Mapping

from secretsync.model import Workload
from secretsync.stale import Restart
from secretsync.waves import Wave, in_waves
from tests.build import workload


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
    assert names(in_waves(SITE)) == [["judge"], ["server"], ["reaper", "ui"]]


def test_a_configuration_chooses_its_own_waves_and_the_rest_comes_last() -> None:
    def servers(labels: Mapping[str, str]) -> bool:
        return labels.get("app") == "rucio-server"

    assert names(in_waves(SITE, selectors=[servers])) == [["server"], ["judge", "reaper", "ui"]]


def test_no_more_than_max_parallel_are_restarted_at_once() -> None:
    assert names(in_waves(SITE, max_parallel=1)) == [["judge"], ["server"], ["reaper"], ["ui"]]


def test_what_was_not_current_before_goes_last_and_decides_nothing() -> None:
    waves = in_waves([restart("broken", ill=True, **DAEMON), *SITE])
    assert names(waves) == [["judge"], ["server"], ["reaper", "ui"], ["broken"]]
    assert [wave.decides for wave in waves] == [True, True, True, False]


def test_at_a_first_install_everything_decides() -> None:
    waves = in_waves([restart("waits-for-its-secret", ill=True)], judge_health=False)
    assert [wave.decides for wave in waves] == [True]


def test_what_an_undo_touches_first_goes_before_all() -> None:
    assert names(in_waves(SITE, first=[SITE[3]], judge_health=False)) == [["ui"], ["judge"], ["server"], ["reaper"]]


def test_nothing_to_restart_is_no_wave() -> None:
    assert in_waves([]) == []
