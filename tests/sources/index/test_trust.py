"""What an index is trusted with: its own files, of the distribution that was asked for, as their digests say."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from secretsync.config import Package
from secretsync.core.model import Bundle, Revision
from secretsync.sources.http import refuse_detour
from secretsync.sources.index.errors import HashMismatch, IndexFailed, RedirectedElsewhere, ReleaseReplaced
from secretsync.sources.index.replaced import check_replaced_release
from secretsync.sources.index.select import NoMatchingFile
from tests.servers.simple_index import Release, SimpleIndex, serve
from tests.sources.index.test_source import fetch
from tests.sources.wheels import release, sdist


@pytest.fixture(autouse=True)
def _no_netrc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", os.devnull)


@pytest.fixture
def index() -> SimpleIndex:
    return SimpleIndex([release("1.0")])


@pytest.fixture
def url(index: SimpleIndex) -> Iterator[str]:
    with serve(index) as address:
        yield address


@pytest.mark.parametrize("form", ["json", "html"])
@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224", "sha384", "sha512"])
def test_every_digest_that_the_index_gives_is_compared(
    algorithm: str, form: str, index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    index.form, index.releases[0].sha256 = form, ""
    index.releases[0].digests = {algorithm: hashlib.new(algorithm, index.releases[0].data).hexdigest()}
    assert fetch("my-policy", url, tmp_path).version == "1.0"
    index.releases[0].digests = {algorithm: hashlib.new(algorithm, b"another file").hexdigest()}
    with pytest.raises(HashMismatch, match=f"has {algorithm} "):
        fetch("my-policy", url, tmp_path / "other")


def test_a_second_digest_that_does_not_fit_is_enough(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.releases[0].digests = {"sha512": "0" * 128}
    with pytest.raises(HashMismatch, match="has sha512 "):
        fetch("my-policy", url, tmp_path)


def test_a_digest_that_is_none_is_refused(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.releases[0].sha256 = "../../../up"
    with pytest.raises(NoMatchingFile, match="sha256 is no digest"):
        fetch("my-policy", url, tmp_path)


def test_every_digest_of_a_files_url_is_compared(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    file = f"{url.removesuffix('simple/')}files/{index.releases[0].file}"
    right = hashlib.sha512(index.releases[0].data).hexdigest()
    assert fetch(f"my-policy @ {file}#sha512={right}", url, tmp_path).version == "1.0"
    with pytest.raises(HashMismatch, match="has md5 "):
        fetch(f"my-policy @ {file}#md5={'0' * 32}", url, tmp_path / "other")


@pytest.mark.parametrize("form", ["json", "html"])
def test_a_file_of_another_distribution_is_not_taken(form: str, index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.form = form
    index.releases.append(Release("my-policy", "their_policy-9.0-py3-none-any.whl", b"theirs"))
    assert fetch("my-policy", url, tmp_path).version == "1.0"
    with pytest.raises(NoMatchingFile, match="of another distribution, their-policy"):
        fetch("my-policy==9.0", url, tmp_path)


def test_an_index_that_forwards_to_another_is_left_unless_that_is_named(
    index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    public = SimpleIndex([release("99.0", name="hidden_policy")])
    with serve(public) as elsewhere:
        index.forwards_to = elsewhere.removesuffix("/simple/")
        with pytest.raises(RedirectedElsewhere, match="redirectsTo"):
            fetch("hidden-policy", url, tmp_path, module="hidden_policy")
        assert public.requests == []
        named = {"redirectsTo": [elsewhere.split("/")[2]]}
        assert fetch("hidden-policy", url, tmp_path, module="hidden_policy", access=named).version == "99.0"


def test_a_file_whose_digest_is_known_may_lie_anywhere(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    elsewhere = SimpleIndex([release("3.0")])
    with serve(elsewhere) as there:
        index.forwards_to = there.removesuffix("/simple/")
        file = f"{url.removesuffix('simple/')}files/{elsewhere.releases[0].file}"
        with pytest.raises(RedirectedElsewhere):
            fetch(f"my-policy @ {file}", url, tmp_path)
        assert fetch(f"my-policy @ {file}#sha256={elsewhere.releases[0].digest}", url, tmp_path).version == "3.0"


@pytest.mark.parametrize(
    ("start", "target", "allowed", "is_refused"),
    [
        ("https://a/x", "https://a/y", (), False),
        ("https://a/x", "https://A:443/y", (), False),
        ("http://a/x", "https://a/y", (), False),
        ("https://a/x", "http://a/y", (), True),
        ("https://a/x", "http://a/y", ("a",), True),
        ("https://a/x", "http://a/y", ("http://a",), False),
        ("https://a/x", "https://b/y", (), True),
        ("https://a/x", "https://b/y", ("b",), False),
        ("https://a/x", "https://a:8443/y", (), True),
        ("https://a/x", "https://a:8443/y", ("a:8443",), False),
        ("https://a/x", "https://a.evil/y", ("a",), True),
        ("https://a/x", "https://b/y", ("*",), False),
        ("https://a/x", "http://b/y", ("*",), True),
    ],
)
def test_what_is_another_place(start: str, target: str, allowed: tuple[str, ...], is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(RedirectedElsewhere):
            refuse_detour(start, target, allowed, "redirects to")
    else:
        refuse_detour(start, target, allowed, "redirects to")


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
def test_a_coding_that_a_mirror_names_for_an_archive_is_not_undone(
    coding: str, index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    data = sdist({"my_policy/__init__.py": b"V = 1\n"}, "my_policy-2.0")
    index.releases, index.coding = [Release("my-policy", "my_policy-2.0.tar.gz", data)], coding
    assert fetch("my-policy", url, tmp_path).version == "2.0"
    assert {headers["Accept-Encoding"] for _, _, headers in index.requests} == {"identity"}


@pytest.mark.parametrize("tag", ["py30-none-any", "py38-none-any", "py36.py37.py38-none-any", "cp39-none-any"])
def test_wheels_that_pip_of_python_39_takes_are_taken(tag: str, index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.releases = [release(tag=tag)]
    assert fetch("my-policy", url, tmp_path).version == "1.0"


@pytest.mark.parametrize("tag", ["py310-none-any", "cp36-abi3-any", "cp310-none-any"])
def test_wheels_that_pip_of_python_39_does_not_take_are_not_taken(
    tag: str, index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    index.releases = [release(tag=tag)]
    with pytest.raises(NoMatchingFile, match="must be py3-none-any"):
        fetch("my-policy", url, tmp_path)


@pytest.mark.parametrize(
    ("wanted", "is_taken"),
    [(">=3.9.5", True), ("!=3.9.0", True), ("<3.9.10", False), ("~=3.9", True), (">=3.10", False)],
)
def test_requires_python_is_judged_by_the_images_patch_release(
    wanted: str, is_taken: bool, index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    index.releases[0].requires_python = wanted
    if is_taken:
        assert fetch("my-policy", url, tmp_path).version == "1.0"
    else:
        with pytest.raises(NoMatchingFile, match="wants Python"):
            fetch("my-policy", url, tmp_path)


def test_a_sign_in_page_is_called_so(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    page = b"<html><title>Sign in</title><form action=x><input type=password></form></html>"
    index.answer = lambda path, headers: (200, {"Content-Type": "text/html"}, page)  # type: ignore[method-assign]
    with pytest.raises(IndexFailed, match="a web page with a form"):
        fetch("my-policy", url, tmp_path)


def test_an_index_in_a_directory_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"https:// or http:// alone; './dir'"):
        Package.model_validate({"moduleName": "m", "requirement": "m", "index": "file:///srv/simple"}, by_alias=True)


def test_the_index_of_pips_variable_in_a_directory_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"file://{tmp_path}/simple")
    with pytest.raises(IndexFailed, match=r"'./dir' names"):
        fetch("my-policy", "", tmp_path)


def bundle(version: str, sha: str, source: str = "https://index/simple/m/") -> Bundle:
    return Bundle("m", version, Revision(source, "", f"sha256:{sha * 64}"), ())


def test_a_version_that_became_another_file_is_a_moved_tag() -> None:
    live, now = bundle("1.0", "a"), bundle("1.0", "b")
    (note,) = check_replaced_release(now, live, "warn")
    assert "version 1.0 was sha256 aaaaaaaaaaaa and is now bbbbbbbbbbbb" in note
    assert check_replaced_release(now, live, "allow") == ()
    with pytest.raises(ReleaseReplaced):
        check_replaced_release(now, live, "refuse")


@pytest.mark.parametrize(
    ("now", "live"),
    [
        (bundle("1.1", "b"), bundle("1.0", "a")),
        (bundle("1.0", "a"), bundle("1.0", "a")),
        (bundle("1.0", "b"), bundle("1.0", "a", "https://other/simple/m/")),
        (bundle("1.0", "b", "./m"), bundle("1.0", "a", "./m")),
    ],
    ids=["another version", "the same file", "another index", "a directory"],
)
def test_what_is_no_replaced_release(now: Bundle, live: Bundle) -> None:
    assert check_replaced_release(now, live, "refuse") == ()
