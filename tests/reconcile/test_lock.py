from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from secretsync.cluster.errors import Call, Unreachable
from secretsync.core.concurrency import for_each
from secretsync.core.model import Manifest
from secretsync.reconcile import identity
from secretsync.reconcile.destination import Destination
from secretsync.reconcile.lock import PROOF_HOLDS, SECONDS, Busy, LeaseLost, hold_lease
from tests.build import PLACEMENT, desired
from tests.memory_cluster import MemoryCluster

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = desired({"init.py": "1"}).secrets[0]


class Time:
    """The clocks of this process and of the API server, which a test moves."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self.cluster, self.seconds = cluster, 0.0

    def __call__(self) -> Sequence[float]:
        return (self.seconds,)

    def passes(self, seconds: float) -> None:
        self.seconds += seconds
        self.cluster.time += timedelta(seconds=seconds)


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster()


@pytest.fixture
def time(cluster: MemoryCluster) -> Time:
    return Time(cluster)


@pytest.fixture
def site(cluster: MemoryCluster) -> Destination:
    return Destination("memory", cluster, "secretsync", "rucio", [])


def held_by(site: Destination, holder: str, at: str = "2026-01-01T12:00:00.000000Z", **spec: object) -> Manifest:
    """Somebody holds the Lease."""
    lease: Manifest = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "secretsync", "namespace": "rucio"},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": SECONDS, "renewTime": at, **spec},
    }
    assert isinstance(site.cluster, MemoryCluster)
    site.cluster.objects.pop(("Lease", "secretsync"), None)
    return site.cluster.store(lease, manager="other")


def test_a_second_run_is_told_who_is_at_work(site: Destination, time: Time) -> None:
    held_by(site, "other-host/7")
    with pytest.raises(Busy) as refusal, hold_lease(site, time):
        pass
    assert str(refusal.value) == (
        "another run of secretsync is at work in namespace rucio: other-host/7; nothing was written. "
        "Run again when it has ended; if it was killed, in 30 s"
    )


def test_a_holder_is_shown_by_its_host_and_number_and_nothing_of_it_reaches_a_terminal_unescaped(
    site: Destination, time: Time
) -> None:
    held_by(site, "other-host/7/0-0.1/99/abc")
    with pytest.raises(Busy, match=r"rucio: other-host/7;"), hold_lease(site, time):
        pass
    held_by(site, "\x1b[2Jhost\n" + "x" * 500)
    with pytest.raises(Busy) as refusal, hold_lease(site, time):
        pass
    assert str(refusal.value).isprintable()
    assert len(refusal.value.holder) < 200


def test_a_run_that_ended_is_in_nobodys_way(site: Destination, time: Time) -> None:
    with hold_lease(site, time):
        pass
    with hold_lease(site, time):
        pass


def test_a_run_that_was_killed_is_in_the_way_until_its_lease_expires(site: Destination, time: Time) -> None:
    held_by(site, "other-host/7")
    time.passes(SECONDS)
    with hold_lease(site, time):
        pass


@pytest.mark.parametrize("at", ["2099-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "never", ""])
def test_a_time_that_nobody_can_have_written_by_this_clock_holds_nobody_up(
    site: Destination, time: Time, at: str
) -> None:
    held_by(site, "other-host/7", at)
    with hold_lease(site, time):
        pass


@pytest.mark.parametrize("hours", [-1, 1])
def test_by_a_clock_that_is_off_a_lease_holds_neither_longer_nor_shorter(
    site: Destination, time: Time, hours: int
) -> None:
    """What the API server remembers of the write says when it was."""
    wrong = (NOON + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lease = held_by(site, "other-host/7", wrong)
    written = {"manager": "x", "time": "2026-01-01T12:00:00Z", "fieldsV1": {"f:spec": {"f:renewTime": {}}}}
    noted = {"manager": "kubectl", "time": "2026-01-01T13:00:00Z", "fieldsV1": {"f:metadata": {"f:labels": {}}}}
    lease["metadata"]["managedFields"] = [written, noted]
    site.cluster.store(lease, manager="x")
    time.passes(SECONDS - 1)
    with pytest.raises(Busy, match="in 1 s"), hold_lease(site, time):
        pass
    time.passes(1)
    with hold_lease(site, time):
        pass


def test_numbers_that_somebody_wrote_into_a_lease_are_bounded(site: Destination, time: Time) -> None:
    held_by(site, "other-host/7", leaseDurationSeconds=10**12, leaseTransitions="many")
    with pytest.raises(Busy, match="in 600 s"), hold_lease(site, time):
        pass
    time.passes(600)
    with hold_lease(site, time):
        pass


def test_of_several_threads_that_write_one_asks_whether_the_lease_is_held(site: Destination, time: Time) -> None:
    with hold_lease(site, time) as lease:
        time.passes(PROOF_HOLDS + 1)
        assert isinstance(site.cluster, MemoryCluster)
        site.cluster.calls.clear()
        for_each(range(16), lambda _: lease.confirm(), at_once=8)
        assert site.cluster.calls == [("get", "secretsync")]


def killed() -> identity.Process:
    """A process of this very host that is no longer there."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, str(identity.this_process()).encode())
        os._exit(0)
    told = os.read(read, 4096).decode()
    os.waitpid(child, 0)
    process = identity.parse(told)
    assert process
    return process


