"""Several candidates for one Lease, on a clock that a test moves."""

from __future__ import annotations

import time

import pytest

from secretsync.cluster import lease as leases
from secretsync.cluster.errors import Call, Conflict, Unreachable
from secretsync.core.model import Ref
from secretsync.service.leader import RETRY, SECONDS, Election
from tests.memory_cluster import MemoryCluster


class Candidates:
    """*wakes* counts by candidate how often a pass was to come at once; *away* are those who cannot reach the API."""

    def __init__(self, count: int) -> None:
        self.seconds = 1000.0
        self.clusters = [MemoryCluster() for _ in range(count)]
        for one in self.clusters:
            one.objects = self.clusters[0].objects
        self.wakes = [0] * count
        self.all = [self._candidate(number) for number in range(count)]

    def _candidate(self, number: int) -> Election:
        def wake() -> None:
            self.wakes[number] += 1

        return Election(self.clusters[number], "ops", "secretsync-leader", wake, now=lambda: self.seconds)

    def pass_by(self, seconds: float, *alive: int) -> None:
        """Let time pass, in which those who are alive take their steps."""
        for _ in range(round(seconds / RETRY)):
            self.seconds += RETRY
            for number in alive:
                self.all[number].step()

    @property
    def leaders(self) -> list[int]:
        return [number for number, one in enumerate(self.all) if one.leads]

    def cut_off(self, number: int) -> None:
        def away(verb: str, name: str) -> None:
            raise Unreachable(Call("get", "leases", "ops", name), "api", "timed out")

        self.clusters[number].before = away


@pytest.fixture
def three() -> Candidates:
    candidates = Candidates(3)
    candidates.pass_by(RETRY, 0, 1, 2)
    return candidates


def test_one_leads_and_begins_with_a_pass(three: Candidates) -> None:
    assert three.leaders == [0]
    assert three.wakes == [1, 0, 0]


def test_the_leader_goes_on_leading(three: Candidates) -> None:
    three.pass_by(3600, 0, 1, 2)
    assert three.leaders == [0]
    assert three.wakes == [1, 0, 0]


def test_a_leader_that_ends_lets_another_lead_at_once(three: Candidates) -> None:
    three.all[0].release()
    assert three.leaders == []
    three.pass_by(RETRY, 1, 2)
    assert three.leaders == [1]
    assert three.wakes == [1, 1, 0]


def test_a_leader_that_was_killed_is_followed_when_its_lease_expires_and_not_before(three: Candidates) -> None:
    three.pass_by(SECONDS - RETRY, 1, 2)
    assert three.leaders == []
    three.pass_by(2 * RETRY, 1, 2)
    assert three.leaders == [1]


def test_a_leader_without_an_api_stops_leading_before_another_begins(three: Candidates) -> None:
    three.cut_off(0)
    for _ in range(20):
        three.pass_by(RETRY, 0, 1, 2)
        assert len(three.leaders) <= 1
    assert three.leaders == [1]


def test_a_leader_that_slept_finds_another_in_its_place(three: Candidates) -> None:
    three.pass_by(60, 1, 2)
    three.pass_by(RETRY, 0)
    assert three.leaders == [1]


def test_a_lease_that_was_given_to_another_by_hand_is_respected_at_once(three: Candidates) -> None:
    three.clusters[0].objects["Lease", "secretsync-leader"]["spec"]["holderIdentity"] = "somebody"
    three.pass_by(RETRY, 0)
    assert three.leaders == []


def test_clocks_on_the_wall_are_not_compared(three: Candidates) -> None:
    three.clusters[0].objects["Lease", "secretsync-leader"]["spec"]["renewTime"] = "1999-01-01T00:00:00.000000Z"
    three.pass_by(RETRY, 1, 2)
    assert three.leaders == [0]


def test_who_loses_the_race_for_a_free_lease_follows() -> None:
    candidates = Candidates(2)

    def first(verb: str, name: str) -> None:
        if verb == "store":
            raise Conflict(Ref("Lease", "ops", name), "was written by someone else")

    candidates.clusters[0].before = first
    candidates.pass_by(RETRY, 0, 1)
    assert candidates.leaders == [1]


def test_the_lease_counts_its_leaders_and_not_its_renewals(three: Candidates) -> None:
    three.pass_by(60, 0, 1, 2)
    three.all[0].release()
    three.pass_by(60, 1, 2)
    assert three.clusters[0].objects["Lease", "secretsync-leader"]["spec"]["leaseTransitions"] == 2


def test_a_follower_that_is_asked_has_the_leader_make_one_pass(three: Candidates) -> None:
    three.all[2].request_pass()
    three.pass_by(3 * RETRY, 0, 1, 2)
    assert three.wakes == [2, 0, 0]


def test_a_leader_that_is_asked_makes_the_pass_itself(three: Candidates) -> None:
    three.all[0].request_pass()
    assert three.wakes == [2, 0, 0]


def test_what_a_follower_was_asked_under_a_dead_leader_is_done_by_the_next(three: Candidates) -> None:
    three.all[2].request_pass()
    three.pass_by(SECONDS + RETRY, 1, 2)
    assert three.wakes == [1, 1, 0]


def test_a_question_does_not_make_a_dead_leader_live_longer(three: Candidates) -> None:
    for _ in range(6):
        three.all[2].request_pass()
        three.pass_by(RETRY, 1, 2)
    assert three.leaders == [1]


def test_a_question_that_meets_a_renewal_is_asked_again(three: Candidates) -> None:
    conflicts = iter([True, True, False])

    def renewed(verb: str, name: str) -> None:
        if verb == "store" and next(conflicts, False):
            raise Conflict(Ref("Lease", "ops", name), "was written by someone else")

    three.clusters[2].before = renewed
    three.all[2].request_pass()
    three.pass_by(RETRY, 0)
    assert three.wakes == [2, 0, 0]


def test_a_follower_is_well_while_it_can_read_the_lease(three: Candidates) -> None:
    assert [one.follows for one in three.all] == [None, True, True]
    three.cut_off(2)
    three.pass_by(SECONDS, 0, 1, 2)
    assert [one.follows for one in three.all] == [None, True, False]


def test_who_never_read_the_lease_follows_nobody() -> None:
    assert Candidates(1).all[0].follows is False


def test_the_lease_is_released_when_the_campaign_ends() -> None:
    candidates = Candidates(1)
    with candidates.all[0].campaigning():
        while not candidates.leaders:
            time.sleep(0.01)
    assert candidates.clusters[0].objects["Lease", "secretsync-leader"]["spec"]["holderIdentity"] == ""


@pytest.mark.parametrize("seconds", [10**18, 10**400, -1, 1.5, "15", None, [], float("nan"), True])
@pytest.mark.parametrize("renewed", ["2099-01-01T00:00:00.000000Z", "", None, 7, "x" * 5000])
def test_a_lease_that_somebody_wrote_by_hand_holds_no_longer_than_any_other(seconds: object, renewed: object) -> None:
    candidates = Candidates(1)
    lease = leases.free("ops", "secretsync-leader")
    lease["spec"] = {"holderIdentity": "by hand", "leaseDurationSeconds": seconds, "renewTime": renewed}
    candidates.clusters[0].objects["Lease", "secretsync-leader"] = lease
    candidates.pass_by(RETRY, 0)
    candidates.pass_by(leases.LONGEST + 2 * RETRY, 0)
    assert candidates.leaders == [0]
