"""A Lease as a value: what both the lock of a run and the election of a leader write."""

from __future__ import annotations

from datetime import UTC, datetime

from secretsync.cluster import lease as leases

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 12, 0, 5, 250, tzinfo=UTC)


def test_a_new_lease_is_held_by_nobody() -> None:
    assert leases.holder(leases.free("rucio", "secretsync")) == ""


def test_a_lease_written_without_a_spec_is_held_by_nobody() -> None:
    assert leases.holder({"kind": "Lease", "metadata": {}}) == ""


def test_a_new_holder_is_a_transition() -> None:
    first = leases.acquired(leases.free("rucio", "secretsync"), "a/1", 30, NOON)
    assert leases.acquired(first, "b/2", 15, LATER)["spec"] == {
        "holderIdentity": "b/2",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T12:00:05.000250Z",
        "renewTime": "2026-01-01T12:00:05.000250Z",
        "leaseTransitions": 2,
    }


def test_a_renewal_changes_the_time_alone() -> None:
    held = leases.acquired(leases.free("rucio", "secretsync"), "a/1", 30, NOON)
    renewed = leases.acquired(held, "a/1", 30, LATER)
    assert renewed["spec"] == {**held["spec"], "renewTime": "2026-01-01T12:00:05.000250Z"}


def test_who_takes_a_lease_keeps_what_others_wrote_to_it() -> None:
    live = leases.free("rucio", "secretsync")
    live["metadata"]["annotations"] = {"somebody": "asked"}
    assert leases.acquired(live, "a/1", 30, NOON)["metadata"] == live["metadata"]


def test_a_released_lease_is_held_by_nobody_and_expires_at_once() -> None:
    held = leases.acquired(leases.free("rucio", "secretsync"), "a/1", 30, NOON)
    spec = leases.released(held, LATER)["spec"]
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"]) == ("", 1, 1)
