"""The first revision of a package was rejected: nothing of ours is live, and a Secret made by hand stays as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from secretsync.core.model import Secret
from secretsync.reconcile.desired import RejectedBeforeFirst
from secretsync.reconcile.state_store import load_state
from tests.reconcile.test_reconciler import Site, files

BY_HAND = Secret("rucio", "atlas", {"init.py": b"by hand"}, metadata={"resourceVersion": "1"})


@pytest.fixture
def site() -> Site:
    """A proof refused what the source holds, before anything was written."""
    site = Site("server")
    revision = site.source.resolve()
    digest = site.source.fetch(revision).digest
    store = load_state(site.destination)
    store.save(store.state.with_package("atlas", store.state.of("atlas").rejected("it fails", digest, revision.id)))
    return site


@pytest.mark.parametrize("adopt", [False, True])
@pytest.mark.parametrize("live", [{}, {"atlas": BY_HAND}], ids=["nothing", "by-hand"])
def test_it_is_named_as_never_deployed_with_the_reason(site: Site, live: dict[str, Secret], *, adopt: bool) -> None:
    site.cluster.secrets |= live
    site.destination = replace(site.destination, adopt=adopt)
    report = site.sync()
    (degraded,) = report.plan.degraded
    assert isinstance(degraded.error, RejectedBeforeFirst)
    assert "was never deployed: commit" in str(degraded.error)
    assert "was rejected: it fails. Other content" in str(degraded.error)
    assert {name: site.cluster.secrets[name] for name in live} == live


def test_other_content_is_taken_over_the_one_by_hand(site: Site) -> None:
    site.cluster.secrets["atlas"] = BY_HAND
    site.destination = replace(site.destination, adopt=True)
    site.source.push(init="better")
    assert site.sync().done
    assert files(site) == {"init.py": b"better"}
