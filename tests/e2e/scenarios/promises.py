"""Packages that scenarios are made of, and what each ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.e2e.repository import PACKAGE
from tests.e2e.site import Run, Site, until

GOOD = {**PACKAGE, "rules.py": b"ALL = False\n"}


def deployed(site: Site) -> Site:
    first = site.run()
    assert first.code == 0, first
    until(lambda: site.every_pod_runs(PACKAGE), "every pod runs the package")
    return site


def with_timeout(site: Site, seconds: float, **more: Any) -> Site:
    return replace(site, rollout={**site.rollout, "timeout": seconds, **more})


def only_in(role: str, statement: str) -> dict[str, bytes]:
    """A package that does *statement* in one workload alone."""
    text = f"import os, time\nif os.environ['SITE_ROLE'] == '{role}':\n    {statement}\nALL = 'again'\n"
    return {**PACKAGE, "rules.py": text.encode()}


def assert_undone(site: Site, run: Run) -> None:
    """The very bytes are back, every pod runs them, and the next run leaves the rejected digest alone."""
    assert run.code == 4, run
    assert "rolled back" in " ".join(run.out.split()), run
    assert site.live_files() == PACKAGE
    until(lambda: site.every_pod_runs(PACKAGE), "every pod runs what was live before")
    assert_held(site)


def assert_held(site: Site) -> None:
    mark = site.plane.audit_mark()
    held = site.run()
    assert held.code == 0, held
    assert "rejected: " in held.out
    assert "was rejected" in " ".join(held.out.split())
    assert not [call for call in site.plane.calls_since(mark, site.namespace) if call.writes]


def restarts_since(site: Site, before: Mapping[str, int]) -> dict[str, int]:
    return {name: generation - before[name] for name, generation in site.generations().items()}


def is_down(site: Site, workload: Mapping[str, Any]) -> bool:
    live = site.plane.get(workload["kind"], site.namespace, workload["metadata"]["name"])
    return not live["status"].get("availableReplicas")


def imported_by(site: Site, name: str) -> list[dict[str, str]]:
    return [found for pod, found in site.imported().items() if pod.startswith(name)]
