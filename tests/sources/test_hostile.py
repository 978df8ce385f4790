"""Repositories and servers that mean harm: each ends in one sentence, and nothing of it is carried out."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from secretsync.config import Package
from secretsync.core.errors import FAILED, SecretSyncError
from secretsync.core.model import Bundle
from secretsync.sources.bundle import LfsPointer, PackageTooLarge
from secretsync.sources.git.cache import TooManyPaths, TooMuchToRead
from secretsync.sources.git.errors import GitFailed
from secretsync.sources.git.process import GitTimedOut
from secretsync.sources.locate import LinkLeadsOut, SubmoduleInPackage
from secretsync.sources.open import open_source
from secretsync.sources.tree import UnsafePath
from tests.servers.git_http import serve
from tests.sources.layouts import POLICY, below, commit, git, write

pytestmark = pytest.mark.slow  # each case starts git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    write(tmp_path / "policy", below("my_policy", POLICY))
    commit(tmp_path / "policy")
    return tmp_path / "policy"


def fetch(url: str, folder: Path, **keys: object) -> Bundle:
    raw = {"moduleName": "my_policy", "requirement": f"git+{url}", **keys}
    source = open_source(Package.model_validate(raw, by_alias=True), cache=folder / "cache", base=folder)
    return source.fetch(source.resolve())


def plant(repository: Path, *entries: tuple[str, str, str]) -> None:
    """Commit tree entries that no git client would add: mode, content or object id, path within my_policy."""
    lines = git(repository, "ls-tree", "HEAD:my_policy").splitlines()
    for mode, content, path in entries:
        kind = {"160000": "commit", "040000": "tree"}.get(mode, "blob")
        name = content if kind != "blob" else _store(repository, "blob", content.encode())
        lines.append(f"{mode} {kind} {name}\t{path}")
    raw = b"".join(map(_raw, lines))
    package = _store(repository, "tree", raw)
    root = _store(repository, "tree", _raw(f"40000 tree {package}\tmy_policy"))
    forged = git(repository, "commit-tree", root, "-m", "planted")
    git(repository, "update-ref", "refs/heads/main", forged)


def _raw(line: str) -> bytes:
    head, _, path = line.partition("\t")
    mode, _, name = head.split()
    return f"{mode.lstrip('0')} {path}".encode() + b"\0" + bytes.fromhex(name)


def _store(repository: Path, kind: str, data: bytes) -> str:
    command = ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"]
    return subprocess.run(command, cwd=repository, input=data, capture_output=True, check=True).stdout.decode().strip()


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.mark.parametrize(
    ("entry", "error", "words"),
    [
        (("100644", "x", ".."), UnsafePath, "leads out"),
        (("100644", "x", "../../etc/passwd"), UnsafePath, "leads out"),
        (("100644", "x", "/etc/passwd"), UnsafePath, "leads out"),
        (("100644", "x", "PERMISSION.py"), UnsafePath, "only in case"),
        (("100644", "x", "a\\..\\b"), UnsafePath, "backslash"),
        (("120000", "/etc/passwd", "link.py"), LinkLeadsOut, "/etc/passwd"),
        (("120000", "../../../../etc/passwd", "link.py"), LinkLeadsOut, "link.py"),
        (("120000", "link.py", "link.py"), LinkLeadsOut, "link.py"),
        (("160000", "1" * 40, "vendored"), SubmoduleInPackage, "submodule"),
        (("100644", LFS, "data.bin"), LfsPointer, "LFS"),
    ],
)
def test_what_a_tree_must_not_hold_is_refused_by_name(
    entry: tuple[str, str, str], error: type[SecretSyncError], words: str, repository: Path, tmp_path: Path
) -> None:
    plant(repository, entry)
    with pytest.raises(error) as refused:
        fetch(f"file://{repository}", tmp_path)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == FAILED


def test_nothing_that_a_repository_configures_is_carried_out(repository: Path, tmp_path: Path) -> None:
    harm = tmp_path / "harm"
    script = f"touch {harm}"
    for name in ("post-checkout", "reference-transaction", "post-merge", "fsmonitor-watchman"):
        (repository / ".git" / "hooks").mkdir(exist_ok=True)
        (repository / ".git" / "hooks" / name).write_text(f"#!/bin/sh\n{script}\n")
        (repository / ".git" / "hooks" / name).chmod(0o755)
    write(
        repository,
        {
            ".gitattributes": "* filter=evil diff=evil\n",
            ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::{script}\n\tupdate = !{script}\n',
            ".gitconfig": f"[filter 'evil']\n\tsmudge = {script}\n",
            ".lfsconfig": "[lfs]\n\turl = http://localhost:1/\n",
        },
    )
    commit(repository)
    harm.unlink(missing_ok=True)
    assert fetch(f"file://{repository}", tmp_path).files
    assert not harm.exists()


def test_a_package_of_too_many_files_is_refused_before_they_are_fetched(repository: Path, tmp_path: Path) -> None:
    blob = _store(repository, "blob", b"x\n")
    listing = "".join(f"100644 {blob}\tmy_policy/f{number}.py\0" for number in range(3_000))
    done = subprocess.run(
        ["git", "update-index", "-z", "--index-info"], cwd=repository, input=listing.encode(), check=True
    )
    assert done.returncode == 0
    git(repository, "-c", "user.name=A", "commit", "--quiet", "--message=many")
    with pytest.raises(PackageTooLarge, match=r"limits\.files"):
        fetch(f"file://{repository}", tmp_path)


def test_a_file_above_the_limit_is_refused_before_it_is_read_into_memory(repository: Path, tmp_path: Path) -> None:
    (repository / "my_policy" / "huge.bin").write_bytes(bytes(3_000_000))
    commit(repository)
    with pytest.raises(TooMuchToRead, match=r"limits\.bytes"):
        fetch(f"file://{repository}", tmp_path, limits={"bytes": 1_000_000})
    assert fetch(f"file://{repository}", tmp_path, limits={"bytes": 1_000_000}, exclude=["*.bin"]).files


@pytest.mark.slow
def test_a_repository_of_more_than_a_hundred_thousand_files_is_refused(repository: Path, tmp_path: Path) -> None:
    blob = _store(repository, "blob", b"x\n")
    listing = "".join(f"100644 {blob}\tother/{number // 1000}/f{number}\0" for number in range(100_001))
    subprocess.run(["git", "update-index", "-z", "--index-info"], cwd=repository, input=listing.encode(), check=True)
    git(repository, "commit", "--quiet", "--message=many")
    with pytest.raises(TooManyPaths):
        fetch(f"file://{repository}", tmp_path)


@contextmanager
def tcp(answer: bytes, *, then_wait: bool) -> Iterator[int]:
    """A server that says *answer* to everybody, and then hangs up or never speaks again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def talk() -> None:
            while not ended.is_set():
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.sendall(answer)
                    if then_wait:
                        ended.wait(30)

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ended.set()


