"""Somebody deletes the state object while a run is at work: every pod ends on the newest revision."""

from __future__ import annotations

import pytest

from secretsync.plan.state import Result
from secretsync.reconcile.reconciler import preview
from secretsync.reconcile.state_store import StateStore
from tests.reconcile.wired.site import WiredSite, crash_or_come_up, names_that_can_be_found

STATE = "secretsync-state"


def delete_state_at(site: WiredSite, number: int) -> None:
    """The state object goes at the call of that *number*."""
    site.cluster.calls.clear()

    def delete(verb: str, name: str) -> None:
        crash_or_come_up(site)
        if len(site.cluster.calls) == number:
            site.cluster.secrets.pop(STATE, None)

    site.cluster.before = delete


@pytest.mark.parametrize("number", range(30))
def test_a_state_object_that_is_deleted_at_any_call_costs_no_revision(number: int) -> None:
    site = WiredSite("server", "judge")
    site.sync()
    site.source.push(init="2", sub__a="3")
    delete_state_at(site, number)
    site.sync()
    site.sync()
    for name in ("server", "judge"):
        assert site.content(name)["init.py"] == b"2"
    assert site.state.finished
    assert site.state.revision_number == 2
    after = preview(site.destination).plan
    assert (after.pending, dict(after.watch)) == (False, {})
    assert not site.cluster.secrets.keys() - names_that_can_be_found(site)


@pytest.mark.parametrize("call", [("create", "atlas-history-1"), ("wire", "server"), ("wire", "judge")])
def test_a_rollout_that_fails_is_undone_though_the_state_object_was_deleted(
    bad: WiredSite, call: tuple[str, str]
) -> None:
    gone = []

    def delete(verb: str, name: str) -> None:
        crash_or_come_up(bad)
        if (verb, name) == call and not gone:
            gone.append(bad.cluster.secrets.pop(STATE))

    bad.cluster.before = delete
    bad.sync()
    assert gone
    assert (bad.mounted("server"), bad.mounted("judge")) == ({bad.good}, {bad.good})


@pytest.mark.parametrize("number", range(0, 60, 2))
def test_a_rollout_that_fails_is_undone_at_whatever_call_the_state_object_was_deleted(
    bad: WiredSite, number: int
) -> None:
    delete_state_at(bad, number)
    bad.sync()
    bad.cluster.before = lambda verb, name: crash_or_come_up(bad)
    bad.sync()
    assert (bad.mounted("server"), bad.mounted("judge")) == ({bad.good}, {bad.good})
    after = preview(bad.destination).plan
    assert (after.pending, dict(after.watch)) == (False, {})


def test_what_is_known_of_a_deleted_state_object_is_written_again() -> None:
    site = WiredSite("server")
    site.sync()
    store = StateStore(site.cluster, "secretsync", "rucio", "test")
    del site.cluster.secrets[STATE]
    store.save(store.state.with_results({"atlas": Result("current", 1)}))
    assert site.state.revision_number == 1
    assert site.state.secrets
