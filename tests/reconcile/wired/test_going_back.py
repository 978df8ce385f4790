"""Ways back to an earlier write: by an undo, by hand with us, and by hand around us."""

from __future__ import annotations

import pytest

from secretsync.cli.output.describe import describe_pass
from secretsync.core import packing
from secretsync.operations import releases
from secretsync.operations.status import status
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.events import events_of
from secretsync.reconcile.reconciler import preview
from secretsync.reconcile.results import verdicts_of
from secretsync.service.metrics import samples
from tests.reconcile.wired.site import WiredSite


def test_a_bad_package_is_undone_to_the_secret_that_was_mounted_before(bad: WiredSite) -> None:
    report = bad.sync()
    assert report.failed
    assert report.undone is not None
    assert not report.undone.failed
    assert (bad.mounted("server"), bad.mounted("judge")) == ({bad.good}, {bad.good})
    assert bad.content("judge") == {"init.py": b"1"}
    bad.cluster.calls.clear()
    assert bad.sync().plan.idle
    assert bad.cluster.writes == []


def test_content_that_comes_back_is_found_again_and_is_a_new_write(site: WiredSite) -> None:
    site.sync()
    (first,) = site.mounted()
    site.remember_revision()
    site.source.push(init="2")
    site.sync()
    site.source.push(init="1")
    report = site.sync()
    assert (site.mounted(), site.mounted("judge")) == ({first}, {first})
    assert [call for call in site.cluster.writes if call == ("create", first)] == [("create", first)]
    assert site.cluster.secrets[first].annotations[packing.REVISION_NUMBER] == "3"
    assert not report.failed
    assert not preview(site.destination).plan.pending
    live = status(site.destination)[0]
    assert (live.revision_number, live.bundle and live.bundle.files[0].data) == (3, b"1")


def test_a_template_that_somebody_put_back_is_held_by_hand_until_there_is_new_content(site: WiredSite) -> None:
    site.sync()
    (first,) = site.mounted()
    revision = site.remember_revision()
    site.source.push(init="2")
    site.sync()
    site.put_back(revision)
    site.cluster.calls.clear()
    report = site.sync()
    assert site.cluster.writes == []
    assert site.mounted() == {first}
    (note,) = [note for note in report.plan.notes if note.startswith("suspended: ")]
    assert (
        "Deployment rucio/server, which was wired for revision 2 of atlas_rucio_policy and now carries revision 1"
        in note
    )
    assert describe_pass(report, dry_run=False).summary == "up to date: 1 Secret, 1/2 workloads (1 suspended)"
    site.source.push(init="3")
    site.sync()
    assert (site.content("server"), site.content("judge")) == ({"init.py": b"3"}, {"init.py": b"3"})


def test_a_resume_wires_a_template_again_that_somebody_put_back(site: WiredSite) -> None:
    site.sync()
    revision = site.remember_revision()
    site.source.push(init="2")
    site.sync()
    site.put_back(revision)
    ended = releases.resume(site.destination, site.destination.deliveries[0])
    assert ended is not None
    assert "Deployment rucio/server" in ended.reason
    report = site.sync()
    assert [one.workload.ref.name for one in report.plan.restarts] == ["server"]
    assert site.content() == {"init.py": b"2"}
    assert releases.resume(site.destination, site.destination.deliveries[0]) is None


def test_wiring_that_somebody_strips_is_put_back_once_and_then_held_as_a_failure(site: WiredSite) -> None:
    """As ``helm upgrade --force``, or Argo CD with Replace=true, does in each of its passes."""
    bare = site.remember_revision()
    site.sync()
    site.put_back(bare)
    report = site.sync()
    assert (site.mounted() != set(), report.failed) == (True, False)
    site.put_back(bare)
    site.cluster.calls.clear()
    for _ in range(3):
        report = site.sync()
        assert site.mounted() == set()
        assert [ref.name for ref in report.plan.stripped] == ["server"]
        assert report.failure == "the wiring of Deployment rucio/server was stripped again, and is left so"
        assert any("by one without the wiring, and did so again" in note for note in report.plan.notes)
        assert any("now carries none" in note for note in report.plan.notes)
    assert site.cluster.writes == []
    (deployed,) = status(site.destination)
    assert [ref.name for ref in deployed.stripped] == ["server"]
    site.source.push(init="2")
    assert not site.sync().failed
    assert site.content() == {"init.py": b"2"}
    (deployed,) = status(site.destination)
    assert deployed.stripped == ()


def test_stripped_wiring_is_an_event_of_its_own_told_once_and_a_metric(site: WiredSite) -> None:
    bare = site.remember_revision()
    site.sync()
    for _ in range(2):
        site.put_back(bare)
        outcome = Outcome(site.destination, site.sync())
    told = [event for event in events_of(outcome, {}) if event.reason == "Stripped"]
    assert [(event.regarding.kind, event.regarding.name) for event in told] == [("Secret", "atlas")]
    assert "Deployment rucio/server was stripped again" in told[0].note
    after = {secret: str(verdict) for secret, verdict in verdicts_of(outcome).items()}
    assert events_of(outcome, after) == ()
    values = {sample.name: sample.value for sample in samples(outcome, at=0)}
    assert values["secretsync_workloads_stripped"] == 1


def test_after_a_resume_stripped_wiring_is_put_back_again(site: WiredSite) -> None:
    bare = site.remember_revision()
    site.sync()
    for _ in range(2):
        site.put_back(bare)
        site.sync()
    assert site.mounted() == set()
    assert releases.resume(site.destination, site.destination.deliveries[0]) is not None
    assert not site.sync().failed
    assert site.mounted() != set()


def test_status_tells_of_workloads_that_carry_an_earlier_write(site: WiredSite) -> None:
    site.sync()
    revision = site.remember_revision()
    site.source.push(init="2")
    site.sync()
    site.put_back(revision)
    (told,) = status(site.destination)
    assert {ref.name: revision_number for ref, (revision_number, _) in told.workloads.items()} == {
        "server": 1,
        "judge": 2,
    }


def test_a_rollback_by_hand_mounts_what_was_there_before_and_needs_no_source(site: WiredSite) -> None:
    site.sync()
    before = site.mounted()
    site.remember_revision()
    site.source.push(init="2")
    site.sync()
    site.source.fetch = lambda revision: pytest.fail("the source was read")  # type: ignore[method-assign]
    report = releases.rollback(site.destination, site.destination.deliveries[0])
    assert not report.failed
    assert (site.mounted("server"), site.mounted("judge")) == (before, before)
    assert site.content() == {"init.py": b"1"}
    assert preview(site.destination).plan.idle
