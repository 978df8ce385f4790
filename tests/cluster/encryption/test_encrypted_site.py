"""Targets in git and in directories whose Secrets only the cluster can read: through whole passes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync.core.errors import SecretSyncError
from tests.cluster.encryption.controller import Controller
from tests.cluster.encryption.test_sops import PROGRAM
from tests.cluster.repository.site import MODULE, SOUND, Site, git
from tests.cluster.repository.test_repository import CHANGED, PROPOSED, mounted
from tests.servers import git_http

pytestmark = pytest.mark.slow  # each case starts git

FOLDER = "clusters/production/rucio"


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller.make(tmp_path / "cert.pem")


def sealed_site(folder: Path, url: str = "", **cluster: Any) -> Site:
    return Site(folder, url, encrypt={"sealedSecrets": "cert.pem"}, **cluster)


def secrets(site: Site, branch: str = "main") -> dict[str, dict[str, Any]]:
    """The manifests of packages' Secrets, by name."""
    texts = [site.show(name, branch) for name in site.files(branch) if name.startswith(f"{FOLDER}/secret-site-policy")]
    return {manifest["metadata"]["name"]: manifest for manifest in map(yaml.safe_load, texts)}


def test_a_first_pass_seals_the_package_and_the_values_mount_it(tmp_path: Path, controller: Controller) -> None:
    with git_http.serve(tmp_path / "served") as url:
        site = sealed_site(tmp_path, f"{url}/site/flux.git")
        site.sync()
    (name,) = mounted(site.show("apps/daemons.yaml"))
    manifest = secrets(site)[name]
    assert manifest["kind"] == "SealedSecret"
    assert manifest["spec"]["template"]["immutable"] is True
    assert controller.unseal(manifest)["permission.py"] == SOUND.encode()
    assert all("has_permission" not in site.show(path) for path in site.files() if path.startswith(FOLDER))


def test_nothing_changed_is_no_commit_though_encryption_differs_each_time(
    tmp_path: Path, controller: Controller
) -> None:
    site = sealed_site(tmp_path)
    site.sync()
    before = site.head()
    assert not site.preview().pending
    report = site.sync()
    assert report.proposal
    assert report.proposal.state == "nothing"
    assert site.head() == before


def test_a_renewed_certificate_seals_what_is_new_and_leaves_what_is_there(
    tmp_path: Path, controller: Controller
) -> None:
    site = sealed_site(tmp_path)
    site.sync()
    before = secrets(site)
    renewed = Controller.make(controller.path)
    assert not site.preview().pending
    site.package({"permission.py": CHANGED})
    site.sync()
    after = secrets(site)
    (new,) = after.keys() - before.keys()
    assert {name: after[name] for name in before} == before
    assert renewed.unseal(after[new])["permission.py"] == CHANGED.encode()


def test_a_revert_of_the_commit_mounts_the_earlier_sealed_secret(tmp_path: Path, controller: Controller) -> None:
    site = sealed_site(tmp_path)
    site.sync()
    (first,) = mounted(site.show("apps/daemons.yaml"))
    earlier = site.show("apps/daemons.yaml")
    site.package({"permission.py": CHANGED})
    site.sync()
    site.commit({"apps/daemons.yaml": earlier})
    assert controller.unseal(secrets(site)[first])["permission.py"] == SOUND.encode()


def test_earlier_sealed_secrets_go_after_as_many_revisions_as_are_kept(tmp_path: Path, controller: Controller) -> None:
    site = sealed_site(tmp_path)
    for number in range(8):
        site.package({"permission.py": f"{SOUND}\n\nNUMBER = {number}\n"})
        site.sync()
    found = secrets(site)
    assert {manifest["kind"] for manifest in found.values()} == {"SealedSecret"}
    assert len(found) == 6  # the newest, and five that a revert would need
    assert not site.preview().pending


def test_content_that_comes_back_uses_the_secret_that_is_there(tmp_path: Path, controller: Controller) -> None:
    site = sealed_site(tmp_path)
    site.sync()
    (first,) = mounted(site.show("apps/daemons.yaml"))
    site.package({"permission.py": CHANGED})
    site.sync()
    site.package({"permission.py": SOUND})
    site.sync()
    assert mounted(site.show("apps/daemons.yaml")) == [first]
    assert controller.unseal(secrets(site)[first])["permission.py"] == SOUND.encode()
    assert not site.preview().pending


