"""A target in git: what changes is a commit, and a request that a person merges."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync.cli.apply import preview_all
from secretsync.cli.approved import plan_of
from secretsync.cli.output.describe import describe_pass
from secretsync.cli.output.status import StatusReport, describe_status
from secretsync.cli.output.status_text import status_text
from secretsync.cluster.repository import git as repository_git
from secretsync.cluster.repository.errors import BranchMissing, BranchOfOthers, ForgeRefused, ForgeUnknown
from secretsync.cluster.repository.git import GitRepository
from secretsync.cluster.repository.proposal import Proposal
from secretsync.core.errors import SecretSyncError
from secretsync.operations.status import status
from secretsync.reconcile import factory
from secretsync.sources.cache import NotOurs
from secretsync.sources.git import process, remote
from tests.cluster.repository.site import MODULE, SOUND, VALUES, Site, git
from tests.servers.forge import FakeForge

pytestmark = pytest.mark.slow  # each case starts git

PROPOSED = "secretsync/secretsync/rucio"
CHANGED = SOUND + "\n\nCHANGED = True\n"


def mounted(text: str) -> list[str]:
    return [mount["secretFullName"] for mount in yaml.safe_load(text)["secretMounts"] if "policy" in mount["mountPath"]]


def test_a_first_pass_pushes_the_secrets_and_the_values_that_mount_them(tmp_path: Path) -> None:
    site = Site(tmp_path)
    report = site.sync()
    assert report.proposal
    assert report.proposal.state == "pushed"
    (name,) = mounted(site.show("apps/daemons.yaml"))
    secret = yaml.safe_load(site.show(f"clusters/production/rucio/secret-{name}.yaml"))
    assert secret["immutable"] is True
    assert site.show("apps/daemons.yaml").startswith(VALUES)
    assert site.show("README.md") == "ours\r\n"
    message = git(site.bare, "log", "-1", "--format=%an%n%B", "main")
    assert "Secretsync-Target: secretsync rucio" in message
    assert f"secretsync: {MODULE}" in message


def test_a_new_revision_is_compared_file_by_file_with_the_one_before_though_its_secret_is_new(tmp_path: Path) -> None:
    site = Site(tmp_path)
    first = [change for change in site.sync().plan.changes if change.pending]
    assert [(file.kind, file.path) for change in first for file in change.files] == [
        ("added", "__init__.py"),
        ("added", "permission.py"),
    ]
    site.package({"permission.py": CHANGED})
    (change,) = [change for change in site.preview().plan.changes if change.pending]
    assert (change.action, [(file.kind, file.path) for file in change.files]) == (
        "create",
        [("changed", "permission.py")],
    )


def test_nothing_changed_is_no_commit(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.sync()
    before = site.head()
    report = site.sync()
    assert report.proposal
    assert report.proposal.state == "nothing"
    assert site.head() == before
    assert not site.preview().pending


def test_a_cache_that_another_user_made_is_refused_before_the_remote_is_asked(tmp_path: Path) -> None:
    """Its bare repository could have a configuration that starts programs."""
    site = Site(tmp_path)
    before = site.head()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotOurs, match="it is a symlink"):
        site.sync()
    assert site.head() == before
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_dry_run_says_what_is_pending_and_pushes_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path)
    before = site.head()
    report = site.preview()
    assert report.pending
    assert [edit.path for edit in report.values] == ["apps/daemons.yaml"]
    assert not any("mounts" in note for note in report.plan.notes)
    assert site.head() == before


def test_a_commit_carries_the_id_that_the_plan_before_it_had(tmp_path: Path) -> None:
    site = Site(tmp_path)
    plan = plan_of(preview_all(site.configuration, site.folder, lambda _: None))
    site.sync()
    message = git(site.bare, "log", "-1", "--format=%B", "main")
    assert f"\nSecretsync-Plan: {plan.id}" in message
    assert site.sync().proposal == Proposal("nothing", "main")


def test_new_content_moves_the_mount_and_keeps_the_earlier_secret_for_a_revert(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.sync()
    (first,) = mounted(site.show("apps/daemons.yaml"))
    site.package({"permission.py": CHANGED})
    site.sync()
    (second,) = mounted(site.show("apps/daemons.yaml"))
    assert second != first
    names = {Path(name).name for name in site.files() if "/secret-site-policy-" in name and "-history-" not in name}
    assert names == {f"secret-{first}.yaml", f"secret-{second}.yaml"}
    assert not site.preview().pending


def test_values_that_somebody_put_back_are_moved_again(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.sync()
    site.commit({"apps/daemons.yaml": VALUES})
    assert site.preview().pending
    site.sync()
    assert len(mounted(site.show("apps/daemons.yaml"))) == 1


def test_a_push_by_somebody_else_meanwhile_is_planned_again(tmp_path: Path) -> None:
    site = Site(tmp_path)
    original, raced = GitRepository.push, []

    def push(self: GitRepository, commit: str, branch: str, expected: str) -> None:
        if not raced:
            raced.append(site.commit({"README.md": "theirs"}))
        original(self, commit, branch, expected)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GitRepository, "push", push)
        site.sync()
    assert site.show("README.md") == "theirs"
    assert len(mounted(site.show("apps/daemons.yaml"))) == 1


def test_a_values_file_that_cannot_be_edited_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.commit({"apps/daemons.yaml": "secretMounts: 5\n"})
    report = site.sync()
    assert "secretsync values daemons" in report.values[0].problem
    assert any("/secret-site-policy-" in name for name in site.files())
    assert site.show("apps/daemons.yaml") == "secretMounts: 5\n"


def test_a_tree_that_leads_out_of_the_repository_is_not_followed(tmp_path: Path) -> None:
    site = Site(tmp_path)
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=site.bare, input=b"kind: x", stdout=subprocess.PIPE, check=True
    ).stdout.decode()
    tree = ""
    for mode, name in (("100644 blob", "evil.yaml"), ("040000 tree", ".."), ("040000 tree", ".."),
                       ("040000 tree", "production"), ("040000 tree", "clusters")):  # fmt: skip
        entry = f"{mode} {(tree or blob).strip()}\t{name}\n".encode()
        made = subprocess.run(["git", "mktree"], cwd=site.bare, input=entry, stdout=subprocess.PIPE, check=True)
        tree = made.stdout.decode()
    commit = git(site.bare, "commit-tree", "-p", site.head(), "-m", "evil", tree.strip())
    git(site.bare, "update-ref", "refs/heads/main", commit)
    with pytest.raises(SecretSyncError, match=r"\.\."):  # git makes no commit of it either
        site.sync()
    assert list(tmp_path.rglob("evil.yaml")) == []


def test_status_says_that_git_alone_is_known(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.sync()
    (destination,) = factory.destinations(site.configuration, site.folder)
    found = describe_status("production", status(destination))
    text = status_text(StatusReport(time=datetime(2026, 1, 1, tzinfo=UTC), targets=(found,)))
    assert "this is what git has" in text
    assert "no workload mounts it" not in text


@pytest.mark.parametrize(
    ("proposal", "sentence"),
    [
        (Proposal("pushed", "main", "c0ffee" * 6), "pushed: 1 Secret, commit c0ffeec0ffee on branch main"),
        (Proposal("proposed", "b", "c0ffee", "https://f/1"), "proposed: 1 Secret, merge https://f/1"),
        (Proposal("proposed", "b", "c0ffee"), "proposed: 1 Secret, merge branch b"),
        (Proposal("updated", "b", "c0ffee", "https://f/1"), "proposed: 1 Secret, https://f/1 was updated: merge it"),
        (Proposal("unchanged", "b", "c", "https://f/1"), "proposed: 1 Secret, https://f/1 has them already: merge it"),
    ],
)
def test_the_outcome_says_what_a_person_does_next(tmp_path: Path, proposal: Proposal, sentence: str) -> None:
    report = replace(Site(tmp_path).preview(), proposal=proposal, done=True)
    assert describe_pass(report, dry_run=False).summary == sentence


def git_commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands of git that are started from now on."""
    started: list[str] = []

    def run(arguments: Sequence[str], **options: Any) -> process.Answer:
        started.append(arguments[0])
        return original(arguments, **options)

    original = process.run
    for module in (repository_git, remote):
        monkeypatch.setattr(module, "run", run)
    return started


