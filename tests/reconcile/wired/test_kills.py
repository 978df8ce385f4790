"""Killed at any write, the next run goes on from there."""

from __future__ import annotations

import pytest

from secretsync.reconcile.reconciler import preview
from tests.reconcile.test_reconciler import Died
from tests.reconcile.wired.site import WiredSite, crash_or_come_up, die_at_write, names_that_can_be_found

UPDATE = ["keep", "begin", "create", "create a directory", "wire", "wire", "remember", "end"]


@pytest.mark.parametrize("number", range(1, len(UPDATE) + 1))
@pytest.mark.parametrize("then", ["2", "3", "1"])
def test_killed_at_any_write_the_next_run_goes_on_to_whatever_the_source_holds_by_then(number: int, then: str) -> None:
    site = WiredSite("server", "judge")
    site.sync()
    site.source.push(init="2", sub__a="3")
    die_at_write(site, number)
    with pytest.raises(Died):
        site.sync()
    site.live_on()
    if then != "2":
        site.source.push(init=then)
    report = site.sync()
    assert not report.failed
    for name in ("server", "judge"):
        assert site.content(name)["init.py"] == then.encode()
    after = preview(site.destination).plan
    assert (after.pending, dict(after.watch)) == (False, {})
    assert not site.cluster.secrets.keys() - names_that_can_be_found(site)


UNDO = ["reject", "begin", "tell the write", "wire", "wire", "remember", "end"]


@pytest.mark.parametrize("number", range(len(UNDO)))
def test_an_undo_that_is_killed_at_any_write_is_finished_by_the_next_run(bad: WiredSite, number: int) -> None:
    before = ["keep", "begin", "create", "wire", "wire", "remember"]
    die_at_write(bad, len(before) + number + 1, meanwhile=crash_or_come_up)
    with pytest.raises(Died):
        bad.sync()
    bad.live_on()
    bad.cluster.before = lambda verb, name: crash_or_come_up(bad)
    bad.sync()
    assert (bad.mounted("server"), bad.mounted("judge")) == ({bad.good}, {bad.good})
    bad.cluster.calls.clear()
    assert bad.sync().plan.idle
    assert bad.cluster.writes == []
