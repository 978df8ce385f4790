"""Sites that are wired by us."""

from __future__ import annotations

import pytest

from tests.reconcile.wired.site import WiredSite, crash_or_come_up


@pytest.fixture
def site() -> WiredSite:
    return WiredSite("server", "judge")


@pytest.fixture
def bad(site: WiredSite) -> WiredSite:
    """A site that ran well, and whose source then brings what crashes the judge."""
    site.sync()
    (site.good,) = site.mounted()
    site.remember_revision()
    site.source.push(init="bad")
    site.cluster.before = lambda verb, name: crash_or_come_up(site)
    return site
