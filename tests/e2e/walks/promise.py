"""What every walk ends with, whatever was killed or spoilt on the way.

A walk visits a sample of a run's calls; with SECRETSYNC_TEST_EVERY_POINT=1 it visits all. Each walk prints how many
calls there were.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from tests.e2e.repository import PACKAGE
from tests.e2e.site import Site

STEP = 1 if os.environ.get("SECRETSYNC_TEST_EVERY_POINT") else 24
OURS = {"site-policy", "site-policy-algorithms", "secretsync-state"}


def version(number: int) -> dict[str, bytes]:
    """A change to both Secrets."""
    text = f"ALL = {number}\n".encode()
    return {**PACKAGE, "rules.py": text, "algorithms/rules.py": text}


def assert_converged(site: Site, files: Mapping[str, bytes], before: Mapping[str, int], when: str) -> None:
    """Secrets and pods have the new bytes, every workload was restarted once, and nothing is left behind."""
    assert site.live_files() == files, when
    assert site.every_pod_runs(files), when
    assert site.generations() == {name: generation + 1 for name, generation in before.items()}, when
    assert site.names("Job") == set(), when
    assert {name for name in site.names("Secret") if "-history-" not in name} == OURS, when
    state = site.plane.cluster.secret(site.namespace, "secretsync-state")
    assert state is not None
    assert json.loads(state.data["state.json"])["packages"]["site-policy"]["finished"], when


def assert_turn_ended(site: Site, when: str) -> None:
    """Nobody holds the Lease."""
    assert not site.plane.get("Lease", site.namespace, "secretsync")["spec"].get("holderIdentity"), when


def told(walk: str, points: int) -> None:
    """How many points a walk had, for who runs it with ``-s`` or sees it fail."""
    print(f"{walk}: {points} calls, every {STEP}. visited")
