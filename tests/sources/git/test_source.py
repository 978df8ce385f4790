"""Git as sites use it: refs of every kind, over smart HTTP, from a bare cache."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from secretsync.config import Package
from secretsync.core.model import Bundle, Revision
from secretsync.sources.git.cache import TooManyPaths
from secretsync.sources.git.errors import (
    AccessRefused,
    BrokenAnswer,
    CommitNotServed,
    GitFailed,
    HttpRefused,
    NotAGitServer,
    PlainFiles,
    ProxyWantsPassword,
    RepositoryMoved,
    RepositoryNotFound,
    ServerFailed,
    TooManyRequests,
)
from secretsync.sources.git.process import GitTimedOut, run
from secretsync.sources.git.refs import (
    AmbiguousRef,
    AmbiguousVersion,
    NoDefaultBranch,
    NotACommit,
    NoTagMatches,
    RefVanished,
    TagMoved,
    UnknownRef,
)
from secretsync.sources.open import open_source
from secretsync.sources.version import VersionMismatch
from tests.servers.git_http import Behaviour, serve
from tests.servers.http import Answer, Request, serving
from tests.sources.layouts import POLICY, below, commit, git, write

pytestmark = pytest.mark.slow  # each case starts git

MODULE = "my_policy"


@dataclass
class Redirecting:
    """Sends everybody to one place."""

    location: str

    def answer(self, _request: Request) -> Answer:
        return Answer(302, headers={"Location": self.location})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "served" / "policy"
    write(folder, below(f"src/{MODULE}", {**POLICY, "algorithms/lfn2pfn.py": "1\n", "empty.py": ""}))
    commit(folder, "first")
    return folder


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def url(repository: Path, behaviour: Behaviour) -> Iterator[str]:
    with serve(repository.parent, behaviour=behaviour) as address:
        yield f"{address}/policy"


def package(requirement: str, **keys: object) -> Package:
    return Package.model_validate({"moduleName": MODULE, "requirement": requirement, **keys}, by_alias=True)


def fetch(wanted: Package, folder: Path) -> Bundle:
    source = open_source(wanted, cache=folder / "cache", base=folder)
    return source.fetch(source.resolve())


def resolve(wanted: Package, folder: Path) -> Revision:
    return open_source(wanted, cache=folder / "cache", base=folder).resolve()


def contents(bundle: Bundle) -> dict[str, bytes]:
    return {file.path: file.data for file in bundle.files}


def test_every_kind_of_ref_resolves_to_its_commit(repository: Path, url: str, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "v0.1.0")
    git(repository, "tag", "--annotate", "--message=x", "v0.2.0")
    git(repository, "checkout", "--quiet", "-b", "feature/next")
    second = commit(repository, "second")
    git(repository, "checkout", "--quiet", "main")
    expected = {"": first, "@HEAD": first, "@main": first, "@feature/next": second, "@v0.1.0": first, "@v0.2.0": first}
    expected |= {"@refs/tags/v0.2.0": first, "@refs/heads/feature/next": second, f"@{second}": second}
    found = {ref: resolve(package(f"git+{url}{ref}"), tmp_path).id for ref in expected}
    assert found == {ref: f"commit:{name}" for ref, name in expected.items()}


def test_a_fetch_brings_every_file_byte_for_byte(repository: Path, url: str, tmp_path: Path) -> None:
    odd = {"crlf.py": b"a = 1\r\n", "binary.dat": bytes(range(256)), "no_end.py": b"x", "nested/deep/a.txt": b"\n"}
    for path, data in odd.items():
        (repository / "src" / MODULE / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / "src" / MODULE / path).write_bytes(data)
    write(repository, {".gitattributes": "* text=auto eol=crlf\n*.dat filter=evil\n"})
    git(repository, "-c", "core.autocrlf=false", "add", "--all")
    commit(repository)
    git(repository, "rm", "--quiet", ".gitattributes")
    for path, data in odd.items():
        (repository / "src" / MODULE / path).write_bytes(data)
    commit(repository)
    bundle = fetch(package(f"git+{url}"), tmp_path)
    assert {path: contents(bundle)[path] for path in odd} == odd


def test_the_revision_tells_source_ref_and_commit(repository: Path, url: str, tmp_path: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert fetch(package(f"git+{url}@main"), tmp_path).revision == Revision(url, "main", f"commit:{head}")


def test_resolving_asks_the_server_for_its_refs_once(url: str, behaviour: Behaviour, tmp_path: Path) -> None:
    resolve(package(f"git+{url}@main"), tmp_path)
    assert [(method, path.rpartition("/")[2].partition("?")[0]) for method, path, _ in behaviour.requests] == [
        ("GET", "refs"),
        ("POST", "git-upload-pack"),
    ]


def test_what_is_cached_is_read_without_the_server(url: str, behaviour: Behaviour, tmp_path: Path) -> None:
    source = open_source(package(f"git+{url}@main"), cache=tmp_path / "cache", base=tmp_path)
    revision = source.resolve()
    first = source.fetch(revision)
    behaviour.requests.clear()
    assert source.fetch(revision) == first
    assert behaviour.requests == []


def test_a_full_commit_id_that_is_cached_needs_no_server(repository: Path, url: str, tmp_path: Path) -> None:
    wanted = package(f"git+{url}@{git(repository, 'rev-parse', 'HEAD')}")
    before = fetch(wanted, tmp_path)
    (repository / ".git").rename(repository / "gone")
    assert fetch(wanted, tmp_path) == before


def test_files_outside_of_the_package_are_not_fetched(repository: Path, url: str, tmp_path: Path) -> None:
    (repository / "huge.bin").write_bytes(os.urandom(3_000_000))
    commit(repository)
    fetch(package(f"git+{url}"), tmp_path)
    held = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert held < 500_000


def test_a_server_without_filters_serves_as_well(repository: Path, url: str, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "false")
    assert contents(fetch(package(f"git+{url}"), tmp_path))["algorithms/lfn2pfn.py"] == b"1\n"


def test_a_change_a_force_push_and_an_unrelated_history_are_followed(
    repository: Path, url: str, tmp_path: Path
) -> None:
    wanted = package(f"git+{url}@main")
    fetch(wanted, tmp_path)
    write(repository, {f"src/{MODULE}/new.py": "2\n"})
    commit(repository)
    assert contents(fetch(wanted, tmp_path))["new.py"] == b"2\n"
    git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    commit(repository, "another second")
    assert "new.py" not in contents(fetch(wanted, tmp_path))
    git(repository, "checkout", "--quiet", "--orphan", "elsewhere")
    write(repository, {f"src/{MODULE}/orphan.py": "3\n"})
    commit(repository)
    git(repository, "branch", "--force", "main", "elsewhere")
    assert contents(fetch(wanted, tmp_path))["orphan.py"] == b"3\n"


def test_an_older_commit_that_no_ref_names_is_found(repository: Path, url: str, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    write(repository, {f"src/{MODULE}/new.py": "2\n"})
    commit(repository)
    assert "new.py" not in contents(fetch(package(f"git+{url}@{first}"), tmp_path))


@pytest.mark.parametrize("ref", ["nowhere", "refs/heads/nowhere", "nested/main"])
def test_an_unknown_ref_is_named(url: str, ref: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownRef, match=ref):
        resolve(package(f"git+{url}@{ref}"), tmp_path)


def test_a_ref_whose_end_is_the_name_of_another_is_not_taken(repository: Path, url: str, tmp_path: Path) -> None:
    git(repository, "update-ref", "refs/x/refs/heads/main2", "HEAD")
    with pytest.raises(UnknownRef):
        resolve(package(f"git+{url}@main2"), tmp_path)


def test_a_short_commit_id_is_refused_with_the_reason(repository: Path, url: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownRef, match="full id of 40 digits"):
        resolve(package(f"git+{url}@{git(repository, 'rev-parse', 'HEAD')[:10]}"), tmp_path)


def test_an_empty_repository_is_named(repository: Path, url: str, tmp_path: Path) -> None:
    git(repository.parent, "init", "--quiet", "--bare", "empty")
    with pytest.raises(UnknownRef, match="it is empty"):
        resolve(package(f"git+{url.removesuffix('policy')}empty"), tmp_path)


def test_a_branch_and_a_tag_of_one_name_must_agree(repository: Path, url: str, tmp_path: Path) -> None:
    git(repository, "tag", "twice")
    git(repository, "branch", "twice")
    resolve(package(f"git+{url}@twice"), tmp_path)
    git(repository, "branch", "--force", "twice", commit(repository))
    with pytest.raises(AmbiguousRef, match="refs/tags/twice"):
        resolve(package(f"git+{url}@twice"), tmp_path)


def test_a_commit_that_was_never_pushed_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(CommitNotServed, match="was pushed"):
        fetch(package(f"git+{url}@{'1' * 40}"), tmp_path)


@pytest.mark.parametrize(
    ("manners", "error"),
    [
        ({"users": {"me": "secret"}}, AccessRefused),
        ({"garbage": b"<html>It works!</html>"}, NotAGitServer),
        ({"garbage": b"<!DOCTYPE html>\n<html>\n<body>Sign in</body>\n</html>\n"}, NotAGitServer),
        ({"status": 400}, HttpRefused),
        ({"status": 407}, ProxyWantsPassword),
        ({"status": 408}, ServerFailed),
        ({"status": 410}, RepositoryNotFound),
        ({"status": 423}, HttpRefused),
        ({"status": 429}, TooManyRequests),
        ({"status": 451}, HttpRefused),
        ({"status": 503}, ServerFailed),
        ({"redirect": "http://localhost:1/elsewhere"}, RepositoryMoved),
    ],
)
def test_what_a_server_does_wrong_is_one_error(
    url: str, behaviour: Behaviour, manners: dict[str, object], error: type[Exception], tmp_path: Path
) -> None:
    for name, value in manners.items():
        setattr(behaviour, name, value)
    with pytest.raises(error):
        resolve(package(f"git+{url}"), tmp_path)


@pytest.mark.parametrize(
    ("location", "error", "words"),
    [
        ("/users/sign_in?next=/policy", NotAGitServer, "/users/sign_in;"),
        ("", NotAGitServer, "what is no URL"),
        ("http://[::1/policy/info/refs", NotAGitServer, "what is no URL"),
        ("/policy/info/refs", HttpRefused, "redirects for ever"),
        ("/\x1b[31m", NotAGitServer, r"x1b"),
        ("https://elsewhere/" + "a" * 5000 + "/info/refs", RepositoryMoved, "https://elsewhere/aaa"),
    ],
)
def test_a_redirect_that_is_not_followed_has_its_own_reason(
    location: str, error: type[GitFailed], words: str, tmp_path: Path
) -> None:
    with serving(Redirecting(location)) as url, pytest.raises(error, match=re.escape(words)) as refused:
        resolve(package(f"git+{url}/policy"), tmp_path)
    assert type(refused.value) is error
    assert len(str(refused.value)) < 700


def test_a_commit_that_a_shallow_server_has_not_is_asked_for_a_few_times(
    repository: Path, url: str, behaviour: Behaviour, tmp_path: Path
) -> None:
    first = git(repository, "rev-parse", "HEAD")
    commit(repository, "second")
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--bare",
        "--depth=1",
        f"file://{repository}",
        str(tmp_path / "served" / "shallow"),
    )
    with pytest.raises(CommitNotServed, match="was pushed"):
        fetch(package(f"git+{url.removesuffix('policy')}shallow@{first}", timeout=30), tmp_path)
    assert len(behaviour.requests) < 20


@pytest.mark.parametrize("name", ["of-a-tree", "of-a-blob", "refs/tags/light", "TREE"])
def test_what_is_no_commit_is_named_and_the_cache_is_not_called_damaged(
    name: str, repository: Path, url: str, tmp_path: Path
) -> None:
    git(repository, "tag", "--annotate", "--message=x", "of-a-tree", "HEAD^{tree}")
    git(repository, "tag", "--annotate", "--message=x", "of-a-blob", "HEAD:src/my_policy/__init__.py")
    git(repository, "tag", "light", "HEAD^{tree}")
    ref = git(repository, "rev-parse", "HEAD^{tree}") if name == "TREE" else name
    with pytest.raises(NotACommit, match=r"names a (tree|blob)"):
        fetch(package(f"git+{url}@{ref}"), tmp_path)


@pytest.mark.parametrize("status", [400, 423, 429, 451])
def test_a_status_that_refuses_is_asked_for_once_and_the_cache_stays(
    status: int, repository: Path, url: str, behaviour: Behaviour, tmp_path: Path
) -> None:
    source = open_source(package(f"git+{url}@main"), cache=tmp_path / "cache", base=tmp_path)
    source.fetch(source.resolve())
    (kept,) = (tmp_path / "cache" / "git").glob("*.git/objects")
    before = kept.stat().st_ino
    commit(repository, "second")
    revision = source.resolve()
    behaviour.requests.clear()
    behaviour.status = status
    with pytest.raises((HttpRefused, TooManyRequests)):
        source.fetch(revision)
    assert len(behaviour.requests) == 1
    assert kept.stat().st_ino == before


@pytest.mark.parametrize("allowed", [False, True])
def test_a_redirect_on_the_same_server_is_followed_with_its_credential(
    allowed: bool, repository: Path, behaviour: Behaviour, url: str, tmp_path: Path
) -> None:
    repository.rename(repository.with_suffix(".git"))
    behaviour.redirect_to_dotgit = True
    (tmp_path / "token").write_text("a-token")
    access = {"token": {"file": "token"}, "allowPlainHttp": True} if allowed else {}
    behaviour.users = {"x-access-token": "a-token"} if allowed else {}
    assert fetch(package(f"git+{url}", access=access), tmp_path).revision.source == url
    head = git(repository.with_suffix(".git"), "rev-parse", "HEAD")
    (tmp_path / "pinned").mkdir()
    (tmp_path / "pinned" / "token").write_text("a-token")
    assert fetch(package(f"git+{url}@{head}", access=access), tmp_path / "pinned").files


def test_a_redirect_to_another_server_is_followed_where_its_host_is_named_and_no_credential_is_there(
    repository: Path, url: str, tmp_path: Path
) -> None:
    there = urlsplit(url).netloc
    (tmp_path / "token").write_text("a-token")
    token = {"token": {"file": "token"}, "allowPlainHttp": True}
    with serve(repository.parent, behaviour=Behaviour(redirect=f"http://{there}")) as front:
        for access in ({}, {"redirectsTo": ["git.example.org"]}, {**token, "redirectsTo": [there]}):
            with pytest.raises(RepositoryMoved, match="redirects to") as refused:
                resolve(package(f"git+{front}/policy", access=access), tmp_path)
            assert "redirectsTo" in str(refused.value)
        assert fetch(package(f"git+{front}/policy", access={"redirectsTo": [there]}), tmp_path).files


@pytest.mark.parametrize("speaks_protocol_2", [True, False])
def test_a_commit_that_only_a_tag_reaches_is_found(
    speaks_protocol_2: bool, repository: Path, url: str, behaviour: Behaviour, tmp_path: Path
) -> None:
    behaviour.speaks_protocol_2 = speaks_protocol_2
    git(repository, "checkout", "--quiet", "-b", "release")
    older, released = commit(repository, "release candidate"), commit(repository, "release")
    git(repository, "tag", "--annotate", "--message=x", "v1.0")
    git(repository, "checkout", "--quiet", "main")
    git(repository, "branch", "--quiet", "-D", "release")
    for number, pinned in enumerate((released, older)):
        assert fetch(package(f"git+{url}@{pinned}"), tmp_path / str(number)).revision.id == f"commit:{pinned}"


def test_a_repository_that_names_its_objects_by_sha256_is_fetched(behaviour: Behaviour, tmp_path: Path) -> None:
    folder = tmp_path / "sha256" / "policy"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main", "--object-format=sha256")
    write(folder, below(MODULE, POLICY))
    first = commit(folder)
    with serve(folder.parent, behaviour=behaviour) as address:
        assert fetch(package(f"git+{address}/policy@main"), tmp_path).revision.id == f"commit:{first}"
        write(folder, {f"{MODULE}/new.py": "1\n"})
        second = commit(folder)
        assert contents(fetch(package(f"git+{address}/policy@{second}"), tmp_path))["new.py"] == b"1\n"


def test_a_repository_that_was_made_anew_with_sha256_is_fetched_anew(
    repository: Path, url: str, tmp_path: Path
) -> None:
    fetch(package(f"git+{url}@main"), tmp_path)
    repository.rename(tmp_path / "old")
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch=main", "--object-format=sha256")
    write(repository, below(MODULE, POLICY))
    made_anew = commit(repository)
    assert fetch(package(f"git+{url}@main"), tmp_path).revision.id == f"commit:{made_anew}"


def test_a_head_that_names_no_branch_is_told_with_the_branches_that_there_are(
    repository: Path, url: str, tmp_path: Path
) -> None:
    git(repository, "symbolic-ref", "HEAD", "refs/heads/master")
    with pytest.raises(NoDefaultBranch, match=r"there are main: write @main"):
        resolve(package(f"git+{url}"), tmp_path)


def test_two_tags_of_one_version_and_different_commits_are_refused(repository: Path, url: str, tmp_path: Path) -> None:
    git(repository, "tag", "1.0")
    git(repository, "tag", "v1.0")
    assert resolve(package(f"git+{url}", tag="~=1.0"), tmp_path).is_tag
    commit(repository)
    git(repository, "tag", "--force", "v1.0")
    with pytest.raises(AmbiguousVersion, match=r"'1\.0' and 'v1\.0'"):
        resolve(package(f"git+{url}", tag="~=1.0"), tmp_path)


def test_plain_files_behind_http_are_one_sentence(
    repository: Path, url: str, behaviour: Behaviour, tmp_path: Path
) -> None:
    git(repository, "update-server-info")
    behaviour.plain_files = True
    with pytest.raises(PlainFiles, match="git http-backend"):
        fetch(package(f"git+{url}/.git@main"), tmp_path)


def test_a_tree_of_more_paths_than_can_be_counted_is_refused(repository: Path, tmp_path: Path) -> None:
    tree = git(repository, "write-tree")
    for _ in range(11):
        entries = "".join(f"040000 tree {tree}\t{number}\n" for number in range(10))
        made = subprocess.run(
            ["git", "mktree"], cwd=repository, input=entries, capture_output=True, text=True, check=True
        )
        tree = made.stdout.strip()
    git(repository, "branch", "deep", git(repository, "commit-tree", "-m", "deep", tree))
    with pytest.raises(TooManyPaths, match="100,000 paths"):
        fetch(package(f"git+file://{repository}@deep"), tmp_path)


def test_git_gets_an_environment_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text("#!/bin/sh\nexec /usr/bin/env\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    ours = ("AWS_SECRET_ACCESS_KEY", "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "SITE_TOKEN")
    for name in ours:
        monkeypatch.setenv(name, "x")
    answer = run(["ls-remote"], environment={"GIT_DIR": "/dev/null"}, timeout=9)
    names = {line.partition("=")[0] for line in answer.stdout.decode().splitlines()}
    assert {"PATH", "GIT_DIR", "LC_ALL"} <= names
    assert not names & set(ours)


def test_redirects_for_ever_end(url: str, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.redirect = url.removesuffix("/policy") + "/again"
    with pytest.raises(HttpRefused, match="redirects for ever"):
        resolve(package(f"git+{url}"), tmp_path)


def test_an_answer_cut_short_is_a_broken_answer(url: str, behaviour: Behaviour, tmp_path: Path) -> None:
    source = open_source(package(f"git+{url}"), cache=tmp_path / "cache", base=tmp_path)
    revision = source.resolve()
    behaviour.truncate_after = 300
    with pytest.raises(BrokenAnswer):
        source.fetch(revision)
    behaviour.truncate_after = None
    assert source.fetch(revision).files


def test_a_repository_that_is_not_there_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFound, match="nothing-here"):
        resolve(package(f"git+{url}/nothing-here"), tmp_path)
    with pytest.raises(RepositoryNotFound):
        resolve(package(f"git+file://{tmp_path}/nothing-here"), tmp_path)


def test_a_server_that_hangs_ends_by_its_timeout(url: str, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.delay = 60
    with pytest.raises(GitTimedOut, match="'timeout'"):
        resolve(package(f"git+{url}", timeout=0.5), tmp_path)


def test_a_timeout_ends_the_children_too_without_ps_or_pgrep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_git = tmp_path / "bin"
    only_git.mkdir()
    child = tmp_path / "child"
    script = f"#!/bin/sh\n/bin/sleep 60 & echo $! > {child}\nwait\n"
    (only_git / "git").write_text(script)
    (only_git / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(only_git))
    with pytest.raises(GitTimedOut):
        run(["ls-remote"], environment={}, timeout=0.5)
    deadline = time.monotonic() + 10
    while _lives(int(child.read_text())) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _lives(int(child.read_text()))


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_users_and_the_machines_git_configuration_do_not_apply(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text('[url "http://localhost:1/"]\n\tinsteadOf = http://\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'url.http://localhost:1/.insteadOf=http://'")
    assert fetch(package(f"git+{url}"), tmp_path).files


@pytest.mark.parametrize(
    ("pyproject", "ref", "expected"),
    [
        ("[project]\nname = 'x'\nversion = '1.4.0'\n", "main", "1.4.0"),
        ("[project]\nname = 'x'\ndynamic = ['version']\n", "v1.4", "1.4"),
        ("not toml [", "policy-1.4.0", "1.4.0"),
    ],
)
def test_the_version_is_what_pyproject_or_the_tag_states(
    repository: Path, url: str, pyproject: str, ref: str, expected: str, tmp_path: Path
) -> None:
    write(repository, {"pyproject.toml": pyproject})
    commit(repository)
    git(repository, "tag", "v1.4")
    git(repository, "tag", "policy-1.4.0")
    assert fetch(package(f"git+{url}@{ref}", version="1.4"), tmp_path).version == expected
    with pytest.raises(VersionMismatch, match=r"1\.5"):
        fetch(package(f"git+{url}@{ref}", version="1.5"), tmp_path)


def test_a_version_that_nothing_states_is_reported_as_not_checked(url: str, tmp_path: Path) -> None:
    bundle = fetch(package(f"git+{url}@main", version="1.4"), tmp_path)
    assert bundle.version == ""
    assert "was not checked" in bundle.notes[0]


def test_a_branch_that_vanished_is_told_apart_from_one_that_never_was(
    repository: Path, url: str, tmp_path: Path
) -> None:
    git(repository, "branch", "gone")
    wanted = package(f"git+{url}@gone")
    fetch(wanted, tmp_path)
    git(repository, "branch", "-D", "gone")
    with pytest.raises(RefVanished, match="What was deployed stays") as vanished:
        resolve(wanted, tmp_path)
    assert vanished.value.commit == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("kind", ["--annotate", "--no-sign"])
def test_a_tag_that_moved_is_refused_warned_about_or_allowed(
    kind: str, repository: Path, url: str, tmp_path: Path
) -> None:
    git(
        repository, "tag", kind, "--message=x" if kind == "--annotate" else "v1.0", *(["v1.0"] * (kind == "--annotate"))
    )
    fetch(package(f"git+{url}@v1.0"), tmp_path)
    commit(repository)
    git(repository, "tag", "--force", "v1.0")
    with pytest.raises(TagMoved, match="ask who moved it"):
        resolve(package(f"git+{url}@v1.0", tagMoved="refuse"), tmp_path)
    assert fetch(package(f"git+{url}@v1.0", tagMoved="allow"), tmp_path / "x").notes == ()
    warned = fetch(package(f"git+{url}@v1.0", tagMoved="warn"), tmp_path)
    assert "ask who moved it" in warned.notes[0]


def test_a_branch_that_moved_is_what_branches_do(repository: Path, url: str, tmp_path: Path) -> None:
    wanted = package(f"git+{url}@main", tagMoved="refuse")
    fetch(wanted, tmp_path)
    commit(repository)
    assert fetch(wanted, tmp_path).notes == ()


def test_a_range_of_tags_takes_the_newest(repository: Path, url: str, tmp_path: Path) -> None:
    for tag in ("v0.2.0", "v0.3.1", "v0.10.0", "v1.0.0", "v0.11.0rc1", "nightly"):
        git(repository, "tag", tag, commit(repository, tag))
    for tag in ("policy-0.4.0", "policy-0.5.0"):
        git(repository, "tag", tag, commit(repository, tag))

    def ref(**keys: str) -> str:
        return resolve(package(f"git+{url}", **keys), tmp_path).ref

    assert ref(tag="~=0.3") == "v0.10.0"
    assert ref(tag="~=0.11.0rc1") == "v0.11.0rc1"
    assert ref(tag="<1", tagPrefix="policy-") == "policy-0.5.0"
    assert fetch(package(f"git+{url}", tag="~=0.3", version="0.10.0"), tmp_path).version == "0.10.0"
    with pytest.raises(NoTagMatches, match=r"v1\.0\.0"):
        ref(tag=">2")


@pytest.mark.parametrize(
    ("requirement", "tag"), [("git+https://h/r@v1", "~=1"), ("name", "~=1"), ("git+https://h/r", "x")]
)
def test_a_range_of_tags_that_cannot_be_meant_is_refused(requirement: str, tag: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        package(requirement, tag=tag)
