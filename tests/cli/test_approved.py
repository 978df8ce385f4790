"""A plan that was approved is done as it is, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from secretsync import config
from secretsync.cli import apply, approved
from secretsync.cli.commands.passes import apply_command, plan_command
from secretsync.cli.settings import Settings
from secretsync.cluster.errors import Conflict
from secretsync.core.model import Ref
from secretsync.plan.approval import PlanDocument
from secretsync.reconcile.approval_errors import NotApproved
from secretsync.reconcile.state_store import load_state
from tests.build import workload
from tests.cli.test_apply import ignore, site, told
from tests.reconcile.test_reconciler import Broken, Site

__all__ = ["site"]

BASE = Path()


def plan() -> PlanDocument:
    return approved.plan_of(apply.preview_all(told("production"), BASE, ignore))


def carry_out(document: PlanDocument, plan_id: str = "", *, known: bool = True) -> list[int]:
    act = approved.apply_approved(document if known else None, plan_id or document.id)
    return [one.exit_code for one in act(told("production"), BASE, ignore, None)]


def secrets(site: Site) -> dict[str, object]:
    return dict(site.cluster.secrets)


def test_the_approved_plan_is_carried_out(site: Site) -> None:
    assert carry_out(plan()) == [0]
    assert site.preview().plan.idle


def test_an_id_is_enough(site: Site) -> None:
    assert carry_out(plan(), known=False) == [0]


def test_the_same_plan_has_the_same_id(site: Site) -> None:
    assert plan().id == plan().id
    assert PlanDocument.model_validate_json(plan().model_dump_json()).id == plan().id


def test_it_holds_no_content(site: Site) -> None:
    site.source.push(init="s3cr3t-in-the-policy")
    assert "s3cr3t" not in plan().model_dump_json()


def refused(document: PlanDocument, site: Site) -> str:
    before = secrets(site)
    with pytest.raises(NotApproved) as error:
        carry_out(document)
    assert error.value.exit_code == 3
    assert secrets(site) == before
    return str(error.value)


def test_a_source_that_moved_is_refused_with_both_revisions(site: Site) -> None:
    document, old = plan(), site.source.commit.id
    site.source.push(init="2")
    assert f"commit: {old} -> {site.source.commit.id}" in refused(document, site)


def test_a_workload_that_appeared_is_refused(site: Site) -> None:
    document = plan()
    new = workload("atlas", name="new", probe=True)
    site.cluster.live_workloads[new.ref] = new
    assert "Deployment rucio/new" in refused(document, site)


def test_a_write_of_somebody_else_is_refused(site: Site) -> None:
    site.sync()
    site.source.push(init="2")
    document = plan()
    site.cluster.edit("atlas")
    assert "live" in refused(document, site)


def test_what_changes_after_the_first_look_is_refused_under_the_lock(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan()
    preview_all = apply.preview_all

    def then_moves(configuration: config.Config, base: Path, show: apply.Show, place: str | None = None) -> object:
        found = preview_all(configuration, base, show, place)
        site.source.push(init="2")
        return found

    monkeypatch.setattr(apply, "preview_all", then_moves)
    before = secrets(site)
    act = approved.apply_approved(document, document.id)
    (outcome,) = act(told("production"), BASE, ignore, None)
    assert isinstance(outcome.error, NotApproved)
    assert outcome.exit_code == 3
    assert secrets(site).get("atlas") == before.get("atlas")


def test_a_write_of_somebody_else_while_it_is_applied_leaves_what_was_there(site: Site) -> None:
    site.source.push(init="1", sub__a="1")
    assert carry_out(plan()) == [0]
    site.source.push(init="2", sub__a="2")
    document, written = plan(), []

    def somebody_writes(verb: str, name: str) -> None:
        if (verb, name) == ("replace", "atlas-sub") and not written:
            written.append(name)
            site.cluster.edit("atlas-sub")

    site.cluster.before = somebody_writes
    before = site.cluster.secrets["atlas"].data
    error = failure_of(document)
    assert written
    assert error.exit_code == 3
    assert "atlas-sub" in str(error)
    assert "nothing was written" in str(error)
    assert site.cluster.secrets["atlas"].data == before


def test_what_an_earlier_apply_of_it_wrote_is_said(site: Site) -> None:
    document = plan()
    assert carry_out(document) == [0]
    words = "Secret atlas has what was approved, Deployment rucio/server was restarted for it, nothing else was written"
    assert words in str(failure_of(document))


def failure_of(document: PlanDocument) -> NotApproved:
    """What an apply of its one target fails with, that was not looked at before."""
    (outcome,) = apply.sync_all(told("production"), BASE, ignore, None, approved=document)
    assert isinstance(outcome.error, NotApproved)
    return outcome.error


def test_a_rollout_that_fails_is_still_undone(site: Site) -> None:
    site.sync()
    site.source.push(init="nothing")
    document = plan()
    site.cluster.__class__ = Broken
    assert carry_out(document) == [4]
    assert load_state(site.destination).state.of("atlas").hold


def test_the_commands_write_and_take_the_plan(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "configuration", lambda _: told("production"))
    out = tmp_path / "plan.json"
    printed = CliRunner().invoke(plan_command, ["--out", str(out)], obj=Settings())
    assert printed.exit_code == 3
    assert printed.output.splitlines()[-1] == f"plan {plan().id}"
    other = CliRunner().invoke(apply_command, ["--plan", str(out), "--plan-id", "sha256:0"], obj=Settings())
    assert other.exit_code == 2
    assert CliRunner().invoke(apply_command, ["--plan", str(out)], obj=Settings()).exit_code == 0


def test_a_plan_that_cannot_be_approved_takes_an_older_one_away_and_no_device(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "configuration", lambda _: told("production"))
    site.source.push(init="a syntax error")
    monkeypatch.setattr("secretsync.cli.approved.plan_of", refuse_to_approve)
    older, device = tmp_path / "plan.json", tmp_path / "device"
    older.touch()
    os.mkfifo(device)
    for out in (older, device):
        CliRunner().invoke(plan_command, ["--out", str(out)], obj=Settings())
    assert not older.exists()
    assert device.exists()


def refuse_to_approve(_outcomes: object) -> None:
    raise approved.NotApprovable("production", "nothing can be approved")


def test_a_write_of_somebody_else_during_the_rollout_says_which_workloads_restarted(site: Site) -> None:
    second = workload("atlas", name="ui", probe=True)
    site.cluster.live_workloads[second.ref] = second
    site.sync()
    site.source.push(init="2")
    document, restarted = plan(), []

    def somebody_writes(verb: str, name: str) -> None:
        if verb == "annotate":
            restarted.append(name)
            if len(restarted) == 2:
                raise Conflict(Ref("Deployment", "rucio", name), "was changed meanwhile")

    site.cluster.before = somebody_writes
    sentence = str(failure_of(document))
    assert "Deployment rucio/ui was changed meanwhile" in sentence
    assert "Secret atlas has what was approved, Deployment rucio/server was restarted for it, nothing else" in sentence
    assert "nothing was written" not in sentence
    assert carry_out(plan()) == [0], "a new plan continues"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file: Invalid JSON: EOF"),
        ('{"version": 2, "targets": []}', "version: Input should be 1"),
        ('{"version": 1, "targets": [{"target": 5}]}', "targets.0.target: Input should be a valid string"),
        ('{"version": 1, "targets": [], "' + "x" * 999 + '": 1}', "xxx"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_the_first_place_that_is_wrong(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(approved.UnreadablePlan) as raised:
        approved.read_plan(path)
    assert words in str(raised.value)
    assert len(raised.value.reason) <= 200
