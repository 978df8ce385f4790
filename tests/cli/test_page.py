"""The page of the long-running form."""

from __future__ import annotations

from http import HTTPStatus

from secretsync.cli.page import Page
from secretsync.reconcile.all_targets import Outcome
from secretsync.service import health_port
from secretsync.service.http_server import Request
from secretsync.service.probes import Health
from secretsync.service.registry import Registry
from tests.reconcile.test_reconciler import Site


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