def test_a_request_that_is_open_is_not_encrypted_again_in_every_pass(
    tmp_path: Path, controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from secretsync.reconcile import repository_factory

    def no_forge(*_: object) -> object:
        raise AssertionError

    site = sealed_site(tmp_path, propose="merge-request", forge="gitea")
    monkeypatch.setattr(repository_factory, "open_forge", no_forge)
    with pytest.raises(AssertionError):
        site.sync()
    head = site.head(PROPOSED)
    with pytest.raises(AssertionError):
        site.sync()
    assert site.head(PROPOSED) == head
    assert controller.unseal(next(iter(secrets(site, PROPOSED).values())))


def test_secrets_that_keep_their_names_are_sealed_anew_where_they_changed(
    tmp_path: Path, controller: Controller
) -> None:
    site = sealed_site(tmp_path, values=[])
    site.package({"algorithms/__init__.py": "", "algorithms/lfn2pfn.py": "X = 1\n"})
    site.sync()
    site.package({"permission.py": CHANGED})
    assert site.preview().pending
    site.sync()
    found = secrets(site)
    assert set(found) == {"site-policy", "site-policy-algorithms"}
    assert controller.unseal(found["site-policy"])["permission.py"] == CHANGED.encode()
    assert controller.unseal(found["site-policy-algorithms"])["lfn2pfn.py"] == b"X = 1\n"
    assert not site.preview().pending


@pytest.mark.parametrize("values", [[], [{"file": "apps/daemons.yaml", "chart": "daemons"}]])
def test_encryption_that_is_turned_on_and_off_rewrites_what_is_there(
    tmp_path: Path, controller: Controller, values: list[dict[str, str]]
) -> None:
    site = Site(tmp_path, values=values)
    site.sync()
    site.package({"permission.py": CHANGED})
    site.sync()
    site.package({"permission.py": SOUND})
    encrypted = {"sealedSecrets": "cert.pem"}
    site._cluster["encrypt"] = encrypted
    site.sync()
    names = mounted(site.show("apps/daemons.yaml")) or ["site-policy"]
    assert secrets(site)[names[0]]["kind"] == "SealedSecret"
    assert not [name for name in site.files() if "-history-" in name]
    assert not site.preview().pending
    del site._cluster["encrypt"]
    site.sync()
    assert secrets(site)[names[0]]["kind"] == "Secret"
    assert not site.preview().pending


def test_the_report_compares_with_the_live_revision_where_the_source_still_has_it(
    tmp_path: Path, controller: Controller
) -> None:
    site = sealed_site(tmp_path)
    policy = tmp_path / "policy"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "policy")
    site.requirement = f"git+{policy.as_uri()}@main"
    for text in (SOUND, SOUND.replace("return None", "return True")):
        site.package({"permission.py": text})
        git(policy, "add", "--all")
        git(policy, "commit", "--quiet", "--message", "policy")
        report = site.preview()
        site.sync()
    assert report.checked_packages[MODULE].difference is not None


def test_a_site_s_own_sealed_secret_is_not_taken_over(tmp_path: Path, controller: Controller) -> None:
    site = sealed_site(tmp_path, values=[])
    site.sync()
    (manifest,) = secrets(site).values()
    del manifest["spec"]["template"]["metadata"]["labels"]
    site.commit({f"{FOLDER}/secret-site-policy.yaml": yaml.safe_dump(manifest)})
    with pytest.raises(SecretSyncError, match="exists and secretsync did not make it"):
        site.sync()


def test_a_certificate_that_expired_stops_the_target_alone_and_nothing_is_pushed(
    tmp_path: Path, controller: Controller
) -> None:
    site = sealed_site(tmp_path)
    controller.path.write_text("expired")
    head = site.head()
    with pytest.raises(SecretSyncError, match="kubeseal --fetch-cert"):
        site.sync()
    assert site.head() == head


def test_sops_encrypts_by_the_rules_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, program = tmp_path / "calls.json", tmp_path / "bin" / "sops"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable, calls=str(calls), fault=""))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    with git_http.serve(tmp_path / "served") as url:
        site = Site(tmp_path, f"{url}/site/flux.git", encrypt={"sops": True})
        with pytest.raises(SecretSyncError, match=r"add one whose creation_rules"):
            site.sync()
        site.commit({".sops.yaml": "creation_rules: []\n"})
        site.sync()
        (name,) = mounted(site.show("apps/daemons.yaml"))
        assert secrets(site)[name]["data"]["permission.py"].startswith("ENC[")
        head = site.head()
        site.sync()
        assert site.head() == head
    assert site.show(".sops.yaml") == "creation_rules: []\n"
    assert git(site.bare, "log", "-1", "--format=%s").startswith(f"secretsync: {MODULE}")