def test_an_idle_pass_starts_git_once_and_lays_out_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(tmp_path)
    site.sync()
    site.sync()
    started, before = git_commands(monkeypatch), laid_out(tmp_path)
    site.sync()
    assert started == ["ls-remote"]
    assert laid_out(tmp_path) == before


def laid_out(folder: Path) -> set[tuple[str, int]]:
    return {(path.name, path.stat().st_ino) for path in folder.glob("cache/sites/*/*") if path.is_dir()}


def test_what_another_process_reads_meanwhile_is_what_the_branch_has(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.sync()
    head = site.head()
    site.package({"permission.py": CHANGED})
    original, seen = GitRepository.push, []

    def push(self: GitRepository, commit: str, branch: str, expected: str) -> None:
        seen.append(site.preview().plan.pending)  # what is written by now is not on the branch yet
        original(self, commit, branch, expected)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GitRepository, "push", push)
        site.sync()
    assert seen == [True]
    assert site.head() != head
    assert not site.preview().pending


def test_what_a_killed_pass_had_written_is_not_part_of_the_next(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.sync()
    site.package({"permission.py": CHANGED})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GitRepository, "push", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            site.sync()
    site.package({"permission.py": SOUND})
    before = site.head()
    site.sync()
    assert site.head() == before


def test_a_branch_that_does_not_exist_is_named(tmp_path: Path) -> None:
    site = Site(tmp_path)
    git(site.bare, "branch", "-m", "main", "trunk")
    with pytest.raises(BranchMissing, match="no branch 'main'"):
        site.sync()


def test_a_request_is_opened_updated_in_place_and_ends_when_it_is_merged(site: Site, forge: FakeForge) -> None:
    main = site.head()
    report = site.sync()
    assert report.proposal
    assert (report.proposal.state, report.proposal.url) == ("proposed", "https://forge.example/1")
    assert site.head() == main
    (request,) = forge.requests
    assert (request["source"], request["into"]) == (PROPOSED, "main")
    assert MODULE in request["title"]
    assert "<details>" in request["body"]
    assert "1 Secret of site" in request["body"]
    assert "return None" not in request["body"]
    assert any("forge-token" in token for token in forge.tokens)

    site.package({"permission.py": CHANGED})
    updated = site.sync().proposal
    assert updated
    assert updated.state == "updated"
    assert len(forge.requests) == 1

    site.merge(PROPOSED)
    closed = site.sync().proposal
    assert closed
    assert closed.state == "closed"
    assert site.branches() == ["main"]


def test_an_unchanged_proposal_costs_no_push_and_no_question_to_the_forge(site: Site, forge: FakeForge) -> None:
    site.sync()
    head, calls = site.head(PROPOSED), len(forge.calls)
    report = site.sync()
    assert report.proposal
    assert (report.proposal.state, report.proposal.url) == ("unchanged", "https://forge.example/1")
    assert (site.head(PROPOSED), len(forge.calls)) == (head, calls)


def test_an_open_request_that_still_holds_starts_git_once(
    site: Site, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.sync()
    started = git_commands(monkeypatch)
    report = site.sync()
    assert started == ["ls-remote"]
    assert report.proposal == Proposal("unchanged", PROPOSED, site.head(PROPOSED), "https://forge.example/1")


def test_an_open_request_is_made_anew_when_the_branch_changes_what_it_changes(site: Site, forge: FakeForge) -> None:
    site.sync()
    site.commit({"apps/daemons.yaml": f"# theirs\n{VALUES}"})
    updated = site.sync().proposal
    assert updated
    assert updated.state == "updated"
    assert site.show("apps/daemons.yaml", PROPOSED).startswith("# theirs")
    assert len(forge.requests) == 1


def test_an_open_request_is_looked_at_again_when_the_check_becomes_stricter(site: Site, forge: FakeForge) -> None:
    site.package({"permission.py": "def has_permission(:\n"})
    site.check = {"fail": "never"}
    assert site.sync().proposal
    site.check = {}
    assert site.sync().refused


def test_what_people_pushed_onto_the_branch_is_not_overwritten(site: Site, forge: FakeForge) -> None:
    site.sync()
    theirs = site.commit({"README.md": "by hand"}, PROPOSED)
    site.package({"permission.py": CHANGED})
    with pytest.raises(BranchOfOthers, match="Colleague"):
        site.sync()
    assert site.head(PROPOSED) == theirs


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500, 503])
def test_a_forge_that_refuses_is_said_and_the_next_pass_opens_the_request(
    site: Site, forge: FakeForge, status: int
) -> None:
    forge.status = status
    with pytest.raises(ForgeRefused, match=f"HTTP {status}") as refused:
        site.sync()
    assert refused.value.exit_code == 1
    assert "\n" not in str(refused.value)
    assert PROPOSED in site.branches()
    forge.status = 0
    report = site.sync()
    assert report.proposal
    assert report.proposal.url == "https://forge.example/1"


def test_a_forge_that_its_host_does_not_tell_has_to_be_named(tmp_path: Path) -> None:
    site = Site(tmp_path, propose="merge-request")
    with pytest.raises(ForgeUnknown):
        site.sync()


def test_a_repository_without_a_branch_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    site = Site(tmp_path, repository="git+https://git.example.org/site.git")
    with pytest.raises(SecretSyncError, match="branch"):
        site.sync()
