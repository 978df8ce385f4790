"""Policies between us and the store, and a state object that somebody deletes: told once, nothing half done."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest
from structlog.testing import capture_logs

from secretsync.cluster.errors import Call, Denied
from secretsync.config.target import Rollout
from secretsync.core import packing
from secretsync.core.errors import FAILED
from secretsync.core.model import Secret, Workload
from secretsync.core.secret_codec import OURS
from secretsync.operations import releases
from secretsync.reconcile.admission import ChangedByAdmission
from secretsync.reconcile.all_targets import reconcile_targets
from secretsync.reconcile.apply import NoUndo
from secretsync.reconcile.destination import Clock
from secretsync.reconcile.recording import record_outcome
from tests.reconcile.test_reconciler import Site, files

Policy = Callable[[Secret], Secret]


def makes_immutable(secret: Secret) -> Secret:
    return replace(secret, immutable=True) if secret.name == "atlas" else secret


def changes_the_type(secret: Secret) -> Secret:
    return replace(secret, type="example.org/policy") if secret.name == "atlas" else secret


@pytest.fixture
def site() -> Site:
    site = Site("server", "judge", mounts=("atlas", "atlas-sub"))
    site.source.push(init="1", sub__x="1")
    return site


def denies(name: str) -> Policy:
    def policy(secret: Secret) -> Secret:
        if secret.name == name:
            raise Denied(Call("create", "secrets", "rucio", name), 403, "ValidatingAdmissionPolicy 'no'")
        return secret

    return policy


def adds(secret: Secret) -> Secret:
    more = {OURS + "team": "storage", "policy.example.org/checked": "yes"}
    return replace(secret, labels={**secret.labels, **more}, annotations={**secret.annotations, **more})


def changes_data(secret: Secret) -> Secret:
    if "__init__.py" not in secret.data and "init.py" not in secret.data:
        return secret
    return replace(secret, data={**secret.data, "init.py": b"# scanned\n" + secret.data["init.py"]})


def changes_a_label(secret: Secret) -> Secret:
    return replace(secret, labels={**secret.labels, packing.MANAGED_BY: "policy"}) if secret.name == "atlas" else secret


def test_a_policy_that_denies_the_second_secret_of_a_package_is_met_before_the_first_write(site: Site) -> None:
    site.cluster.admit = denies("atlas-sub")
    with pytest.raises(Denied):
        site.sync()
    assert not {"atlas", "atlas-sub", "secretsync-state"} & site.cluster.secrets.keys()
    assert site.cluster.writes == []


def test_an_update_that_is_denied_touches_nothing_either(site: Site) -> None:
    site.sync()
    before = dict(site.cluster.secrets)
    site.source.push(init="2", sub__x="2")
    site.cluster.admit = denies("atlas-sub")
    with pytest.raises(Denied):
        site.sync()
    assert site.cluster.secrets == before


def test_what_a_policy_adds_makes_no_pass_write(site: Site) -> None:
    site.cluster.admit = adds
    assert not site.sync().failed
    site.cluster.calls.clear()
    assert site.sync().plan.idle
    assert site.cluster.writes == []


def test_an_idle_pass_asks_for_no_admission(site: Site) -> None:
    site.sync()
    site.cluster.calls.clear()
    site.sync()
    assert "dry run" not in {verb for verb, _ in site.cluster.calls}


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (changes_data, "data['init.py']"),
        (changes_a_label, "metadata.labels['app.kubernetes.io/managed-by']"),
        (makes_immutable, "(immutable)"),
        (changes_the_type, "(type)"),
    ],
)
def test_what_a_policy_changes_is_named_and_no_pass_writes_or_restarts_for_it(
    site: Site, policy: Policy, field: str
) -> None:
    site.sync()
    site.cluster.calls.clear()
    before = dict(site.cluster.secrets)
    site.source.push(init="2", sub__x="1")
    site.cluster.admit = policy
    for _ in range(2):
        with pytest.raises(ChangedByAdmission) as caught:
            site.sync()
        assert field in str(caught.value)
        assert "admission" in str(caught.value)
    assert site.cluster.secrets == before
    assert site.cluster.writes == []


def test_the_sentence_shows_no_content(site: Site) -> None:
    site.cluster.admit = changes_data
    with pytest.raises(ChangedByAdmission) as caught:
        site.sync()
    assert "scanned" not in str(caught.value)


def test_a_change_that_no_dry_run_showed_is_put_back_and_nothing_is_restarted(site: Site) -> None:
    site.sync()
    site.cluster.calls.clear()
    site.source.push(init="2", sub__x="2")
    written = []

    def once(secret: Secret) -> Secret:
        """A policy that comes between the dry run and the write."""
        if secret.name == "atlas" and not written and ("dry run", "atlas") in site.cluster.calls:
            written.append(secret.name)
            return changes_data(secret)
        return secret

    site.cluster.admit = once
    with pytest.raises(ChangedByAdmission):
        site.sync()
    assert files(site) == {"init.py": b"1"}
    assert "annotate" not in {verb for verb, _ in site.cluster.calls}


def test_what_a_policy_changes_as_it_is_put_back_too_is_not_said_to_be_as_it_was(site: Site) -> None:
    site.sync()
    shows_nothing_in_a_dry_run(site)
    site.source.push(init="2", sub__x="2")
    with capture_logs() as logs, pytest.raises(ChangedByAdmission):
        site.sync()
    events = {entry["event"] for entry in logs if entry.get("secret") == "atlas"}
    assert "a Secret could not be put back as it was" in events
    assert not {event for event in events if event.startswith("put back")}


@pytest.mark.parametrize(("on_failure", "error"), [("restore", NoUndo), ("stop", None)])
def test_a_bundle_that_a_policy_changes_as_it_is_kept_could_not_be_put_back(
    site: Site, on_failure: Literal["restore", "stop"], error: type[Exception] | None
) -> None:
    site.destination = replace(site.destination, rollout=Rollout(on_failure=on_failure))
    site.sync()
    site.source.push(init="2", sub__x="2")
    site.cluster.admit = lambda secret: replace(secret, data={}) if "-history-" in secret.name else secret
    with pytest.raises(error, match="otherwise than it was sent") if error else contextlib.nullcontext():
        site.sync()
    assert files(site) == {"init.py": b"1" if error else b"2"}


def test_a_stamp_that_a_policy_drops_is_a_failure_and_is_not_tried_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.sync()
    site.source.push(init="2", sub__x="2")
    stamp = site.cluster.annotate

    def dropped(workload: Workload, annotations: Mapping[str, str], *, manager: str) -> Workload:
        return stamp(workload, {} if workload.ref.name == "judge" else annotations, manager=manager)

    monkeypatch.setattr(site.cluster, "annotate", dropped)
    report = site.sync()
    assert "judge otherwise than it was sent (annotation secretsync.rucio/atlas" in report.failure
    assert report.undone is None
    site.cluster.calls.clear()
    (note,) = site.sync().plan.notes
    assert "judge lost the annotation" in note
    assert "annotate" not in {verb for verb, _ in site.cluster.calls}


def test_an_answer_that_lost_the_stamp_on_the_way_blames_no_policy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.sync()
    site.source.push(init="2", sub__x="2")
    stamp = site.cluster.annotate

    def damaged(workload: Workload, annotations: Mapping[str, str], *, manager: str) -> Workload:
        stamp(workload, annotations, manager=manager)
        return workload

    monkeypatch.setattr(site.cluster, "annotate", damaged)
    assert not site.sync().failed


STATE = "secretsync-state"


def test_a_policy_that_changes_what_is_remembered_is_met_before_a_file_is_written(site: Site) -> None:
    site.sync()
    site.source.push(init="2", sub__x="2")
    site.cluster.admit = lambda secret: replace(secret, data={}) if secret.name == STATE else secret
    with pytest.raises(ChangedByAdmission, match="secretsync-state otherwise than it was sent"):
        site.sync()
    assert files(site) == {"init.py": b"1"}


def test_an_answer_to_a_write_that_lost_its_data_on_the_way_blames_no_policy(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = site.cluster.create

    def damaged(secret: Secret, *arguments: Any, **more: Any) -> Secret:
        stored = create(secret, *arguments, **more)
        return replace(stored, data={}) if secret.name == "atlas" else stored

    monkeypatch.setattr(site.cluster, "create", damaged)
    site.sync()
    assert site.cluster.secrets["atlas"].data
    assert not site.preview().pending


@pytest.mark.parametrize("number", range(24))
@pytest.mark.parametrize("first", [True, False])
def test_when_the_state_object_is_deleted_at_any_call_every_pod_ends_on_the_newest_revision(
    site: Site, number: int, first: bool
) -> None:
    if not first:
        site.sync()
        site.source.push(init="2", sub__x="2")
    left = [number]

    def delete(verb: str, name: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            site.cluster.secrets.pop(STATE, None)

    site.cluster.before = delete
    site.sync()
    site.cluster.before = lambda verb, name: None
    site.sync()
    newest = site.cluster.secrets["atlas"].annotations[packing.REVISION_NUMBER]
    assert files(site) == {"init.py": b"1" if first else b"2"}
    assert newest == site.cluster.secrets["atlas-sub"].annotations[packing.REVISION_NUMBER]
    assert newest == ("1" if first else "2")
    assert {site.stamp(name).partition(" ")[0] for name in ("server", "judge")} == {newest}
    site.cluster.calls.clear()
    assert site.sync().plan.idle
    assert site.cluster.writes == []
    assert b'"finished": true' in site.cluster.secrets[STATE].data["state.json"]


def shows_nothing_in_a_dry_run(site: Site) -> None:
    """A webhook whose side effects, and changes, are left out in a dry run (``sideEffects: NoneOnDryRun``)."""

    def policy(secret: Secret) -> Secret:
        verb = site.cluster.calls[-1][0]
        return changes_data(secret) if secret.name == "atlas" and verb != "dry run" else secret

    def dry_run(secret: Secret, live: Secret | None, *, manager: str) -> Secret:
        site.cluster.calls.append(("dry run", secret.name))
        return secret

    site.cluster.admit = policy
    site.cluster.dry_run = dry_run  # type: ignore[method-assign]


def stamps(site: Site) -> set[str]:
    return {site.stamp(name) for name in ("server", "judge")}


def change_once(site: Site) -> None:
    """A site that ran well; then a webhook comes, and meets the next revision when it is written."""
    site.sync()
    shows_nothing_in_a_dry_run(site)
    site.source.push(init="2", sub__x="2")
    with pytest.raises(ChangedByAdmission, match=r"data\['init.py'\]"):
        site.sync()
    site.cluster.calls.clear()
    site.source.fetched = 0


def test_a_change_that_no_dry_run_shows_is_written_once_and_restarts_nothing(site: Site) -> None:
    change_once(site)
    before, carried = dict(site.cluster.secrets), stamps(site)
    for _ in range(3):
        (degraded,) = site.sync().plan.degraded
        assert "data['init.py']" in str(degraded.error)
        assert "admission webhook or policy" in str(degraded.error)
    assert (site.cluster.writes, site.source.fetched) == ([], 0)
    assert (site.cluster.secrets, stamps(site), len(carried)) == (before, carried, 1)


def test_it_is_said_as_one_event_alone(site: Site) -> None:
    site.sync()
    shows_nothing_in_a_dry_run(site)
    site.source.push(init="2", sub__x="2")
    for _ in range(3):
        outcomes = reconcile_targets([site.destination], lambda _: site.sync(), record_outcome)
        assert [outcome.exit_code for outcome in outcomes] == [FAILED]
    assert [event["reason"] for event in site.cluster.events] == ["Failed"]


def test_other_files_are_tried_once_more(site: Site) -> None:
    change_once(site)
    site.source.push(init="3", sub__x="2")
    with pytest.raises(ChangedByAdmission):
        site.sync()
    assert site.sync().plan.degraded


def test_resume_has_the_files_written_once_more(site: Site) -> None:
    change_once(site)
    ended = releases.resume(site.destination, site.destination.deliveries[0])
    assert ended
    assert "stored Secret atlas otherwise than it was sent" in ended.reason
    site.cluster.admit = lambda secret: secret
    site.sync()
    assert files(site) == {"init.py": b"2"}
    site.cluster.calls.clear()
    assert site.sync().plan.idle
    assert {verb for verb, _ in site.cluster.calls} == {"get", "list"}


def test_a_revision_that_is_rolled_back_to_is_written_once_too(site: Site) -> None:
    site.sync()
    site.source.push(init="2", sub__x="1")
    site.sync()
    shows_nothing_in_a_dry_run(site)
    with pytest.raises(ChangedByAdmission):
        releases.rollback(site.destination, site.destination.deliveries[0], clock=Clock(sleep=lambda _: None))
    site.cluster.calls.clear()
    assert site.sync().plan.degraded
    assert site.cluster.writes == []


def test_a_first_revision_that_is_changed_leaves_nothing_and_is_not_written_again(site: Site) -> None:
    shows_nothing_in_a_dry_run(site)
    with pytest.raises(ChangedByAdmission):
        site.sync()
    assert "atlas" not in site.cluster.secrets
    site.cluster.calls.clear()
    (degraded,) = site.sync().plan.degraded
    assert "is not deployed" in str(degraded)
    assert site.cluster.writes == []
