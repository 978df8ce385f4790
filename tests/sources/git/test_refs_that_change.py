"""What is live is what a ref is judged by, even where the cache is new: caches are often emptied, clusters are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from secretsync.cli.main import main
from secretsync.sources.git.refs import find_newest_tag
from tests.sources.layouts import POLICY, below, commit, git, write


class Site:
    """A repository, a directory of manifests, and a configuration that follows *ref*."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.repository, self._capsys = folder / "policy", capsys
        write(self.repository, below("my_policy", POLICY))
        commit(self.repository)

    def follow(self, ref: str, **keys: str) -> None:
        package = {
            "moduleName": "my_policy",
            "requirement": f"git+file://{self.repository}{f'@{ref}' * bool(ref)}",
            **keys,
        }
        whole = {
            "packages": [{**package, "check": {"fail": "never"}}],
            "targets": [{"cluster": {"directory": "./cluster"}, "namespace": "rucio"}],
            "cache": "./cache",
        }
        Path("secretsync.yaml").write_text(yaml.safe_dump(whole))

    def change(self, text: str) -> None:
        write(self.repository, {"my_policy/schema.py": f"# {text}\n"})
        commit(self.repository)

    def run(self) -> tuple[int, str]:
        """One pass with an empty cache: its exit code and all that it said."""
        shutil.rmtree("cache", ignore_errors=True)
        code = main(["--once"])
        told = self._capsys.readouterr()
        return code, " ".join((told.out + told.err).split())

    @property
    def live(self) -> str:
        (secret,) = yaml.safe_load_all(Path("cluster/rucio/secret-my-policy.yaml").read_text())
        return str(secret["metadata"]["annotations"]["secretsync.rucio/revision"])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    monkeypatch.chdir(tmp_path)
    return Site(tmp_path, capsys)


def move_the_tag(site: Site, **keys: str) -> str:
    git(site.repository, "tag", "v1")
    site.follow("v1", **keys)
    assert site.run()[0] == 0
    before = site.live
    site.change("moved")
    git(site.repository, "tag", "--force", "v1")
    return before


def test_a_tag_that_moved_is_refused_and_what_is_live_stays(site: Site) -> None:
    before = move_the_tag(site, tagMoved="refuse")
    for _ in range(2):
        code, told = site.run()
        assert (code, site.live) == (1, before)
        assert "ask who moved it" in told
        assert "degraded: my_policy stays at commit" in told


def test_a_tag_that_moved_is_taken_with_a_warning_once(site: Site) -> None:
    before = move_the_tag(site, tagMoved="warn")
    code, told = site.run()
    assert (code, told.count("ask who moved it")) == (0, 1)
    assert site.live != before
    assert "ask who moved it" not in site.run()[1]


def test_a_tag_that_may_move_is_taken_without_a_word(site: Site) -> None:
    before = move_the_tag(site, tagMoved="allow")
    code, told = site.run()
    assert (code, "moved it" in told) == (0, False)
    assert site.live != before


@pytest.mark.parametrize(("policy", "code"), [("refuse", 1), ("warn", 0), ("allow", 0)])
def test_a_newer_tag_that_a_server_hides_is_a_rollback(site: Site, policy: str, code: int) -> None:
    git(site.repository, "tag", "v1.0")
    site.change("newer")
    git(site.repository, "tag", "v1.1")
    site.follow("", tag="~=1.0", rollback=policy)
    assert site.run()[0] == 0
    before = site.live
    git(site.repository, "tag", "-d", "v1.1")
    done, told = site.run()
    assert (done, "tag 'v1.0' is older than tag 'v1.1'" in told) == (code, policy != "allow")
    assert (site.live == before) == (policy == "refuse")


def test_a_branch_that_vanished_keeps_the_last_good_bundle_until_it_is_back(site: Site) -> None:
    git(site.repository, "branch", "gone")
    site.follow("gone")
    assert site.run()[0] == 0
    before = site.live
    site.change("later")
    git(site.repository, "branch", "-D", "gone")
    for _ in range(2):
        code, told = site.run()
        assert (code, site.live) == (1, before)
        assert "has no branch or tag 'gone'" in told
        assert "degraded: my_policy stays at commit" in told
    git(site.repository, "branch", "gone")
    assert site.run()[0] == 0
    assert site.live != before


@pytest.mark.parametrize("tag", ["9" * 5000, "v" + "1." * 100_000 + "0", "1.0-" + "x" * 100_000])
def test_a_tag_longer_than_any_version_is_none(tag: str) -> None:
    refs = {f"refs/tags/{tag}": "a" * 40, "refs/tags/v1.0": "b" * 40}
    assert find_newest_tag("https://host/repo", ">=1", "", refs).commit == "b" * 40
