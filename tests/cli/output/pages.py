"""Pages as people see them: every part of a report, many workloads, long names, and the page of the long-running form.

``PYTHONPATH=. python -m tests.cli.output.pages FOLDER`` writes them, to be opened in a browser.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from secretsync.cli.output import html
from secretsync.cli.output.describe import describe
from secretsync.cli.output.report import WorkloadStatus
from secretsync.cli.page import Page
from secretsync.config.target import Rollout
from secretsync.core.errors import ConfigError
from secretsync.reconcile.all_targets import Outcome
from tests.cli.output import sessions
from tests.cli.output.test_markdown import hostile


def _plan() -> str:
    site = sessions._deployed()
    outcome = Outcome(site.destination, site.preview())
    report = describe([outcome], "plan", dry_run=True, texts=True, actions=True, now=sessions.NOW)
    return html.render(replace(report, plan_id=f"sha256:{'5e' * 32}"))


def _live() -> str:
    """Some passes: a rollout, idle ones, one that was rolled back, and one without a source."""
    site, now = sessions._site(), [sessions.NOW]
    page = Page(lambda: now[0])

    def run(passes: int = 1) -> None:
        for _ in range(passes):
            page.add(Outcome(site.destination, site.sync()))
            now[0] += timedelta(minutes=15)

    run(40)
    sessions._push(site, "bob", "77d0c1b2a3f4", "Bob decides on rules")
    run(3)
    sessions._push(site, "nothing", "5e5e5e5e5e5e", "Nobody decides on rules")
    site.cluster.__class__ = sessions.Broken
    site.cluster.words = "ModuleNotFoundError: No module named 'nothing'"
    run(3)
    page.add(Outcome(site.destination, error=ConfigError("the cluster 'production' cannot be reached: no route")))
    return page.html([site.destination.name])


def _waves() -> str:
    """A rollout of three waves, the last of which fails, and its rollback."""
    report = sessions._rolled_back()
    (target,) = report.targets
    assert target.undo
    wave = len(target.rollout) // 3 + 1
    went = tuple(_timed(one, number, number // wave) for number, one in enumerate(target.rollout))
    back = tuple(_timed(one, number, 3) for number, one in enumerate(target.undo.rollout))
    undo = replace(target.undo, rollout=back)
    return html.render(replace(report, targets=(replace(target, rollout=went, undo=undo),)))


def _timed(status: WorkloadStatus, number: int, wave: int) -> WorkloadStatus:
    times = {"began": 60.0 * wave, "ended": 60.0 * wave + 10 + 4 * (number % 7), "wave": wave + 1}
    well = {"state": "current", "message": "1 of 1 replicas updated"} if wave < 2 else {}
    return replace(status, **times, **well)


def _live_failing() -> str:
    """A package that fails and is left so: nobody runs it."""
    site, page = sessions._site(), Page(lambda: sessions.NOW)
    site.sync()
    site.destination = replace(site.destination, rollout=Rollout(timeout=60, on_failure="stop"))
    sessions._push(site, "nothing", "5e5e5e5e5e5e", "Nobody decides on rules")
    site.cluster.__class__ = sessions.Broken
    site.cluster.words = "ModuleNotFoundError: No module named 'nothing'"
    page.add(Outcome(site.destination, site.sync()))
    return page.html([site.destination.name])


PAGES: Mapping[str, Callable[[], str]] = {
    "plan": _plan,
    "apply": lambda: html.render(sessions._apply()),
    "rolled-back": lambda: html.render(sessions._rolled_back()),
    "waves": _waves,
    "refused": lambda: html.render(sessions._refused()),
    "hostile": lambda: html.render(hostile()),
    "live": _live,
    "live-failing": _live_failing,
    "empty": lambda: Page().html([]),
}

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, render in PAGES.items():
        (folder / f"{name}.html").write_text(render())
