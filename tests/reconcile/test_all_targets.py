"""One pass over several destinations: side by side, one after another, and none stopped by a broken one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import structlog

from secretsync import config
from secretsync.cluster import lease as leases
from secretsync.cluster.errors import UnusableCluster
from secretsync.core.errors import SecretSyncError, worst
from secretsync.reconcile import factory
from secretsync.reconcile.all_targets import InternalError, Outcome, reconcile_targets
from secretsync.reconcile.destination import After, Clock, Destination, Report
from secretsync.reconcile.reasons import reason
from secretsync.reconcile.reconciler import preview, sync
from secretsync.reconcile.recording import record_outcome
from tests.memory_cluster import MemoryCluster
from tests.reconcile.test_reconciler import Site

PATIENCE = 30


def destination(name: str, cluster: MemoryCluster | None = None, after: Destination | None = None) -> Destination:
    site = Site("server")
    gets = replace(site.destination, name=name, namespace=name, after=After(after) if after else None)
    return replace(gets, cluster=cluster) if cluster else gets


def names(told: list[Outcome]) -> list[str]:
    return [outcome.destination.name for outcome in told]


@pytest.mark.parametrize("shared", [None, MemoryCluster()], ids=["two clusters", "one cluster"])
def test_targets_go_side_by_side(shared: MemoryCluster | None) -> None:
    both_are_there = threading.Barrier(2, timeout=PATIENCE)

    def meet(one: Destination) -> Report:
        both_are_there.wait()
        return preview(one)

    told = list(reconcile_targets([destination("geneva", shared), destination("batavia", shared)], meet))
    assert sorted(names(told)) == ["batavia", "geneva"]
    assert [outcome.error for outcome in told] == [None, None]


@pytest.mark.parametrize("namespaces", [("rucio",) * 3, ("first", "second", "third")], ids=["namespace", "directory"])
def test_targets_of_one_namespace_or_directory_go_one_after_another_in_their_order(namespaces: tuple[str, ...]) -> None:
    cluster, at_work = MemoryCluster(), threading.Lock()
    cluster.runs_pods = len(set(namespaces)) == 1

    def alone(one: Destination) -> Report:
        if one.cluster is not cluster:
            return preview(one)
        assert at_work.acquire(blocking=False)
        try:
            return preview(one)
        finally:
            at_work.release()

    targets = [
        replace(destination(name, cluster), namespace=namespace)
        for name, namespace in zip(("first", "second", "third"), namespaces, strict=True)
    ]
    told = list(reconcile_targets([*targets, destination("elsewhere")], alone))
    assert [name for name in names(told) if name != "elsewhere"] == ["first", "second", "third"]
    assert all(outcome.error is None for outcome in told)


def test_a_target_begins_when_the_one_that_it_goes_after_has_ended_and_was_recorded() -> None:
    testbed = destination("testbed")
    seen: list[str] = []

    def act(one: Destination) -> Report:
        seen.append(f"{one.name} begins")
        return preview(one)

    production = destination("production", after=testbed)
    list(
        reconcile_targets(
            [production, testbed], act, lambda outcome: seen.append(f"{outcome.destination.name} recorded")
        )
    )
    assert seen == ["testbed begins", "testbed recorded", "production begins", "production recorded"]


def breaks(error: Exception) -> Callable[[Destination], Report]:
    def act(one: Destination) -> Report:
        if one.name == "broken":
            raise error
        return preview(one)

    return act


@pytest.mark.parametrize("error", [SecretSyncError("no"), RuntimeError("a bug")])
@pytest.mark.parametrize("shared", [None, MemoryCluster()])
def test_a_broken_target_does_not_stop_the_others(error: Exception, shared: MemoryCluster | None) -> None:
    targets = [destination("broken", shared), destination("sound", shared)]
    told = {outcome.destination.name: outcome for outcome in reconcile_targets(targets, breaks(error))}
    assert (told["broken"].exit_code, told["sound"].exit_code) == (1, 3)


def test_a_bug_is_told_as_one_and_counted_as_one() -> None:
    (outcome,) = reconcile_targets([destination("broken")], breaks(KeyError("x")))
    assert isinstance(outcome.error, InternalError)
    assert "please report it" in str(outcome.error)
    assert reason(outcome) == "bug"


def test_a_bug_in_what_records_an_outcome_does_not_change_it() -> None:
    def broken(outcome: Outcome) -> None:
        raise RuntimeError("a bug")

    (outcome,) = reconcile_targets([destination("one")], preview, broken)
    assert outcome.report


def test_log_lines_say_at_which_of_several_targets_and_nothing_where_there_is_one() -> None:
    bound: dict[str, object] = {}

    def act(one: Destination) -> Report:
        bound[one.name] = structlog.contextvars.get_contextvars().get("at")
        return preview(one)

    list(reconcile_targets([destination("a"), destination("b")], act))
    list(reconcile_targets([destination("alone")], act))
    assert bound == {"a": "a", "b": "b", "alone": None}


def test_a_cluster_that_cannot_be_opened_fails_its_targets_alone(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "__init__.py").write_text("")
    told = config.parse(
        {
            "packages": [{"moduleName": "source", "requirement": "./source"}],
            "targets": [
                {"cluster": {"context": "gone", "kubeconfig": "none"}, "namespace": "rucio", "name": "away"},
                {"cluster": {"directory": "there"}, "namespace": "rucio", "name": "here"},
            ],
        },
        tmp_path / "secretsync.yaml",
    )
    (tmp_path / "there").mkdir()
    came = {one.destination.name: one for one in reconcile_targets(factory.destinations(told, tmp_path), preview)}
    assert isinstance(came["away"].error, UnusableCluster)
    assert came["here"].report
    assert worst(one.exit_code for one in came.values()) == 2


def stored_leases(site: Site) -> int:
    return site.cluster.calls.count(("store", "secretsync"))


def test_what_a_pass_came_to_is_recorded_under_the_lease_of_its_change() -> None:
    site = Site("server")
    clock = Clock(lambda: site.time, site._sleep, lambda: site.utc)
    (outcome,) = reconcile_targets([site.destination], partial(sync, clock=clock), record_outcome)
    assert outcome.report
    assert outcome.report.verdicts
    assert stored_leases(site) == 2, "it is taken and released once"
    assert site.cluster.events
    assert not leases.holder(site.cluster.objects["Lease", "secretsync"])


def test_the_lease_is_released_where_recording_fails() -> None:
    site = Site("server")
    clock = Clock(lambda: site.time, site._sleep, lambda: site.utc)

    def fail(_: Outcome) -> None:
        raise ValueError("a bug")

    list(reconcile_targets([site.destination], partial(sync, clock=clock), fail))
    assert not leases.holder(site.cluster.objects["Lease", "secretsync"])


def test_a_pass_that_changes_nothing_takes_no_lease() -> None:
    site = Site("server")
    clock = Clock(lambda: site.time, site._sleep, lambda: site.utc)
    for _ in range(2):
        list(reconcile_targets([site.destination], partial(sync, clock=clock), record_outcome))
    assert stored_leases(site) == 2, "the first pass alone"
