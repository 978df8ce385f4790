"""Days on which something else does not work: a sentence, nothing half done, and the next pass heals it."""

from __future__ import annotations

import socket
import subprocess
import threading
from pathlib import Path

import pytest
import yaml

from secretsync.cluster.errors import UnusableManifest
from secretsync.cluster.repository import git as repository_git
from secretsync.cluster.repository.errors import BranchMissing, ForgeRefused, PushRefused
from secretsync.core.errors import SecretSyncError
from secretsync.reconcile import repository_factory
from secretsync.sources.git.errors import AccessRefused, GitFailed
from secretsync.sources.git.process import AnswerTooLarge
from tests.cluster.repository.conftest import at_host
from tests.cluster.repository.site import MODULE, SOUND, VALUES, Site, git
from tests.servers import git_http
from tests.servers.forge import FakeForge

pytestmark = pytest.mark.slow  # each case starts git

PROPOSED = "secretsync/secretsync/rucio"
CHANGED = SOUND + "\n\nCHANGED = True\n"
HOOK = "#!/bin/sh\nwhile read old new ref; do case $ref in {refs}) echo 'main is protected' >&2; exit 1;; esac; done\n"


def fails(site: Site, error: type[SecretSyncError], *words: str) -> None:
    """A pass fails with a sentence of one line that has *words*, and with the exit code of a failure."""
    with pytest.raises(error) as raised:
        site.sync()
    sentence = str(raised.value)
    assert raised.value.exit_code == 1
    assert "\n" not in sentence
    for word in words:
        assert word in sentence


def protect(site: Site, refs: str) -> Path:
    hook = site.bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK.format(refs=refs))
    hook.chmod(0o755)
    return hook


def mounts(site: Site, branch: str = "main", path: str = "apps/daemons.yaml") -> list[str]:
    values = yaml.safe_load(site.show(path, branch))
    return [mount["secretFullName"] for mount in values["secretMounts"] if "policy" in mount["mountPath"]]


def is_whole(site: Site, branch: str = "main") -> bool:
    """Whether the Secret that the values mount is there, and was made of today's package."""
    (name,) = mounts(site, branch)
    secret = yaml.safe_load(site.show(f"clusters/production/rucio/secret-{name}.yaml", branch))
    return bool(secret["immutable"])


def test_a_server_that_is_away_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        site = Site(tmp_path, f"http://127.0.0.1:{closed.getsockname()[1]}/site/flux.git")
        head = site.head()
        fails(site, GitFailed, "127.0.0.1")
    with git_http.serve(tmp_path / "served") as url:
        back = Site.__new__(Site)
        back.__dict__ = {**site.__dict__, "_cluster": {**site._cluster, "repository": f"git+{url}/site/flux.git@main"}}
        assert back.head() == head
        back.sync()
        assert is_whole(back)


