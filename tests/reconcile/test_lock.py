from __future__ import annotations

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from secretsync.cluster.errors import Call, Unreachable
from secretsync.reconcile.destination import Destination
from secretsync.reconcile.lock import SECONDS, Busy, TurnLost, turn
from tests.memory_cluster import MemoryCluster

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Wall:
    """A clock on the wall that a test moves."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def passes(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def site() -> Destination:
    return Destination("memory", MemoryCluster(), "secretsync", "rucio", [])


def held_by(site: Destination, holder: str, at: datetime = NOON) -> None:
    site.cluster.store(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "secretsync", "namespace": "rucio"},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": SECONDS,
                "renewTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            },
        },
        manager="other",
    )


def test_a_second_run_is_told_who_is_at_work(site: Destination, wall: Wall) -> None:
    held_by(site, "other-host/7")
    with pytest.raises(Busy) as refusal, turn(site, wall):
        pass
    assert str(refusal.value) == (
        "another run of secretsync is at work in namespace rucio: other-host/7; nothing was written. "
        "Run again when it has ended; if it was killed, in 30 s"
    )


def test_a_run_that_ended_is_in_nobodys_way(site: Destination, wall: Wall) -> None:
    with turn(site, wall):
        pass
    with turn(site, wall):
        pass


def test_a_run_that_was_killed_is_in_the_way_until_its_lease_expires(site: Destination, wall: Wall) -> None:
    held_by(site, "other-host/7")
    wall.passes(SECONDS)
    with turn(site, wall):
        pass


def test_a_run_killed_on_this_very_host_is_not_waited_for(site: Destination, wall: Wall) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    held_by(site, f"{socket.gethostname()}/{child}")
    with turn(site, wall):
        pass


def test_a_lease_is_renewed_while_the_work_goes_on_and_not_too_often(site: Destination, wall: Wall) -> None:
    cluster = site.cluster
    assert isinstance(cluster, MemoryCluster)
    with turn(site, wall) as mine:
        cluster.calls.clear()
        for _ in range(60):
            wall.passes(1)
            mine.renew()
        assert cluster.calls == [("store", "secretsync")] * 6


def test_a_lease_that_somebody_took_over_ends_the_run(site: Destination, wall: Wall) -> None:
    cluster = site.cluster
    assert isinstance(cluster, MemoryCluster)
    with turn(site, wall) as mine:
        cluster.objects["Lease", "secretsync"]["metadata"]["resourceVersion"] = "99"
        wall.passes(20)
        with pytest.raises(TurnLost, match="another took over"):
            mine.renew()


def test_an_api_that_does_not_answer_just_now_is_no_reason_to_stop(site: Destination, wall: Wall) -> None:
    cluster = site.cluster
    assert isinstance(cluster, MemoryCluster)

    def away(verb: str, name: str) -> None:
        if verb == "store":
            raise Unreachable(Call("update", "leases", "rucio", "secretsync"), "api", "timed out")

    with turn(site, wall) as mine:
        cluster.before = away
        wall.passes(20)
        mine.renew()


def test_another_installation_has_a_turn_of_its_own(site: Destination, wall: Wall) -> None:
    with turn(site, wall), turn(replace(site, installation="testbed"), wall):
        pass
