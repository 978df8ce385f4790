"""The page of the long-running form."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from secretsync.cli.output.live import LiveTarget, describe_live
from secretsync.cli.page import Page
from secretsync.config.target import Rollout
from secretsync.core.errors import ConfigError
from secretsync.reconcile.all_targets import Outcome
from secretsync.service import health_port
from secretsync.service.http_server import Request
from secretsync.service.probes import Health
from secretsync.service.registry import Registry
from tests.reconcile.test_reconciler import Broken, Site

UTC_NOW = datetime(2026, 1, 3, 9, 30, tzinfo=UTC)


def passed(content: str = "1") -> tuple[Site, Page]:
    site, page = Site("server"), Page()
    site.source.push(init=content)
    page.add(Outcome(site.destination, site.sync()))
    return site, page


def test_it_shows_the_last_pass_of_each_target_without_contents() -> None:
    site, page = passed("s3cr3t-in-the-policy")
    shown = page.html([site.destination.name])
    assert "applied: 1 Secret, 1/1 workload current" in shown
    assert site.source.commit.id in shown
    assert "s3cr3t" not in shown


def test_a_target_that_is_no_longer_in_the_configuration_is_not_shown() -> None:
    _, page = passed()
    assert "No pass has ended yet." in page.html(["another"])


def test_the_port_shows_it_only_where_it_is_wanted() -> None:
    request = Request("GET", "/", {}, b"", "127.0.0.1")
    health, registry = Health(lambda: 60), Registry()
    assert health_port.respond(request, health, registry).status == HTTPStatus.NOT_FOUND
    answer = health_port.respond(request, health, registry, lambda: Page().html([]))
    assert (answer.status, answer.content_type) == (HTTPStatus.OK, "text/html; charset=utf-8")
    posted = Request("POST", "/", {}, b"", "127.0.0.1")
    assert health_port.respond(posted, health, registry, lambda: "").status == HTTPStatus.METHOD_NOT_ALLOWED


def after(site: Site, earlier: LiveTarget | None = None, minutes: int = 0) -> LiveTarget:
    """The target after one more pass."""
    return describe_live(Outcome(site.destination, site.sync()), UTC_NOW + timedelta(minutes=minutes), earlier)


def test_what_is_live_stands_there_with_its_time_and_who_runs_it() -> None:
    site = Site("server", "judge")
    target = after(site)
    (package,) = target.packages
    assert (package.commit, package.since) == (site.source.commit.id, UTC_NOW)
    assert (package.running, package.workloads) == (2, 2)
    assert target.not_running == ()


def test_passes_that_say_the_same_are_one_row() -> None:
    site, target = Site("server"), None
    for minutes in range(5):
        target = after(site, target, minutes)
    assert target
    assert [(one.outcome, one.number) for one in target.passes] == [("up-to-date", 4), ("applied", 1)]
    assert target.passes[0].last - target.passes[0].first == timedelta(minutes=3)
    assert target.last_change
    assert target.last_change.outcome == "applied"


def test_a_workload_that_fails_is_named_with_its_reason() -> None:
    site = Site("server")
    site.sync()
    site.destination = replace(site.destination, rollout=Rollout(timeout=60, on_failure="stop"))
    site.cluster.__class__ = Broken
    site.source.push(init="import nothing")
    target = after(site)
    (one,) = target.not_running
    assert one.workload == "Deployment server"
    assert "CrashLoopBackOff" in one.why
    assert target.packages[0].running == 0


def test_after_an_undo_what_was_put_back_is_live() -> None:
    site = Site("server")
    site.sync()
    before = site.source.commit.id
    site.cluster.__class__ = Broken
    site.source.push(init="import nothing")
    target = after(site)
    assert target.packages[0].commit == before
    assert target.not_running == ()


def test_a_pass_that_read_nothing_leaves_what_was_known() -> None:
    site = Site("server")
    known = after(site)
    error = ConfigError("no cluster")
    target = describe_live(Outcome(site.destination, error=error), UTC_NOW, known)
    assert target.packages == known.packages
    assert target.summary == "FAILED (configuration): no cluster"
    assert target.last_change == known.last_change
    first = describe_live(Outcome(site.destination, error=error), UTC_NOW)
    assert (first.packages, first.read) == ((), None)
