"""One pass by --once: who is told, what is pushed, and the last thing that it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import responses

from secretsync import config
from secretsync.cli import apply
from secretsync.cli.output.describe import describe_target
from secretsync.cli.output.text import render_table
from secretsync.core.errors import worst
from secretsync.reconcile import factory
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Destination
from secretsync.service.notify.http import RETRIES
from secretsync.sources.git.errors import AccessRefused
from tests.reconcile.test_reconciler import Site

HOOK = "https://chat.example.org/rucio"
PUSH = "https://push.example.org"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    monkeypatch.setattr(RETRIES, "backoff_factor", 0)
    with responses.RequestsMock() as web:
        yield web


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    """What every target of the configuration turns out to be."""
    site = Site("server")

    def destinations(configuration: config.Config, base: Path) -> list[Destination]:
        return [replace(site.destination, name=target.name or "memory") for target in configuration.targets]

    monkeypatch.setattr(factory, "destinations", destinations)
    return site


def told(*names: str, **keys: Any) -> config.Config:
    targets = [{"cluster": {"context": "memory"}, "namespace": "rucio", "name": name} for name in names]
    packages = [{"moduleName": "atlas", "requirement": "./atlas"}]
    return config.parse({"packages": packages, "targets": targets, **keys}, Path("secretsync.yaml"))


def ignore(outcome: Outcome) -> None:
    """Nobody reads the reports here."""


def test_people_are_told_once(site: Site, web: responses.RequestsMock, tmp_path: Path) -> None:
    sent = web.post(HOOK)
    configuration = told("production", notify=[{"webhook": {"url": HOOK}}])
    for _ in range(3):
        apply.sync_all(configuration, tmp_path, ignore)
    (call,) = sent.calls
    news = json.loads(call.request.body)
    assert (news["reason"], news["target"], news["object"]) == ("Applied", "production", "rucio/atlas")


def test_a_preview_tells_and_pushes_nothing(site: Site, tmp_path: Path) -> None:
    configuration = told("production", notify=[{"webhook": {"url": HOOK}}], pushgateway={"url": PUSH})
    with responses.RequestsMock():  # which refuses every call
        (outcome,) = apply.preview_all(configuration, tmp_path, ignore)
    assert outcome.exit_code == 3


def test_nobody_who_cannot_be_told_decides_a_run(site: Site, web: responses.RequestsMock, tmp_path: Path) -> None:
    web.post(HOOK, status=500)
    web.post(f"{PUSH}/metrics/job/secretsync/installation/secretsync", status=500)
    configuration = told("production", notify=[{"webhook": {"url": HOOK}}], pushgateway={"url": PUSH})
    (outcome,) = apply.sync_all(configuration, tmp_path, ignore)
    assert outcome.exit_code == 0


def test_metrics_are_pushed_that_say_what_it_came_to(site: Site, web: responses.RequestsMock, tmp_path: Path) -> None:
    sent = web.post(f"{PUSH}/metrics/job/secretsync/installation/secretsync")
    apply.sync_all(told("production", pushgateway={"url": PUSH}), tmp_path, ignore)
    pushed = sent.calls[0].request.body.decode()
    assert 'secretsync_in_sync{package="atlas_rucio_policy",target="production"} 1.0' in pushed
    assert 'secretsync_stage_duration_seconds_count{package="",stage="write",target="production"} 1.0' in pushed


def test_a_failure_leaves_the_time_of_the_last_success_as_it_was_pushed(
    site: Site, web: responses.RequestsMock, tmp_path: Path
) -> None:
    """A POST replaces only the metrics that it names."""

    def refuse() -> None:
        raise RuntimeError("a bug")

    site.source.resolve = refuse  # type: ignore[assignment]
    sent = web.post(f"{PUSH}/metrics/job/secretsync/installation/secretsync")
    apply.sync_all(told("production", pushgateway={"url": PUSH}), tmp_path, ignore)
    pushed = sent.calls[0].request.body.decode()
    assert 'secretsync_failures_total{reason="bug",target="production"} 1.0' in pushed
    assert "secretsync_last_success_timestamp_seconds{" not in pushed


def test_the_last_thing_that_a_run_over_several_targets_says_is_a_line_for_each(site: Site, tmp_path: Path) -> None:
    came = apply.sync_all(told("testbed", "production"), tmp_path, ignore)
    failed = Outcome(replace(site.destination, name="x" * 50), error=AccessRefused("https://host/" + "y" * 80, "403"))
    shown = render_table([describe_target(outcome, dry_run=False) for outcome in [*came, failed]])
    assert shown.splitlines()[0] == "3 targets: 1 applied, 1 up to date, 1 failed"
    assert " ".join(shown.splitlines()[1].split()) == "testbed applied: 1 Secret, 1/1 workload current"
    assert shown.splitlines()[2].split()[:4] == ["production", "up", "to", "date:"]
    assert "FAILED (source):" in shown.splitlines()[3]
    assert max(map(len, shown.splitlines())) <= 80
    assert worst(outcome.exit_code for outcome in [*came, failed]) == 1
