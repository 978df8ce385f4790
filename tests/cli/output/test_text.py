"""The report as text: its words fit what was done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from secretsync.cli.output import text
from secretsync.cli.output.describe import describe
from secretsync.cli.output.style import Style
from secretsync.reconcile.all_targets import Outcome
from tests.reconcile.test_reconciler import Site


def test_an_apply_that_waits_says_what_it_would_create() -> None:
    site = Site("server")
    waiting = replace(site.preview(), waits="the window is closed", notes=())
    report = describe([Outcome(site.destination, waiting)], "apply", now=datetime(2026, 1, 3, tzinfo=UTC))
    printed = text.render(report, Style(80))
    assert "    create    Secret atlas" in printed
    assert "created" not in printed


def test_workloads_of_which_none_was_healthy_before_are_counted_all_the_same() -> None:
    site = Site("server")
    report = site.sync()
    ignored = replace(report, verdicts={}, ignored=report.verdicts)
    printed = text.render(describe([Outcome(site.destination, ignored)], "apply"), Style(80))
    assert printed.splitlines()[-1] == "  applied: 1 Secret, 1/1 workload current"