def test_a_run_killed_on_this_very_host_is_not_waited_for(site: Destination, time: Time) -> None:
    held_by(site, str(killed()))
    with hold_lease(site, time):
        pass


def test_the_same_name_and_number_in_another_pid_namespace_is_another_process(site: Destination, time: Time) -> None:
    held_by(site, str(replace(killed(), namespace="another-boot.4026531836")))
    with pytest.raises(Busy), hold_lease(site, time):
        pass


def test_a_process_that_got_the_number_of_a_dead_one_is_not_taken_for_it(site: Destination, time: Time) -> None:
    held_by(site, str(replace(identity.this_process(), started="1")))
    with hold_lease(site, time):
        pass


def test_a_lease_is_renewed_while_the_work_goes_on_and_not_too_often(
    site: Destination, time: Time, cluster: MemoryCluster
) -> None:
    with hold_lease(site, time) as mine:
        cluster.calls.clear()
        for _ in range(60):
            time.passes(1)
            mine.renew()
        assert cluster.calls == [("store", "secretsync")] * 6


def test_before_a_write_the_lease_is_read_only_where_its_last_proof_is_old(
    site: Destination, time: Time, cluster: MemoryCluster
) -> None:
    with hold_lease(site, time) as mine:
        cluster.calls.clear()
        mine.fenced.cluster.create(SECRET, manager="x")
        time.passes(PROOF_HOLDS)
        mine.fenced.cluster.store(held_by_nobody("a"), manager="x")
        mine.fenced.cluster.store(held_by_nobody("b"), manager="x")
        assert cluster.calls == [("create", "atlas"), ("get", "secretsync"), ("store", "a"), ("store", "b")]


def held_by_nobody(name: str) -> Manifest:
    return {"kind": "Job", "metadata": {"name": name, "namespace": "rucio"}}


def test_a_run_that_was_stopped_until_another_took_over_writes_nothing_more(
    site: Destination, time: Time, cluster: MemoryCluster
) -> None:
    with hold_lease(site, time) as mine:
        time.passes(SECONDS + 1)
        with hold_lease(site, time):
            pass
        for write in (
            lambda: mine.fenced.cluster.create(SECRET, manager="x"),
            lambda: mine.fenced.cluster.store(held_by_nobody("a"), manager="x"),
            lambda: mine.fenced.cluster.remove(held_by_nobody("a")),
        ):
            with pytest.raises(LeaseLost, match="another took over"):
                write()
    assert PLACEMENT.secret not in cluster.secrets


def test_a_run_that_was_stopped_while_it_took_the_lease_writes_nothing_once_another_was_at_work(
    site: Destination, time: Time, cluster: MemoryCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped_before_the_answer(lease: Manifest, *, manager: str) -> Manifest:
        monkeypatch.undo()
        stored = cluster.store(lease, manager=manager)
        time.passes(SECONDS + 1)
        with hold_lease(site, time):
            pass
        return stored

    monkeypatch.setattr(cluster, "store", stopped_before_the_answer)
    with hold_lease(site, time) as mine, pytest.raises(LeaseLost):
        mine.fenced.cluster.create(SECRET, manager="x")


def test_a_lease_that_expired_and_that_nobody_took_is_still_this_runs(
    site: Destination, time: Time, cluster: MemoryCluster
) -> None:
    with hold_lease(site, time) as mine:
        time.passes(10 * SECONDS)
        mine.fenced.cluster.create(SECRET, manager="x")
        with pytest.raises(Busy), hold_lease(site, time):
            pass
    assert PLACEMENT.secret in cluster.secrets


def test_a_label_that_somebody_writes_on_the_lease_takes_it_from_nobody(
    site: Destination, time: Time, cluster: MemoryCluster
) -> None:
    with hold_lease(site, time) as mine:
        cluster.objects["Lease", "secretsync"]["metadata"]["resourceVersion"] = "99"
        time.passes(20)
        mine.renew()


def test_a_lease_that_somebody_took_over_ends_the_run(site: Destination, time: Time, cluster: MemoryCluster) -> None:
    with hold_lease(site, time) as mine:
        held_by(site, "other-host/7")
        time.passes(20)
        with pytest.raises(LeaseLost, match="another took over"):
            mine.renew()


def test_an_api_that_does_not_answer_just_now_is_no_reason_to_stop_but_nothing_is_written_unproven(
    site: Destination, time: Time, cluster: MemoryCluster
) -> None:
    def away(verb: str, name: str) -> None:
        if name == "secretsync":
            raise Unreachable(Call("update", "leases", "rucio", "secretsync"), "api", "timed out")

    with hold_lease(site, time) as mine:
        cluster.before = away
        time.passes(20)
        mine.renew()
        with pytest.raises(Unreachable):
            mine.fenced.cluster.create(SECRET, manager="x")


def test_another_installation_has_a_lease_of_its_own(site: Destination, time: Time) -> None:
    with hold_lease(site, time), hold_lease(replace(site, installation="testbed"), time):
        pass
