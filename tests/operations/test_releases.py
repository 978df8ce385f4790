"""Status, rollback, suspend and resume, on a cluster in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from secretsync.cli.output.status import StatusReport, describe_status
from secretsync.cli.output.status_text import status_text
from secretsync.core.model import Revision
from secretsync.operations import releases
from secretsync.operations.status import status
from secretsync.reconcile.destination import Clock, Report
from secretsync.reconcile.lock import hold_lease
from tests.reconcile.test_reconciler import Died, Site, files


@pytest.fixture
def site() -> Site:
    """Four bundles were live, the fourth is; their commits begin with the numbers of other revisions."""
    site = Site("server")
    for text, commit in {"first": "4a", "second": "3a", "third": "3b", "fourth": "1a"}.items():
        site.source.push(init=text)
        site.source.commit = Revision("memory", "main", f"commit:{commit}{text.encode().hex():0>38}")
        site.sync()
    return site


def rollback(site: Site, asked: str = "") -> Report:
    (delivery,) = site.destination.deliveries
    return releases.rollback(site.destination, delivery, asked, Clock(lambda: site.time, site._sleep, lambda: site.utc))


def live(site: Site) -> bytes:
    return files(site)["init.py"]


def test_a_rollback_brings_back_the_newest_that_is_not_live_and_it_stays_until_it_is_resumed(site: Site) -> None:
    rollback(site)
    assert live(site) == b"third"
    site.sync()
    assert live(site) == b"third"
    (delivery,) = site.destination.deliveries
    assert releases.resume(site.destination, delivery)
    site.sync()
    assert live(site) == b"fourth"


@pytest.mark.parametrize(("asked", "brought"), [("1", b"first"), ("2", b"second"), ("3", b"third"), ("4a", b"first")])
def test_a_whole_revision_number_goes_before_the_start_of_a_commit(site: Site, asked: str, brought: bytes) -> None:
    rollback(site, asked)
    assert live(site) == brought


@pytest.mark.parametrize("asked", ["nothing", "commit:3"])
def test_what_names_none_or_several_is_refused_with_what_there_is(site: Site, asked: str) -> None:
    with pytest.raises(releases.NotInHistory, match=r"the history keeps 3 .commit 3b.*, 2 .commit 3a.*, 1 .commit 4a"):
        rollback(site, asked)
    assert live(site) == b"fourth"


def test_a_suspended_package_keeps_what_is_live_whatever_the_source_brings(site: Site) -> None:
    (delivery,) = site.destination.deliveries
    releases.suspend(site.destination, delivery, "data taking")
    site.source.push(init="fifth")
    site.sync()
    assert live(site) == b"fourth"
    (deployed,) = status(site.destination)
    assert deployed.package_state.hold
    assert deployed.package_state.hold.reason == "data taking"
    assert not deployed.drift


def _edit(site: Site, text: bytes) -> None:
    """Somebody changes a live file, as an emergency fix."""
    secret = site.cluster.secrets["atlas"]
    site.cluster.secrets["atlas"] = replace(secret, data={**secret.data, "init.py": text})


def test_a_revision_that_somebody_had_edited_is_told_as_such_and_a_rollback_brings_the_edit_back(site: Site) -> None:
    (delivery,) = site.destination.deliveries
    _edit(site, b"hot fix")
    assert releases.revisions(site.destination, delivery)[0].edited
    site.sync()
    assert live(site) == b"fourth"
    assert [(one.revision_number, one.edited) for one in releases.revisions(site.destination, delivery)][:2] == [
        (5, False),
        (4, True),
    ]
    rollback(site, "4")
    assert live(site) == b"hot fix"
    site.sync()
    assert live(site) == b"hot fix"
    (hold,) = [one.package_state.hold for one in status(site.destination)]
    assert hold
    assert hold.reason.endswith(", as somebody had edited it")


def test_what_somebody_wrote_into_the_cluster_comes_back_by_its_name_alone(site: Site) -> None:
    _edit(site, b"planted")
    site.sync()
    rollback(site)
    assert live(site) == b"third"


def test_a_history_of_edits_alone_asks_for_a_name(site: Site) -> None:
    for number in range(5):
        _edit(site, f"edit {number}".encode())
        site.sync()
    with pytest.raises(releases.NotInHistory, match=r"^somebody had edited every earlier revision: .*, edited\)"):
        rollback(site)


def entries(site: Site) -> list[tuple[int, tuple[int, ...]]]:
    (delivery,) = site.destination.deliveries
    return [(entry.revision_number, entry.restores) for entry in releases.revisions(site.destination, delivery)]


def test_a_revision_that_was_brought_back_is_known_by_its_old_number_too(site: Site) -> None:
    (delivery,) = site.destination.deliveries
    rollback(site, "2")
    assert entries(site) == [(5, (2,)), (4, ()), (3, ()), (1, ())]
    known = releases.revisions(site.destination, delivery)
    assert releases.find(known, "2") == releases.find(known, "5")
    releases.resume(site.destination, delivery)
    site.sync()
    assert entries(site) == [(6, (4,)), (5, (2,)), (3, ()), (1, ())]
    rollback(site, "2")
    assert entries(site)[0] == (7, (2, 5))


def test_a_rollback_to_what_is_live_says_under_which_number_it_is(site: Site) -> None:
    rollback(site, "2")
    with pytest.raises(releases.AlreadyLive, match="'2' is what is live already, as revision 5"):
        rollback(site, "2")


def test_status_says_which_number_a_rollback_gave(site: Site) -> None:
    rollback(site, "2")
    target = describe_status("production", status(site.destination))
    text = " ".join(status_text(StatusReport(time=site.utc, targets=(target,))).split())
    assert "rolled back to revision 2 (commit 3a0000000000); live as revision 5" in text


def test_a_rollback_that_meets_another_run_is_remembered_and_says_so_and_the_next_run_does_it(site: Site) -> None:
    with hold_lease(site.destination), pytest.raises(releases.RollbackWaits, match="its files were not put back yet"):
        rollback(site)
    assert live(site) == b"fourth"
    site.sync()
    assert live(site) == b"third"


def test_a_write_that_was_cut_off_between_two_secrets_is_nobodys_edit() -> None:
    site = Site("server", mounts=("atlas", "atlas-sub"))
    site.source.push(init="1", sub__x="1")
    site.sync()
    site.source.push(init="2", sub__x="2")

    def die(verb: str, name: str) -> None:
        if (verb, name) == ("replace", "atlas-sub"):
            raise Died

    site.cluster.before = die
    with pytest.raises(Died):
        site.sync()
    site.live_on()
    (package,) = status(site.destination)
    (delivery,) = site.destination.deliveries
    (entry, *_) = releases.revisions(site.destination, delivery)
    assert (package.drift, entry.edited) == (False, False)
    site.cluster.edit("atlas", other=b"by somebody")
    site.sync()
    site.cluster.edit("atlas", other=b"by somebody")
    (package,) = status(site.destination)
    assert package.drift, "once the rollout has ended"


def test_a_secret_that_somebody_made_immutable_was_not_deleted() -> None:
    site = Site("server", mounts=("atlas", "atlas-sub"))
    site.source.push(init="1", sub__x="1")
    site.sync()
    site.cluster.secrets["atlas-sub"] = replace(site.cluster.secrets["atlas-sub"], immutable=True)
    (package,) = status(site.destination)
    assert package.damage == ("Secret atlas-sub was made immutable, so that no run can change it: delete it",)
