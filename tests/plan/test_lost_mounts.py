"""A workload that mounted a package, and no longer does, is named until somebody says that it is meant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from secretsync.core.model import Workload
from secretsync.operations.status import accept_lost_mounts, status
from secretsync.plan.lost_mounts import LostMounts
from tests.build import workload
from tests.reconcile.test_reconciler import Site


@pytest.fixture
def site() -> Site:
    """The package was rolled out to both, and then the owner of *judge* took its mount away."""
    site = Site("server", "judge")
    site.sync()
    take_mounts(site, "judge")
    return site


def take_mounts(site: Site, name: str) -> None:
    bare = workload("other", name=name, probe=True)
    site.cluster.live_workloads[bare.ref] = Workload(bare.ref, bare.manifest)


def named(site: Site) -> list[str]:
    return [note for note in site.preview().plan.notes if "no longer mount" in note]


def test_a_plan_and_the_status_name_it_with_what_to_do(site: Site) -> None:
    (note,) = named(site)
    assert note.startswith("Deployment rucio/judge no longer mounts")
    assert "'secretsync values'" in note
    assert "'secretsync status --accept'" in note
    (deployed,) = status(site.destination)
    assert deployed.lost is not None
    assert [ref.name for ref in deployed.lost.workloads] == ["judge"]


def test_it_is_named_after_the_next_revision_too(site: Site) -> None:
    site.source.push(init="2")
    site.sync()
    assert len(named(site)) == 1


def test_it_is_named_no_more_once_it_is_accepted_and_a_pass_after_that_writes_nothing(site: Site) -> None:
    (accepted,) = accept_lost_mounts(site.destination)
    assert [ref.name for ref in accepted.workloads] == ["judge"]
    assert named(site) == []
    assert accept_lost_mounts(site.destination) == ()
    site.cluster.calls.clear()
    site.sync()
    assert site.cluster.writes == []


def test_one_that_is_gone_or_that_the_target_selects_no_longer_is_not_named(site: Site) -> None:
    destination = site.destination
    site.destination = replace(destination, selector="app=server")
    assert named(site) == []
    site.destination = destination
    assert len(named(site)) == 1
    site.cluster.live_workloads = {ref: one for ref, one in site.cluster.live_workloads.items() if ref.name != "judge"}
    assert named(site) == []


def test_one_that_never_mounted_it_is_not_named() -> None:
    site = Site("server")
    take_mounts(site, "reaper")
    site.sync()
    assert named(site) == []


def test_of_many_workloads_three_are_named_with_their_number() -> None:
    refs = tuple(workload("atlas", name=f"d{number}").ref for number in range(5))
    assert str(LostMounts("atlas", refs)).startswith(
        "Deployment rucio/d0, Deployment rucio/d1, Deployment rucio/d2 and 2 more no longer mount atlas"
    )
