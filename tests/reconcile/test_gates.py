"""A testbed before production: new content goes out when another target has been current with it for long enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from secretsync.cli.output.describe import describe
from secretsync.cli.output.status import StatusReport, describe_status
from secretsync.cli.output.status_text import status_text
from secretsync.cluster.errors import Call, Forbidden
from secretsync.operations import releases
from secretsync.operations.status import status
from secretsync.reconcile.all_targets import Outcome, reconcile_targets
from secretsync.reconcile.destination import After, Clock, Destination, Report
from secretsync.reconcile.reconciler import preview, sync
from secretsync.reconcile.recording import record_outcome
from tests.reconcile.test_reconciler import Site

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Sites:
    """A testbed and production, which get the same package."""

    def __init__(self, seconds: float) -> None:
        self.testbed, self.production = Site("server"), Site("server", "judge")
        self.production.source = self.testbed.source
        self.seconds, self.now = seconds, NOON

    @property
    def clock(self) -> Clock:
        """The time that it is."""
        return Clock(lambda: 0, lambda _: None, lambda: self.now)

    @property
    def destinations(self) -> tuple[Destination, Destination]:
        """The testbed, and production after it."""
        (delivery,) = self.production.destination.deliveries
        testbed = replace(self.testbed.destination, name="testbed")
        production = replace(
            self.production.destination,
            name="production",
            deliveries=[replace(delivery, source=self.testbed.source)],
            after=After(testbed, self.seconds),
        )
        return testbed, production

    def passed(self) -> Report:
        """Both make a pass; the report of production."""
        told = reconcile_targets(
            self.destinations,
            lambda one: sync(one, self.clock),
            lambda outcome: record_outcome(outcome, utc=lambda: self.now),
        )
        (report,) = (one.report for one in told if one.destination.name == "production")
        assert report
        return report

    def status(self) -> str:
        """What ``secretsync status --target production`` prints."""
        (_, production) = self.destinations
        target = describe_status("production", status(production, self.clock))
        return " ".join(status_text(StatusReport(time=self.now, targets=(target,))).split())

    @property
    def live(self) -> bytes:
        """What production has."""
        return self.production.cluster.secrets["atlas"].data["init.py"]


@pytest.fixture
def sites() -> Sites:
    return Sites(seconds=3600)


def test_without_a_duration_it_goes_out_in_the_same_pass_as_soon_as_the_other_is_current() -> None:
    sites = Sites(seconds=0)
    assert not sites.passed().waits
    assert sites.live == b"1"


def test_new_content_waits_until_the_other_has_been_current_with_it_long_enough(sites: Sites) -> None:
    waits = sites.passed().waits
    assert waits == (
        "target testbed must be current with atlas_rucio_policy (commit 000000000000) for 1 h first: 1 h left"
    )
    assert sites.production.cluster.writes == []
    sites.now += timedelta(minutes=59)
    assert "1 min left" in sites.passed().waits
    sites.now += timedelta(minutes=1)
    assert not sites.passed().waits
    assert sites.live == b"1"


def test_a_newer_commit_begins_anew(sites: Sites) -> None:
    sites.passed()
    sites.now += timedelta(minutes=59)
    sites.testbed.source.push(init="2")
    sites.passed()
    sites.now += timedelta(minutes=59)
    assert sites.passed().waits
    sites.now += timedelta(minutes=1)
    assert not sites.passed().waits
    assert sites.live == b"2"


def ready(sites: Sites) -> Sites:
    """Both have the first content."""
    sites.passed()
    sites.now += timedelta(hours=1)
    assert not sites.passed().waits
    return sites


def test_what_the_other_rejects_never_arrives(sites: Sites) -> None:
    ready(sites)
    (delivery,) = sites.testbed.destination.deliveries
    releases.suspend(sites.testbed.destination, delivery, "under review")
    sites.testbed.source.push(init="2")
    sites.now += timedelta(days=30)
    assert "it is suspended (for " in sites.passed().waits
    assert sites.live == b"1"


def test_an_edit_by_hand_is_put_right_at_once(sites: Sites) -> None:
    ready(sites)
    sites.production.cluster.edit("atlas", **{"init.py": b"edited"})
    assert not sites.passed().waits
    assert sites.live == b"1"


def test_what_a_person_asks_for_waits_for_nobody(sites: Sites) -> None:
    ready(sites)
    sites.testbed.source.push(init="2")
    sites.passed()
    sites.now += timedelta(hours=1)
    sites.passed()
    assert sites.live == b"2"
    (delivery,) = sites.production.destination.deliveries
    releases.rollback(sites.production.destination, delivery, clock=Clock(lambda: 0, lambda _: None, lambda: sites.now))
    assert sites.live == b"1"


def test_a_workload_that_fell_ill_there_meanwhile_holds_the_content_back(sites: Sites) -> None:
    sites.passed()
    sites.now += timedelta(hours=1)
    (server,) = sites.testbed.cluster.live_workloads.values()
    status = {**server.manifest["status"], "availableReplicas": 0}
    sites.testbed.cluster.live_workloads[server.ref] = replace(server, manifest={**server.manifest, "status": status})
    assert "target testbed must be healthy first: Deployment rucio/server" in sites.passed().waits
    sites.testbed.cluster.live_workloads[server.ref] = server
    assert not sites.passed().waits


def test_a_target_that_cannot_be_asked_lets_nothing_out(sites: Sites) -> None:
    def refuse(verb: str, name: str) -> None:
        raise Forbidden(Call("get", "secrets", "rucio", name), 403, "RBAC")

    sites.testbed.cluster.before = refuse
    assert "target testbed cannot be asked whether it is current" in sites.passed().waits
    assert sites.production.cluster.writes == []


def test_status_says_what_new_content_waits_for_and_since_when(sites: Sites) -> None:
    ready(sites)
    sites.testbed.source.push(init="2")
    sites.passed()
    sites.now += timedelta(minutes=20)
    expected = "new content waits (for 20m): target testbed must be current with it for 1 h first: 40 min left"
    assert expected in sites.status()
    sites.now += timedelta(minutes=40)
    assert "new content waits (for 1h): nothing any more: the next run deploys it" in sites.status()
    sites.passed()
    assert "waits" not in sites.status()


def test_status_of_a_target_that_was_never_deployed_says_what_it_waits_for(sites: Sites) -> None:
    assert "the first deployment waits: target testbed must be current with atlas" in sites.status()
    sites.passed()
    sites.now += timedelta(hours=1)
    assert "run 'secretsync apply' to deploy it" in sites.status()


def test_a_plan_of_a_target_that_waits_ends_with_what_it_waits_for(sites: Sites) -> None:
    sites.passed()
    (_, production) = sites.destinations
    report = describe([Outcome(production, preview(production, sites.clock))], "plan", dry_run=True)
    (target,) = report.targets
    assert target.summary.startswith(
        "pending: 1 Secret, 2 restarts (nothing was written); an apply would wait: target "
    )
    assert report.exit_code == 3
