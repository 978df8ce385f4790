"""Which workloads a plan restarts, and which it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from secretsync.core.model import Placement, Workload
from secretsync.core.secret_codec import OURS
from secretsync.plan.plan import Live, Plan, make_plan
from secretsync.plan.state import PackageState, State
from tests.build import NOON, desired, live, pod, workload

ONE = desired({"__init__.py": "1"})
TWO = desired({"__init__.py": "2"})
KEY = OURS + "atlas"
STAMP = f"1 sha256:{ONE.bundle.digest}"
STAMPED = workload("atlas", annotations={KEY: STAMP})
BARE = workload("atlas")


def plan(wanted: object, *workloads: Workload, secrets: object = None, state: State = State(), **more: object) -> Plan:  # noqa: B008
    return make_plan([wanted], Live(live(ONE) if secrets is None else secrets, workloads, **more), state)  # type: ignore


def restarted(made: Plan) -> list[str]:
    return [restart.workload.ref.name for restart in made.restarts]


def test_a_workload_that_carries_the_current_stamp_is_left_alone() -> None:
    assert restarted(plan(ONE, STAMPED)) == []


def test_a_workload_that_mounts_nothing_of_the_package_is_left_alone() -> None:
    assert restarted(plan(TWO, workload("another"))) == []


def test_new_content_restarts_whatever_mounts_it() -> None:
    made = plan(TWO, STAMPED)
    assert restarted(made) == ["server"]
    assert made.restarts[0].annotations == {KEY: f"2 sha256:{TWO.bundle.digest}"}
    assert made.restarts[0].reason == "revision 1 -> 2"


def test_a_workload_with_an_older_stamp_is_restarted_though_the_secrets_are_written() -> None:
    made = plan(ONE, workload("atlas", annotations={KEY: "1 sha256:other"}))
    assert restarted(made) == ["server"]
    assert made.restarts[0].reason == "revision 1 -> 1" or "revision" in made.restarts[0].reason


def test_the_same_digest_with_an_older_write_is_stale() -> None:
    made = plan(ONE, STAMPED, secrets=live(ONE, revision_number=3))
    assert made.restarts[0].reason == "revision 1 -> 3"


def test_pods_younger_than_the_write_run_it_already() -> None:
    young = pod(created="2026-01-01T12:00:01Z")
    assert restarted(plan(ONE, BARE, pods=[young])) == []


@pytest.mark.parametrize("created", ["2026-01-01T12:00:00Z", "2026-01-01T11:59:59Z"])
def test_a_pod_of_the_same_second_or_before_may_have_seen_the_old_files(created: str) -> None:
    made = plan(ONE, BARE, pods=[pod(created="2026-01-01T12:00:05Z"), pod(name="old", created=created)])
    assert restarted(made) == ["server"]


def test_pods_are_asked_for_only_when_their_age_could_tell() -> None:
    assert plan(ONE, BARE).needs_pods
    assert not plan(ONE, STAMPED).needs_pods
    assert not plan(TWO, BARE).needs_pods
    assert not plan(ONE, BARE, pods=[]).needs_pods


def test_an_unknown_time_of_the_write_means_stale() -> None:
    young = pod(created="2026-01-01T12:00:01Z")
    assert restarted(plan(ONE, BARE, secrets=live(ONE, at=None), pods=[young])) == ["server"]


def test_the_newest_of_several_secrets_counts() -> None:
    both = desired({"__init__.py": "", "sub/a.py": ""})
    secrets = live(both)
    secrets["atlas-sub"] = replace(secrets["atlas-sub"], data_written=NOON.replace(second=10))
    at_5 = [pod(created="2026-01-01T12:00:05Z")]
    assert restarted(plan(both, workload("atlas", "atlas-sub"), secrets=secrets, pods=at_5)) == ["server"]


def test_a_workload_is_restarted_once_for_a_write_however_often_its_annotation_is_dropped() -> None:
    state = State({"atlas": PackageState(("atlas",), 1, True, {"Deployment rucio/server": 1})})
    made = plan(ONE, BARE, state=state, pods=[pod(created="2026-01-01T11:00:00Z")])
    assert restarted(made) == []
    assert made.notes == (
        "Deployment rucio/server lost the annotation of revision 1: another tool replaces its template without it; "
        "it is not restarted again, and its pods may run older files",
    )


def test_a_workload_that_mounts_two_packages_is_restarted_once_for_both() -> None:
    other = Placement("secretsync", "rucio", "cms", "cms_policy")
    first, second = desired({"a": "2"}), desired({"b": "2"}, other)
    made = make_plan([first, second], Live({}, [workload("atlas", "cms")]), State())
    (restart,) = made.restarts
    assert set(restart.annotations) == {KEY, OURS + "cms"}


def test_a_restart_keeps_the_stamp_of_a_package_that_is_not_part_of_this_plan() -> None:
    state = State({"atlas": PackageState(), "cms": PackageState()})
    both = workload("atlas", "cms", annotations={OURS + "cms": "4 sha256:x", "foreign": "y"})
    (restart,) = plan(TWO, both, state=state).restarts
    assert restart.annotations == {
        KEY: f"2 sha256:{TWO.bundle.digest}",
        OURS + "cms": "4 sha256:x",
    }


def test_a_rollout_that_nobody_saw_to_its_end_is_watched_again() -> None:
    unfinished = State({"atlas": PackageState(("atlas",), 1, False, {"Deployment rucio/server": 1})})
    made = plan(ONE, STAMPED, state=unfinished)
    assert not made.pending
    assert made.watch == {STAMPED.ref: {KEY: STAMP}}
    assert plan(ONE, STAMPED, state=State({"atlas": PackageState(("atlas",), 1, True)})).watch == {}


def test_pods_are_not_asked_for_where_another_package_restarts_the_workload_anyway() -> None:
    other = Placement("secretsync", "rucio", "cms", "cms_policy")
    both = workload("atlas", "cms")
    made = make_plan([ONE, desired({"b": "2"}, other)], Live(live(ONE), [both]), State())
    assert (restarted(made), made.needs_pods) == (["server"], False)