@pytest.mark.parametrize(
    ("answer", "then_wait", "error"),
    [
        (b"", False, GitFailed),
        (b"\0\xff\x00garbage" * 50, False, GitFailed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0000", False, GitFailed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0000", True, GitTimedOut),
        (b"", True, GitTimedOut),
    ],
    ids=["hangs up", "garbage", "stops in the middle", "falls silent in the middle", "is silent"],
)
def test_a_server_that_misbehaves_ends_in_one_sentence(
    answer: bytes, then_wait: bool, error: type[SecretSyncError], tmp_path: Path
) -> None:
    with tcp(answer, then_wait=then_wait) as port, pytest.raises(error) as failed:
        fetch(f"http://localhost:{port}/policy", tmp_path, timeout=1)
    assert "\n" not in str(failed.value)


def test_the_proxy_of_the_environment_is_used(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(repository.parent) as address:
        # A proxy is asked with the whole URL; this server, like a proxy, looks at its path alone.
        for name in ("http_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", address)
        assert fetch("http://nowhere.invalid/policy", tmp_path).files
        monkeypatch.setenv("NO_PROXY", "nowhere.invalid")
        with pytest.raises(GitFailed):
            fetch("http://nowhere.invalid/policy@main", tmp_path)


@pytest.mark.parametrize("scheme", ["http", "https", "ssh"])
def test_a_transport_that_the_configuration_does_not_use_is_not_used(
    scheme: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where somebody's environment allows all of them."""
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext:file:http:https:ssh")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{repository}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"{scheme}://localhost:1/policy")
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").touch()
    with pytest.raises(GitFailed):
        fetch(f"{scheme}://localhost:1/policy", tmp_path)
