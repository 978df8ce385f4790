"""What is wrong with one package of a target ends that package alone: the others are deployed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from secretsync.config.check import Check
from secretsync.core.model import Bundle, File, Revision
from secretsync.operations import releases
from secretsync.plan.history import KeptBundleChanged
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Clock, Delivery
from secretsync.reconcile.observe import HeldAndEdited, KeptBundleGone, NothingToHold
from secretsync.reconcile.reasons import reason
from secretsync.reconcile.results import verdicts_of
from tests.build import PLACEMENT, workload
from tests.reconcile.test_reconciler import MemorySource, Site, files

OTHER = replace(PLACEMENT, secret="cms", module="cms_rucio_policy")


class OtherSource(MemorySource):
    """Where a second package comes from."""

    def fetch(self, revision: Revision) -> Bundle:
        return replace(super().fetch(revision), module=OTHER.module)


@pytest.fixture
def other() -> OtherSource:
    return OtherSource(init="1")


@pytest.fixture
def site(other: OtherSource) -> Site:
    """Two packages, each with a workload of its own; the first has a history, and the second has news."""
    site = Site("server")
    reader = workload("cms", name="cms-server", probe=True)
    site.cluster.live_workloads[reader.ref] = reader
    delivery = Delivery(OTHER, other, "recipe", Check(fail="never"))
    site.destination = replace(site.destination, deliveries=[*site.destination.deliveries, delivery])
    site.sync()
    site.source.push(init="2")
    site.sync()
    other.push(init="news")
    return site


def suspend(site: Site) -> None:
    releases.suspend(site.destination, site.destination.deliveries[0], "under review")


def edited_while_suspended(site: Site) -> None:
    suspend(site)
    site.cluster.edit("atlas", **{"init.py": b"edited"})


def deleted_while_suspended(site: Site) -> None:
    suspend(site)
    del site.cluster.secrets["atlas"]


def rolled_back(site: Site) -> None:
    releases.rollback(site.destination, site.destination.deliveries[0], clock=Clock(sleep=lambda _: None))
    site.cluster.edit("atlas", **{"init.py": b"edited"})


def rolled_back_to_what_is_gone(site: Site) -> None:
    rolled_back(site)
    state = json.loads(site.cluster.secrets["secretsync-state"].data["state.json"])
    del site.cluster.secrets[state["packages"]["atlas"]["hold"]["kept"]]


def rolled_back_to_what_was_changed(site: Site) -> None:
    rolled_back(site)
    state = json.loads(site.cluster.secrets["secretsync-state"].data["state.json"])
    site.cluster.edit(state["packages"]["atlas"]["hold"]["kept"], **{"more.py": b"x"})


@pytest.mark.parametrize(
    ("happens", "error"),
    [
        (edited_while_suspended, HeldAndEdited),
        (deleted_while_suspended, NothingToHold),
        (rolled_back_to_what_is_gone, KeptBundleGone),
        (rolled_back_to_what_was_changed, KeptBundleChanged),
    ],
)
def test_a_package_that_cannot_be_kept_as_it_is_leaves_the_others_to_be_deployed(
    site: Site, happens: Callable[[Site], None], error: type[Exception]
) -> None:
    happens(site)
    report = site.sync()
    (degraded,) = report.plan.degraded
    assert isinstance(degraded.error, error)
    assert (degraded.placement, report.done) == (PLACEMENT, True)
    assert str(verdicts_of(Outcome(site.destination, report))["atlas"]) == "failing refused"
    assert reason(Outcome(site.destination, report)) == "refused"
    assert files(site, "cms") == {"init.py": b"news"}


def test_a_package_that_no_secret_can_hold_leaves_the_others_to_be_deployed(site: Site) -> None:
    site.source.files = (File("a b.py", b""),)
    site.source.commit = Revision("memory", "main", f"commit:{'b' * 40}")
    (degraded,) = site.sync().plan.degraded
    assert "'a b.py' has a name that no key of a Secret can have" in str(degraded)
    assert (files(site), files(site, "cms")) == ({"init.py": b"2"}, {"init.py": b"news"})


def test_a_workload_that_mounts_both_waits_for_the_package_that_cannot_be_deployed(site: Site) -> None:
    both = workload("atlas", "cms", name="both", probe=True)
    site.cluster.live_workloads[both.ref] = both
    edited_while_suspended(site)
    report = site.sync()
    assert [one.placement for one in report.plan.degraded] == [PLACEMENT, OTHER]
    assert "mounts atlas_rucio_policy as well, which cannot be deployed just now" in str(report.plan.degraded[1])
    assert files(site, "cms") == {"init.py": b"1"}
