"""What a pass leaves in the cluster: its result where it differs from the last one, and Events."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from secretsync.cluster.errors import Call, Forbidden, Unreachable
from secretsync.config.target import Rollout
from secretsync.core.errors import SecretSyncError
from secretsync.operations import releases
from secretsync.plan.state import Result, from_secret
from secretsync.reconcile.all_targets import Outcome, reconcile_targets
from secretsync.reconcile.events import EVENTS
from secretsync.reconcile.recording import record_outcome
from secretsync.sources.git.errors import AccessRefused
from tests.reconcile.test_reconciler import Broken, Site

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def site() -> Site:
    return Site("server", "judge")


@pytest.fixture
def broken() -> Site:
    """A site that ran well, and whose source then brings a package that crashes its pods."""
    site = Site("server", "judge")
    site.cluster.__class__ = Broken
    passed(site)
    site.source.push(init="import nothing")
    site.cluster.words = "ModuleNotFoundError: No module named 'nothing'"
    return site


def passed(site: Site, at: datetime = NOON) -> list[str]:
    """One pass; the reasons of its Events, each with its object."""
    site.cluster.events.clear()
    list(
        reconcile_targets(
            [site.destination], lambda _: site.sync(), lambda outcome: record_outcome(outcome, utc=lambda: at)
        )
    )
    return [f"{event['reason']} {event['regarding']['name']}" for event in site.cluster.events]


def result(site: Site) -> Result:
    return from_secret(site.cluster.secrets["secretsync-state"]).results["atlas"]


def test_a_first_pass_tells_what_was_applied_and_who_runs_it(site: Site) -> None:
    assert passed(site) == ["Applied atlas", "RolledOut atlas"]
    assert result(site).verdict.startswith("current sha256:")
    assert result(site).since == int(NOON.timestamp())


def test_a_pass_with_nothing_to_do_writes_nothing_and_tells_nothing(site: Site) -> None:
    passed(site)
    site.cluster.calls.clear()
    assert passed(site) == []
    assert site.cluster.calls == [("get", "secretsync-state"), ("get", "atlas"), ("list", "workloads")]


def test_a_result_keeps_the_time_at_which_it_was_first_reached(site: Site) -> None:
    passed(site)
    site.cluster.edit("atlas", **{"init.py": b"edited"})
    passed(site, at=NOON.replace(hour=18))
    assert result(site).since == int(NOON.timestamp())


def away(site: Site) -> None:
    def refuse() -> None:
        raise AccessRefused("https://git.example.org/policy", "HTTP 403")

    site.source.resolve = refuse  # type: ignore[assignment]


def test_a_source_that_is_away_is_told_once_and_that_it_is_back(site: Site) -> None:
    passed(site)
    there = site.source.resolve
    away(site)
    assert passed(site) == ["SourceUnavailable atlas"]
    assert "git.example.org" in site.cluster.events[0]["note"]
    assert passed(site) == []
    site.source.resolve = there  # type: ignore[method-assign]
    assert passed(site) == ["Recovered atlas"]
    assert passed(site) == []


def test_why_runs_fail_is_remembered_and_is_that_of_the_last_run(site: Site) -> None:
    passed(site)
    away(site)
    passed(site)
    assert "HTTP 403" in result(site).reason

    def refuse() -> None:
        raise AccessRefused("https://git.example.org/policy", "HTTP 401")

    site.source.resolve = refuse  # type: ignore[assignment]
    assert passed(site, at=NOON.replace(hour=18)) == []
    assert "HTTP 401" in result(site).reason
    assert result(site).since == int(NOON.timestamp())
    site.cluster.calls.clear()
    passed(site, at=NOON.replace(hour=19))
    assert {call[0] for call in site.cluster.calls} == {"get", "list"}


def test_a_bad_package_is_rejected_what_was_live_is_restored_and_that_is_told_once(broken: Site) -> None:
    told = passed(broken)
    assert told[:2] == ["Restored atlas", "Rejected atlas"]
    assert "RolloutFailed server" in told
    assert all("nothing" not in event["note"] for event in broken.cluster.events)
    rejected = broken.cluster.events[1]["note"]
    assert rejected.startswith("sha256:")
    assert "is not deployed again: 'secretsync status'" in rejected
    assert passed(broken) == []


def test_a_rollout_that_failed_and_was_not_put_back_is_told_without_a_containers_words(broken: Site) -> None:
    broken.destination = replace(broken.destination, rollout=Rollout(timeout=60, on_failure="stop"))
    assert passed(broken)[0] == "Failed atlas"
    assert "what was live before is not back" in broken.cluster.events[0]["note"]
    assert "No module named 'nothing'" in result(broken).reason
    assert all("nothing'" not in event["note"] for event in broken.cluster.events)


def test_an_edit_by_hand_that_is_put_right_is_told(site: Site) -> None:
    passed(site)
    site.cluster.edit("atlas", **{"init.py": b"edited"})
    told = passed(site)
    assert told[0] == "Drift atlas"
    assert "1 file changed by somebody else; restored" in site.cluster.events[0]["note"]
    assert "Applied atlas" not in told


def test_an_edit_by_hand_that_is_left_is_told_once(site: Site) -> None:
    site.destination = replace(site.destination, drift="report")
    passed(site)
    site.cluster.edit("atlas", **{"init.py": b"edited"})
    assert passed(site) == ["Drift atlas"]
    assert passed(site) == []


def test_a_hold_and_its_end_are_told(site: Site) -> None:
    passed(site)
    (delivery,) = site.destination.deliveries
    releases.suspend(site.destination, delivery, "the review goes on")
    assert passed(site) == ["Held atlas"]
    assert "the review goes on" in site.cluster.events[0]["note"]
    releases.resume(site.destination, delivery)
    assert passed(site) == ["Released atlas"]


def test_changes_that_wait_are_told_once(site: Site) -> None:
    passed(site)
    site.source.push(init="2")
    site.destination = replace(site.destination, rollout=Rollout(window="Sat 03:00-04:00 UTC"))
    assert passed(site) == ["Waiting atlas"]
    assert "the maintenance window is closed" in site.cluster.events[0]["note"]
    assert passed(site) == []


def test_where_nothing_was_ever_deployed_nothing_is_recorded(site: Site) -> None:
    away(site)
    assert passed(site) == []
    assert site.cluster.secrets == {}


def fails_with(error: SecretSyncError, site: Site) -> Callable[[str, str], None]:
    def fail(verb: str, name: str) -> None:
        if (verb, name) == ("list", "workloads"):
            raise error

    return fail


def test_a_failure_is_told_once_and_again_when_it_is_another(site: Site) -> None:
    passed(site)
    refused = Forbidden(Call("list", "deployments.apps", "rucio"), 403, "RBAC")
    site.cluster.before = fails_with(refused, site)
    assert passed(site) == ["Failed atlas"]
    assert passed(site) == []
    site.cluster.before = lambda verb, name: None
    assert passed(site) == ["Recovered atlas"]


def test_an_api_that_does_not_answer_is_not_asked_to_remember_that(site: Site) -> None:
    passed(site)
    site.cluster.before = fails_with(Unreachable(Call("list", "deployments.apps", "rucio"), "host", "no route"), site)
    site.cluster.calls.clear()
    passed(site)
    assert [call for call in site.cluster.calls if call[0] == "store"] == []


def test_events_that_may_not_be_written_decide_nothing(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(verb: str, name: str) -> None:
        if verb == "tell":
            raise Forbidden(Call("create", "events.events.k8s.io", "rucio"), 403, "RBAC")

    site.cluster.before = refuse
    (outcome,) = reconcile_targets([site.destination], lambda _: site.sync(), record_outcome)
    assert outcome.exit_code == 0
    assert "events.events.k8s.io" in capsys.readouterr().out


def test_an_event_says_no_more_than_the_api_takes_and_no_credential(site: Site) -> None:
    passed(site)

    def refuse() -> None:
        raise AccessRefused("https://user:canary@git.example.org/policy", "é" * 2000)

    site.source.resolve = refuse  # type: ignore[assignment]
    passed(site)
    (event,) = site.cluster.events
    assert len(event["note"].encode()) <= 1024
    assert "canary" not in json.dumps(event)


def test_every_event_is_of_a_kind_that_is_documented(site: Site) -> None:
    assert passed(site)
    for event in site.cluster.events:
        assert (event["type"], event["action"]) == (EVENTS[event["reason"]].type, EVENTS[event["reason"]].action)
        assert event["reportingController"] == "secretsync"


def test_another_run_at_work_tells_its_own_result(site: Site) -> None:
    passed(site)
    site.source.push(init="2")

    def busy(outcome: Outcome) -> None:
        site.cluster.objects["Lease", "secretsync"]["spec"] |= {
            "holderIdentity": "another/1",
            "renewTime": site.cluster.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        record_outcome(outcome)

    site.cluster.events.clear()
    list(reconcile_targets([site.destination], lambda _: site.sync(), busy))
    assert site.cluster.events == []
