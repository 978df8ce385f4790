"""A request that is open: what people do with it and with its branch, and what plan and status say of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from secretsync import config
from secretsync.cli.commands.doctor import doctor_command
from secretsync.cli.output.describe import describe_pass
from secretsync.cli.output.status import StatusReport, describe_status
from secretsync.cli.output.status_text import status_text
from secretsync.cli.page import Page
from secretsync.cli.settings import Settings
from secretsync.cluster.repository.errors import BranchOfOthers
from secretsync.operations import releases
from secretsync.operations.releases import ChangedByRequests
from secretsync.operations.status import status
from secretsync.reconcile import factory
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Delivery, Destination, Report
from tests.cluster.repository.site import MODULE, SOUND, Site, git
from tests.servers.forge import FakeForge

pytestmark = pytest.mark.slow  # each case starts git

PROPOSED = "secretsync/secretsync/rucio"
CHANGED = SOUND + "\n\nCHANGED = True\n"
AT_GITLAB = pytest.mark.parametrize("forge", ["gitlab"], indirect=True)
FIRST = "https://forge.example/1"


def state(report: Report) -> str:
    assert report.proposal
    return report.proposal.state


def planned(site: Site) -> str:
    """The last line of ``secretsync plan``."""
    return describe_pass(site.preview(), dry_run=True).summary


def shown_status(site: Site) -> str:
    (destination,) = factory.destinations(site.configuration, site.folder)
    found = describe_status("production", status(destination))
    text = status_text(StatusReport(time=datetime(2026, 1, 1, tzinfo=UTC), targets=(found,)))
    return " ".join(text.split())


def rewind(site: Site, commits: int = 1) -> None:
    git(site.bare, "update-ref", "refs/heads/main", f"main~{commits}")


def update_branch(site: Site, files: dict[str, str] | None = None) -> str:
    """A forge's button that merges the branch into that of the request; *files* are changed beside it."""
    git(site.work, "fetch", "--quiet", "origin")
    git(site.work, "checkout", "--quiet", "-B", PROPOSED, f"origin/{PROPOSED}")
    git(site.work, "merge", "--quiet", "--no-ff", "--no-commit", "origin/main")
    for name, text in (files or {}).items():
        (site.work / name).write_text(text)
    git(site.work, "add", "--all")
    git(site.work, "commit", "--quiet", "--message", "Merge branch 'main'")
    git(site.work, "push", "--quiet", "origin", f"HEAD:{PROPOSED}")
    return site.head(PROPOSED)


@AT_GITLAB
def test_plan_and_status_say_where_a_change_is_until_it_is_merged(site: Site) -> None:
    assert planned(site) == "pending: 1 Secret and 1 file of values, nothing proposes them yet (nothing was pushed)"
    assert f"{MODULE}: run 'secretsync apply' to deploy it" in shown_status(site)
    site.sync()
    assert planned(site) == f"pending: 1 Secret and 1 file of values, {FIRST} has them already: merge it"
    text = shown_status(site)
    assert f"{MODULE}: {FIRST} proposes 'secretsync: {MODULE} sha256" in text
    assert "waits for a merge" in text
    assert "secretsync apply" not in text
    site.package({"permission.py": CHANGED})
    assert planned(site).endswith(f"{FIRST} proposes something else: 'secretsync apply' updates it")
    site.sync()
    site.merge(PROPOSED)
    assert planned(site) == "up to date: 1 Secret, branch main holds everything"
    assert "proposes" not in shown_status(site), "the merged branch is still there, and nothing waits for anybody"