@pytest.mark.parametrize("forge", ["gitlab"], indirect=True)
def test_a_forge_that_is_away_leaves_the_branch_for_the_next_pass(
    site: Site, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        patch.setattr(repository_factory, "open_forge", at_host(f"127.0.0.1:{closed.getsockname()[1]}"))
        fails(site, ForgeRefused, "cannot be reached", "the next run tries again")
    pushed = site.head(PROPOSED)
    report = site.sync()
    assert report.proposal
    assert (report.proposal.url, site.head(PROPOSED)) == ("https://forge.example/1", pushed)


def test_a_token_that_may_push_but_open_no_request_is_told_so(site: Site, forge: FakeForge) -> None:
    forge.refused = {"POST": 403}
    fails(site, ForgeRefused, "cannot open a", "HTTP 403", "FORGE_TOKEN", "the right to write merge requests")
    assert is_whole(site, PROPOSED)
    forge.refused = {}
    report = site.sync()
    assert report.proposal
    assert report.proposal.url == "https://forge.example/1"


@pytest.mark.parametrize("forge", ["github"], indirect=True)
def test_a_request_that_cannot_be_closed_keeps_its_branch_until_it_is(site: Site, forge: FakeForge) -> None:
    site.sync()
    site.merge(PROPOSED)
    forge.refused = {"PATCH": 500}
    fails(site, ForgeRefused, "cannot close", "HTTP 500")
    assert PROPOSED in site.branches()
    forge.refused = {}
    report = site.sync()
    assert report.proposal
    assert report.proposal.state == "closed"
    assert site.branches() == ["main"]


def test_a_token_that_may_not_push_at_all_is_told_which_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_TOKEN", "s3cr3t")
    with git_http.serve(tmp_path / "served") as url:
        site = Site(tmp_path, f"{url}/site/flux.git", access={"token": {"env": "SITE_TOKEN"}, "allowPlainHttp": True})
        git(site.bare, "config", "http.receivepack", "false")
        head = site.head()
        fails(site, AccessRefused, "SITE_TOKEN")
        assert site.head() == head
        git(site.bare, "config", "http.receivepack", "true")
        site.sync()
        assert is_whole(site)


def test_a_protected_branch_says_the_words_of_its_server(tmp_path: Path) -> None:
    with git_http.serve(tmp_path / "served") as url:
        site = Site(tmp_path, f"{url}/site/flux.git")
        head, hook = site.head(), protect(site, "refs/heads/main")
        fails(site, PushRefused, "main is protected", "propose: merge-request")
        assert site.head() == head
        hook.unlink()
        site.sync()
        assert is_whole(site)


def test_a_protected_branch_for_requests_leaves_no_request(site: Site, forge: FakeForge) -> None:
    hook = protect(site, "refs/heads/secretsync/*")
    fails(site, PushRefused, PROPOSED, "main is protected")
    assert forge.requests == []
    hook.unlink()
    assert site.sync().proposal


@pytest.mark.parametrize("forge", ["gitlab"], indirect=True)
def test_a_branch_that_was_renamed_is_said_and_one_that_moved_on_keeps_its_request(
    site: Site, forge: FakeForge
) -> None:
    site.sync()
    proposed = site.head(PROPOSED)
    site.commit({"README.md": "theirs"})
    git(site.bare, "branch", "-m", "main", "trunk")
    fails(site, BranchMissing, "no branch 'main'", "'repository' of the target")
    git(site.bare, "branch", "-m", "trunk", "main")
    report = site.sync()
    assert report.proposal
    assert (report.proposal.state, site.head(PROPOSED), len(forge.requests)) == ("unchanged", proposed, 1)
    site.merge(PROPOSED)
    assert (is_whole(site), site.show("README.md")) == (True, "theirs")


EDITED = {
    "another type": ("secretMounts: 5\n", "secretMounts"),
    "no YAML": ("a: [b\n", "line 2"),
    "a tab before a comment": ("a: 1\t# why\n", "write by hand what 'secretsync values daemons' prints"),
    "a template": ("{{- if .Values.policy }}\nsecretMounts: []\n{{- end }}\n", ""),
    "not UTF-8": ("caf\udce9: 1\n", "UTF-8"),
    "a list": ("- 1\n", ""),
}


@pytest.mark.parametrize("name", EDITED)
def test_values_in_which_the_place_is_not_found_are_left_and_the_rest_is_pushed(tmp_path: Path, name: str) -> None:
    text, words = EDITED[name]
    site = Site(tmp_path)
    data = text.encode(errors="surrogateescape")
    (site.work / "apps/daemons.yaml").write_bytes(data)
    git(site.work, "commit", "--quiet", "--all", "--message", "by hand")
    git(site.work, "push", "--quiet", "origin", "HEAD:main")
    (edit,) = site.sync().values
    assert words in edit.problem
    assert "\n" not in edit.problem
    shown = subprocess.run(["git", "show", "main:apps/daemons.yaml"], cwd=site.bare, check=True, stdout=subprocess.PIPE)
    assert shown.stdout == data
    assert any("/secret-site-policy-" in path for path in site.files())
    site.commit({"apps/daemons.yaml": VALUES})
    site.sync()
    assert is_whole(site)


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n".format("4d" * 32)
ODD = {
    "CRLF": VALUES.replace("\n", "\r\n"),
    "anchors": "defaults: &defaults {replicas: 1}\nconveyorFinisher: *defaults\n" + VALUES.split("\n", 2)[2],
    "no newline at the end": VALUES.rstrip("\n"),
    "tabs in comments": VALUES.replace("# one is enough", "# one\tis enough"),
    "a byte order mark": "\ufeff" + VALUES,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_values_keep_every_other_byte(tmp_path: Path, name: str) -> None:
    site = Site(tmp_path)
    site.commit({"apps/daemons.yaml": ODD[name]})
    report = site.sync()
    assert [edit.problem for edit in report.values] == [""]
    after = site.show("apps/daemons.yaml")
    kept = [
        line
        for line in after.splitlines(keepends=True)
        if line.strip() in {one.strip() for one in ODD[name].splitlines()}
    ]
    assert "".join(kept).rstrip("\r\n") == ODD[name].rstrip("\r\n")
    if name == "CRLF":
        assert "\n" not in after.replace("\r\n", "")
    assert is_whole(site)


def test_a_submodule_lfs_pointers_links_and_attributes_stay_as_they_are(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.commit(
        {
            ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n*.yaml text eol=crlf\n",
            "clusters/production/rucio/big.bin": LFS,
            ".gitmodules": '[submodule "m"]\n\tpath = modules/m\n\turl = https://git.invalid/m.git\n',
        }
    )
    (site.work / "clusters/production/rucio/link.yaml").symlink_to("../../../README.md")
    git(site.work, "update-index", "--add", "--cacheinfo", f"160000,{site.head()},modules/m")
    git(site.work, "add", "clusters/production/rucio/link.yaml")
    git(site.work, "commit", "--quiet", "--message", "odd things")
    git(site.work, "push", "--quiet", "origin", "HEAD:main")
    before = git(site.bare, "ls-tree", "-r", "main").splitlines()
    site.sync()
    assert is_whole(site)
    after = git(site.bare, "ls-tree", "-r", "main").splitlines()
    gone = [line for line in before if line not in after]
    assert [line.split("\t")[1] for line in gone] == ["apps/daemons.yaml"]
    assert "\r" not in site.show(f"clusters/production/rucio/secret-{mounts(site)[0]}.yaml")


def put(site: Site, name: str, mode: str) -> None:
    """Put a link, a submodule or a file at *name* of the branch, in place of what is there."""
    git(site.work, "pull", "--quiet", "origin", "main")
    git(site.work, "rm", "-r", "--quiet", "--cached", "--ignore-unmatch", name)
    target = site.folder / "target"
    target.write_text("elsewhere")
    blob = site.head() if mode == "160000" else git(site.work, "hash-object", "-w", str(target))
    git(site.work, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{name}")
    git(site.work, "commit", "--quiet", "--message", "a detour")
    git(site.work, "push", "--quiet", "origin", "HEAD:main")


@pytest.mark.parametrize("mode", ["120000", "160000", "100644"], ids=["link", "submodule", "file"])
@pytest.mark.parametrize("name", ["clusters", "clusters/production", "clusters/production/rucio", "apps"])
def test_what_stands_in_the_way_of_a_file_is_named_and_stays(tmp_path: Path, name: str, mode: str) -> None:
    """git itself would put a folder in its place, and the text of a manifest into the target of a link."""
    site = Site(tmp_path)
    site.sync()
    put(site, name, mode)
    site.package({"permission.py": SOUND + "\nNEWER = 1\n"})
    before = site.head()
    with pytest.raises(UnusableManifest, match=rf"^{name} .*: (is a .*: put .* there|cannot be listed as a folder)"):
        site.sync()
    assert site.head() == before


@pytest.mark.parametrize("mode", ["120000", "160000"], ids=["link", "submodule"])
def test_values_that_are_elsewhere_are_not_missing(tmp_path: Path, mode: str) -> None:
    site = Site(tmp_path)
    put(site, "apps/daemons.yaml", mode)
    fails(site, UnusableManifest, f"apps/daemons.yaml in {site.bare.as_uri()}: is a s", "put the file itself there")


def test_a_secret_that_is_a_link_in_the_repository_is_not_written_through(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.sync()
    put(site, f"clusters/production/rucio/secret-{mounts(site)[0]}.yaml", "120000")
    before = site.head()
    with pytest.raises(UnusableManifest, match=r"secret-.*\.yaml in .*: is a symlink, which is not followed"):
        site.sync()
    assert site.head() == before


def test_a_kustomization_that_is_a_link_is_not_missing(tmp_path: Path) -> None:
    """A new file would be written and not listed in it."""
    site = Site(tmp_path)
    put(site, "clusters/production/rucio/kustomization.yaml", "120000")
    fails(site, UnusableManifest, "rucio/kustomization.yaml in", "is a symlink, which is not followed")


def test_of_a_site_manifests_alone_are_read_and_no_more_than_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path)
    site.sync()
    monkeypatch.setattr(repository_git, "_LARGEST", 100_000)
    site.commit(
        {"clusters/production/picture.bin": "x" * 200_000, "clusters/production/rucio/notes.txt": "y" * 200_000}
    )
    site.sync()
    site.commit({"clusters/production/large.yaml": "# " + "z" * 200_000})
    with pytest.raises(AnswerTooLarge, match="git cat-file wrote more than 100,000 bytes"):
        site.sync()


@pytest.mark.parametrize("files", [{"rucio/a.yaml": "a: [b\n"}, {"a.yaml": "kind: Deployment\nmetadata: {name: a}\n"}])
def test_a_broken_manifest_is_named_by_repository_branch_and_path(tmp_path: Path, files: dict[str, str]) -> None:
    site = Site(tmp_path, values=[])
    site.commit({f"clusters/production/{name}": text for name, text in files.items()})
    (name,) = files
    fails(site, UnusableManifest, f"clusters/production/{name} on branch main of {site.bare.as_uri()}: ")


def test_two_secretsyncs_at_once_make_one_change(tmp_path: Path) -> None:
    first = Site(tmp_path)
    second = Site.__new__(Site)
    second.__dict__ = {**first.__dict__, "cache": "another-cache"}
    start, failures = threading.Barrier(2), []

    def run(site: Site) -> None:
        start.wait()
        try:
            site.sync()
        except SecretSyncError as error:
            failures.append(error)

    before = len(git(first.bare, "rev-list", "main").split())
    threads = [threading.Thread(target=run, args=(site,)) for site in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(git(first.bare, "rev-list", "main").split()) == before + 1
    assert is_whole(first)
    assert not second.preview().pending


@pytest.mark.parametrize("forge", ["gitlab"], indirect=True)
def test_two_secretsyncs_share_one_request(site: Site, forge: FakeForge) -> None:
    other = Site.__new__(Site)
    other.__dict__ = {**site.__dict__, "cache": "another-cache"}
    site.sync()
    found = other.sync().proposal
    assert found
    assert (found.state, found.url, len(forge.requests)) == ("unchanged", "https://forge.example/1", 1)
    site.package({"permission.py": CHANGED})
    assert [one.sync().proposal.state for one in (other, site)] == ["updated", "unchanged"]  # type: ignore[union-attr]
    assert len(forge.requests) == 1
    assert f"{MODULE}" in site.show(f"clusters/production/rucio/secret-{mounts(site, PROPOSED)[0]}.yaml", PROPOSED)
