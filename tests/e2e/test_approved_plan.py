"""A plan that a person approved, on a real API: one that was made before somebody else wrote, and one made after it."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from tests.e2e.repository import PACKAGE, Repository
from tests.e2e.site import Run, Site, ended, until

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

CHANGED = {**PACKAGE, "rules.py": b"ALL = False\n"}


def plan(site: Site, path: Path) -> str:
    """The id of the plan that is written to *path*."""
    made = ended(site.start("plan", "--out", str(path)))
    assert made.code == 3, made
    (found,) = re.findall(r"sha256:[0-9a-f]{64}$", made.out, re.MULTILINE)
    return str(found)


def applied(site: Site, path: Path) -> Run:
    return ended(site.start("apply", "--plan", str(path)))


def test_a_plan_made_before_a_foreign_write_is_refused_and_one_made_after_it_is_done(
    small: tuple[Site, Repository], tmp_path: Path
) -> None:
    site, repository = small
    assert site.run().code == 0
    repository.push(CHANGED)
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    plan(site, before)
    assert plan(site, tmp_path / "again.json") == plan(site, before)

    live = site.plane.get("Secret", site.namespace, site.secret)
    live["data"]["rules.py"] = base64.b64encode(b"ALL = None\n").decode()
    site.plane.put(live)
    generations, version = site.generations(), _version(site)
    refused = applied(site, before)
    assert refused.code == 3, refused
    assert "live_resource_version" in refused.log
    assert "nothing was written" in refused.log
    assert (site.generations(), _version(site)) == (generations, version)

    approved = plan(site, after)
    assert json.loads(after.read_text())["targets"]
    done = ended(site.start("apply", "--plan-id", approved))
    assert done.code == 0, done
    until(lambda: bool(site.pods()) and site.every_pod_runs(CHANGED), "the pods run what was approved")


def _version(site: Site) -> str:
    return str(site.plane.get("Secret", site.namespace, site.secret)["metadata"]["resourceVersion"])