@AT_GITLAB
def test_the_doctor_says_what_waits_and_that_no_cluster_is_looked_at(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.sync()
    monkeypatch.setattr(Settings, "destinations", lambda *_: _of_doctor(site))
    done = CliRunner().invoke(doctor_command, obj=Settings())
    said = " ".join(done.output.split())
    assert f"note: {MODULE}: {FIRST} proposes 'secretsync: {MODULE}" in said
    assert "note: this is what git has: workloads are judged where 'observe' names the cluster" in said


def _of_doctor(site: Site) -> list[tuple[config.Target, Destination]]:
    made = site.configuration
    return list(zip(made.targets, factory.destinations(made, site.folder), strict=True))


@AT_GITLAB
def test_the_log_names_files_as_the_repository_does(site: Site) -> None:
    site.commit({"clusters/production/kustomization.yaml": "resources: []\n"})
    with structlog.testing.capture_logs() as logged:
        site.sync()
    files = {entry["file"] for entry in logged if "kustomization" in entry["event"]}
    assert files == {"clusters/production/kustomization.yaml"}


@AT_GITLAB
def test_a_description_begins_with_what_a_merge_brings(site: Site, forge: FakeForge) -> None:
    site.sync()
    (request,) = forge.requests
    assert "**proposes 1 Secret and 1 file of values: a merge brings them**" in request["body"]
    assert "nothing was written" not in request["body"]


@AT_GITLAB
def test_the_page_shows_what_the_branch_has_and_not_what_is_proposed(site: Site) -> None:
    site.sync()
    site.merge(PROPOSED)
    (destination,) = factory.destinations(site.configuration, site.folder)
    page = Page()
    page.add(Outcome(destination, site.sync()))
    (live,) = re.findall(r"sha256:[0-9a-f]{64}", page.html([destination.name]))
    site.package({"permission.py": CHANGED})
    page.add(Outcome(destination, site.sync()))
    text = page.html([destination.name])
    table, _, _ = text.partition("The last passes")
    assert re.findall(r"sha256:[0-9a-f]{64}", table) == [live]
    assert "What the branch has" in table
    assert "Every workload that mounts" not in table
    assert "0 of 0" not in table


@AT_GITLAB
def test_a_request_waits_for_somebody(site: Site) -> None:
    site.sync()
    (destination,) = factory.destinations(site.configuration, site.folder)
    target = describe_status("production", status(destination))
    assert not StatusReport(time=datetime(2026, 1, 1, tzinfo=UTC), targets=(target,)).current


@AT_GITLAB
def test_a_plan_without_what_is_remembered_finds_the_request_at_its_forge(site: Site, forge: FakeForge) -> None:
    site.sync()
    site.cache = "fresh"
    assert planned(site).endswith(f"{FIRST} has them already: merge it")
    forge.status = 503
    site.cache = "fresher"
    assert planned(site).endswith(f"branch {PROPOSED} has them already: merge it")


def test_a_request_that_somebody_closed_is_not_opened_again(site: Site, forge: FakeForge) -> None:
    site.sync()
    forge.requests[0]["state"] = "closed"
    closed = f"{FIRST} was closed without a merge: open it again, or change the package"
    assert planned(site).endswith(closed)
    assert "was closed without a merge" in shown_status(site)
    site.cache = "fresh"  # nothing is remembered, as in a job of CI
    assert state(site.sync()) == "declined"
    assert len(forge.requests) == 1
    forge.requests[0]["state"] = "open"
    assert state(site.sync()) == "unchanged"
    forge.requests[0]["state"] = "closed"
    site.package({"permission.py": CHANGED})
    assert state(site.sync()) == "updated"
    assert [request["state"] for request in forge.requests] == ["closed", "open"], "new content may be asked for anew"


@AT_GITLAB
def test_a_branch_that_was_rewound_gets_a_request_that_does_not_bring_the_rest_back(site: Site) -> None:
    site.commit({"secret.txt": "what should never have been committed"})
    site.sync()
    assert "secret.txt" in site.files(PROPOSED)
    rewind(site)
    assert state(site.sync()) == "updated"
    assert "secret.txt" not in site.files(PROPOSED)
    assert git(site.bare, "merge-base", "main", PROPOSED) == site.head()


@AT_GITLAB
def test_a_branch_that_moved_on_keeps_its_request(site: Site) -> None:
    site.sync()
    before = site.head(PROPOSED)
    for number in range(5):
        site.commit({"README.md": str(number)})
    site.cache = "fresh"
    assert state(site.sync()) == "unchanged"
    assert site.head(PROPOSED) == before


@AT_GITLAB
def test_a_branch_of_a_request_that_a_forge_updated_is_still_ours(site: Site) -> None:
    site.sync()
    site.commit({"README.md": "moved on"})
    merged = update_branch(site)
    assert state(site.sync()) == "unchanged"
    assert site.head(PROPOSED) == merged
    assert "waits for a merge" in shown_status(site)
    site.package({"permission.py": CHANGED})
    assert state(site.sync()) == "updated"
    site.merge(PROPOSED)
    assert state(site.sync()) in ("closed", "nothing")


@AT_GITLAB
def test_a_merge_in_which_somebody_changed_more_is_not_overwritten(site: Site) -> None:
    site.sync()
    site.commit({"README.md": "moved on"})
    update_branch(site, {"NOTES.md": "by hand"})
    with pytest.raises(BranchOfOthers):
        site.sync()
    report = site.preview()
    assert isinstance(report.blocked, BranchOfOthers)
    assert "by Colleague <colleague@example.org>, which is not overwritten" in shown_status(site)
    site.merge(PROPOSED)
    assert state(site.sync()) == "closed"
    assert "NOTES.md" in site.files()


@AT_GITLAB
def test_what_requests_change_is_not_changed_by_hand_without_saying_so(site: Site) -> None:
    site.sync()
    site.merge(PROPOSED)
    site.sync()
    (destination,) = factory.destinations(site.configuration, site.folder)
    (delivery,) = destination.deliveries
    for command in (
        lambda: releases.suspend(destination, delivery, "a test"),
        lambda: releases.resume(destination, delivery),
        lambda: releases.rollback(destination, delivery),
        lambda: releases.preview_rollback(destination, delivery),
    ):
        with pytest.raises(ChangedByRequests, match="revert the merge in the repository") as raised:
            command()
        assert raised.value.exit_code == 2


def test_where_changes_are_pushed_a_suspension_and_a_rollback_are_commits(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.sync()
    first = site.show("apps/daemons.yaml")
    site.package({"permission.py": CHANGED})
    site.sync()
    second = site.show("apps/daemons.yaml")
    assert first != second

    def by_hand() -> tuple[Destination, Delivery]:
        (destination,) = factory.destinations(site.configuration, site.folder)
        return destination, destination.deliveries[0]

    releases.suspend(*by_hand(), "a test")
    site.package({"permission.py": SOUND + "THIRD = True\n"})
    site.sync()
    assert site.show("apps/daemons.yaml") == second
    assert releases.resume(*by_hand())
    releases.rollback(*by_hand(), "1")
    assert site.show("apps/daemons.yaml") == first
    site.sync()
    assert site.show("apps/daemons.yaml") == first, "what was rolled back stays"
    subjects = git(site.bare, "log", "--format=%s", "main").splitlines()
    assert f"secretsync: {MODULE} is suspended: a test" in subjects
    assert f"secretsync: {MODULE} follows its source again" in subjects


@AT_GITLAB
def test_a_request_that_another_release_of_secretsync_made_by_another_plan_is_updated(site: Site) -> None:
    site.sync()
    git(site.work, "fetch", "--quiet", "origin")
    git(site.work, "checkout", "--quiet", "-B", PROPOSED, f"origin/{PROPOSED}")
    message = git(site.work, "log", "-1", "--format=%B").replace(
        "Secretsync-Plan: sha256:", "Secretsync-Plan: sha256:0"
    )
    git(site.work, "commit", "--quiet", "--amend", "--message", message)
    git(site.work, "push", "--quiet", "--force", "origin", f"HEAD:{PROPOSED}")
    assert "'secretsync apply' updates it" in planned(site)
    assert [state(site.sync()), state(site.sync())] == ["updated", "unchanged"]
    assert "has them already" in planned(site)
