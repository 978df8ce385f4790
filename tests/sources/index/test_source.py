"""An index as sites run it: the right wheel, verified, and only the module's files of it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from secretsync.config import Package
from secretsync.config.credentials import CredentialsOverPlainHttp, NoCredential, UnreadableIndexUrl
from secretsync.core.model import Bundle
from secretsync.sources.index.errors import (
    DownloadTooLarge,
    HashMismatch,
    IndexAccessRefused,
    IndexFailed,
    UnknownDistribution,
)
from secretsync.sources.index.hashes import NoHashes
from secretsync.sources.index.select import NoMatchingFile
from secretsync.sources.locate import LinkLeadsOut
from secretsync.sources.open import open_source
from secretsync.sources.sdist import UnusableArchive
from secretsync.sources.tree import UnsafePath
from secretsync.sources.version import VersionMismatch
from secretsync.sources.wheel import UnusableWheel
from tests.servers.http import Answer, Request, serving
from tests.servers.simple_index import Release, SimpleIndex, serve
from tests.sources.wheels import archive, record, release, sdist, wheel


@pytest.fixture
def index() -> SimpleIndex:
    return SimpleIndex([release("1.0"), release("1.4.0"), release("2.0rc1")])


@pytest.fixture(autouse=True)
def _no_netrc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", os.devnull)


@pytest.fixture
def url(index: SimpleIndex) -> Iterator[str]:
    with serve(index) as address:
        yield address


def fetch(requirement: str, url: str, folder: Path, *, module: str = "my_policy", **keys: object) -> Bundle:
    raw = {"moduleName": module, "requirement": requirement, "index": url, **keys}
    source = open_source(Package.model_validate(raw, by_alias=True), cache=folder, base=folder)
    return source.fetch(source.resolve())


@pytest.mark.parametrize("form", ["json", "html"])
@pytest.mark.parametrize(
    ("requirement", "version"),
    [
        ("my-policy==1.0", "1.0"),
        ("my-policy", "1.4.0"),
        ("My.Policy~=1.0", "1.4.0"),
        ("my-policy<1.4", "1.0"),
        ("my-policy>=2.0rc1", "2.0rc1"),
    ],
)
def test_the_newest_release_that_satisfies_is_taken(
    form: str, requirement: str, version: str, index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    index.form = form
    bundle = fetch(requirement, url, tmp_path)
    assert bundle.version == version
    assert {file.path: file.data for file in bundle.files} == {
        "__init__.py": f"V = {version!r}\n".encode(),
        "permission.py": b"",
    }


def test_the_revision_is_the_wheels_hash_on_the_page_of_its_index(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    revision = fetch("my-policy==1.0", url, tmp_path).revision
    assert (revision.source, revision.ref, revision.id) == (
        f"{url}my-policy/",
        "==1.0",
        f"sha256:{index.releases[0].digest}",
    )


def test_a_wheel_that_was_downloaded_is_not_downloaded_again(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    first = fetch("my-policy", url, tmp_path)
    index.requests.clear()
    assert fetch("my-policy", url, tmp_path) == first
    assert [path for path, _, _ in index.requests] == ["/simple/my-policy/"]


def test_a_damaged_download_in_the_cache_is_downloaded_again(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    first = fetch("my-policy", url, tmp_path)
    (cached,) = tmp_path.rglob("*.whl")
    cached.write_bytes(b"half")
    assert fetch("my-policy", url, tmp_path) == first


def test_what_nobody_used_for_a_month_goes_from_the_cache(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    fetch("my-policy==1.0", url, tmp_path)
    for path in tmp_path.rglob("*"):
        os.utime(path, (0, 0))
    (tmp_path / "wheels" / "partial-killed").touch()
    os.utime(tmp_path / "wheels" / "partial-killed", (0, 0))
    fetch("my-policy==1.4.0", url, tmp_path)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".json"} == {
        "my_policy-1.4.0-py3-none-any.whl"
    }


def test_what_is_used_stays_in_the_cache_and_the_oldest_goes_above_the_limit(
    index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    two_hours_ago = time.time() - 7200
    index.releases.append(release("3.0"))
    size = sum(len(one.data) for one in index.releases[:2]) + len(index.releases[0].data) // 2
    for version in ("1.0", "1.4.0"):
        fetch(f"my-policy=={version}", url, tmp_path)
        for number, path in enumerate(tmp_path.rglob("*.*")):
            os.utime(path, (two_hours_ago, two_hours_ago + number / 100))
    shutil.rmtree(tmp_path / "wheels" / "pages")
    fetch("my-policy==1.0", url, tmp_path)
    shutil.rmtree(tmp_path / "wheels" / "pages")
    index.etags = False
    fetch("my-policy==3.0", url, tmp_path, limits={"download": size})
    assert {path.name.split("-")[1] for path in tmp_path.rglob("*.whl")} == {"1.0", "3.0"}


def test_a_cache_that_cannot_be_written_is_done_without(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    raw = {"moduleName": "my_policy", "requirement": "my-policy", "index": url}
    source = open_source(Package.model_validate(raw, by_alias=True), cache=tmp_path / "file" / "cache", base=tmp_path)
    assert "fetched anew each time" in source.fetch(source.resolve()).notes[0]


def test_an_authority_that_is_not_there_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(NoCredential, match=r"nowhere\.pem is not there.* 'access\.ca'"):
        fetch("my-policy", url.replace("http:", "https:"), tmp_path, access={"ca": "nowhere.pem"})


def test_an_index_without_hashes_is_hashed_by_us(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    right = index.releases[0].digest
    index.releases[0].sha256 = ""
    assert fetch("my-policy==1.0", url, tmp_path).revision.id == f"sha256:{right}"


def test_a_file_with_another_hash_than_the_index_gives_is_refused(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.releases[0].sha256 = "0" * 64
    with pytest.raises(HashMismatch, match="damaged or replaced"):
        fetch("my-policy==1.0", url, tmp_path)
    assert not list(tmp_path.rglob("*.whl"))


def test_hashes_of_the_requirement_beat_what_the_index_says(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    right = index.releases[0].digest
    assert fetch(f"my-policy==1.0 --hash=sha256:{right}", url, tmp_path).version == "1.0"
    with pytest.raises(NoMatchingFile, match="none of those"):
        fetch(f"my-policy==1.0 --hash=sha256:{'1' * 64}", url, tmp_path)
    index.releases[0].sha256 = ""
    with pytest.raises(HashMismatch):
        fetch(f"my-policy==1.0 --hash=sha256:{'1' * 64}", url, tmp_path)


def test_hashes_of_the_configuration_hold_as_well(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    right, other = f"sha256:{index.releases[0].digest}", f"sha256:{'1' * 64}"
    assert fetch("my-policy", url, tmp_path, hashes=[other, right]).version == "1.0"
    with pytest.raises(NoMatchingFile, match="none of those"):
        fetch("my-policy", url, tmp_path, hashes=[other])
    with pytest.raises(ValueError, match="hashes"):
        fetch("my-policy", url, tmp_path, hashes=["md5:abc"])


def test_hashes_of_a_requirements_file_hold_and_are_read_for_each_pass(
    index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    locked = tmp_path / "requirements.txt"
    locked.write_text(f"my_policy==1.0 \\\n    --hash=sha256:{index.releases[0].digest}\n    # via nothing\n")
    assert fetch("my-policy", url, tmp_path, hashesFrom="requirements.txt").version == "1.0"
    locked.write_text(f"my-policy==1.4.0 --hash=sha256:{index.releases[1].digest}\n")
    assert fetch("my-policy", url, tmp_path, hashesFrom="requirements.txt").version == "1.4.0"
    locked.write_text(f"my-policy==1.4.0 --hash=sha256:{'1' * 64}\n")
    with pytest.raises(NoMatchingFile, match="none of those"):
        fetch("my-policy", url, tmp_path, hashesFrom="requirements.txt")


@pytest.mark.parametrize(
    ("text", "words"),
    [("other==1 --hash=sha256:" + "1" * 64, "names no sha256 for my-policy"), (None, "cannot be read")],
)
def test_where_a_requirements_file_names_no_hash_nothing_is_trusted(
    text: str | None, words: str, index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    if text:
        (tmp_path / "requirements.txt").write_text(text)
    with pytest.raises(NoHashes, match=words):
        fetch("my-policy", url, tmp_path, hashesFrom="requirements.txt")
    assert index.requests == []


def test_hashes_are_for_files_of_an_index() -> None:
    with pytest.raises(ValueError, match="files of an index"):
        Package.model_validate(
            {"moduleName": "m", "requirement": "git+https://h/r", "hashesFrom": "requirements.txt"}, by_alias=True
        )


def test_a_file_named_by_its_url_is_taken_and_verified(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    file = f"{url.removesuffix('simple/')}files/{index.releases[0].file}"
    assert fetch(f"my-policy @ {file}#sha256={index.releases[0].digest}", url, tmp_path).version == "1.0"
    assert fetch(f"my-policy @ {file}", url, tmp_path).version == "1.0"
    with pytest.raises(HashMismatch):
        fetch(f"my-policy @ {file}#sha256={'1' * 64}", url, tmp_path / "other")


def test_another_version_than_the_configuration_expects_is_refused(url: str, tmp_path: Path) -> None:
    assert fetch("my-policy", url, tmp_path, version="1.4").version == "1.4.0"
    with pytest.raises(VersionMismatch, match=r"1\.5 was expected"):
        fetch("my-policy", url, tmp_path, version="1.5")


def test_a_yanked_release_is_taken_only_when_pinned_and_then_with_a_warning(
    index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    index.releases[1].yanked = "broken"
    assert fetch("my-policy", url, tmp_path).version == "1.0"
    with pytest.raises(NoMatchingFile, match="yanked"):
        fetch("my-policy>=1.4,<2", url, tmp_path)
    assert "was yanked (broken)" in fetch("my-policy==1.4.0", url, tmp_path).notes[0]


def test_a_release_for_another_python_than_the_images_is_not_taken(
    index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    index.releases[1].requires_python = ">=3.11"
    assert fetch("my-policy", url, tmp_path).version == "1.0"
    with pytest.raises(NoMatchingFile, match=r"wants Python >=3\.11"):
        fetch("my-policy==1.4.0", url, tmp_path)


@pytest.mark.parametrize("tag", ["py2.py3-none-any", "py39-none-any", "py3-none-any"])
def test_pure_wheels_are_taken(tag: str, index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.releases = [release(tag=tag)]
    assert fetch("my-policy", url, tmp_path).version == "1.0"


@pytest.mark.parametrize("tag", ["cp39-cp39-manylinux_2_17_x86_64", "py3-none-linux_x86_64", "py2-none-any"])
def test_a_wheel_that_is_built_for_a_machine_is_refused_with_the_reason(
    tag: str, index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    index.releases = [release(tag=tag)]
    with pytest.raises(NoMatchingFile, match="must be py3-none-any"):
        fetch("my-policy", url, tmp_path)


def test_where_the_distributions_name_is_given_its_one_module_is_used_with_a_warning(
    index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    data = wheel({"bdms_rucio_policy/__init__.py": b"", "bdms_rucio_policy/x.py": b""}, "ctao_policy", "0.4.1")
    index.releases = [Release("ctao-policy", "ctao_policy-0.4.1-py3-none-any.whl", data)]
    bundle = fetch("ctao-policy", url, tmp_path, module="ctao_policy")
    assert bundle.module == "bdms_rucio_policy"
    assert "is 'bdms_rucio_policy': write that" in bundle.notes[0]


def test_the_indexs_environment_variable_of_pip_is_followed(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", url)
    assert fetch("my-policy", "", tmp_path).version == "1.4.0"


def test_a_distribution_that_is_not_there_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownDistribution, match="'elsewhere'"):
        fetch("elsewhere", url, tmp_path)


def test_an_index_that_wants_credentials_says_so(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.user, index.password = "me", "secret"
    with pytest.raises(IndexAccessRefused, match="'access'"):
        fetch("my-policy", url, tmp_path)


@pytest.mark.parametrize(
    ("fault", "words"),
    [({"fail_with": 503}, "answered 503"), ({"truncate_after": 40}, "broke off|not the simple API|cannot be reached")],
)
def test_an_index_that_fails_is_one_sentence(
    fault: dict[str, int], words: str, index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    for name, value in fault.items():
        setattr(index, name, value)
    with pytest.raises(IndexFailed, match=words):
        fetch("my-policy", url, tmp_path)


def test_an_index_that_hangs_ends_by_its_timeout(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.delay = 30
    with pytest.raises(IndexFailed, match="in time"):
        fetch("my-policy", url, tmp_path, timeout=0.2)


def test_nobody_listening_is_named(tmp_path: Path) -> None:
    with pytest.raises(IndexFailed, match="cannot be reached"):
        fetch("my-policy", "http://localhost:1/simple/", tmp_path)


def test_a_file_above_the_limit_is_refused_while_it_comes(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadTooLarge):
        fetch("my-policy", url, tmp_path, limits={"download": 100})


INFO = "my_policy-1.0.dist-info"
INIT = {"my_policy/__init__.py": b"x = 1\n"}
HONEST = {f"{INFO}/METADATA": b"Name: my-policy\n", f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n", **INIT}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no zip at all", "damaged"),
        (archive(INIT), "damaged|RECORD"),
        (archive({**HONEST, f"{INFO}/RECORD": record({**HONEST, **dict.fromkeys(INIT, b"y")}, INFO)}), "RECORD"),
        (archive({**HONEST, "my_policy/more.py": b"", f"{INFO}/RECORD": record(HONEST, INFO)}), "RECORD"),
        (wheel({**INIT, "../../etc/x": b""}), "leads out"),
        (wheel({**INIT, "/etc/x": b""}), "leads out"),
        (wheel({**INIT, "my_policy/bomb": bytes(20_000_000)}), "unpacked it has"),
    ],
)
def test_a_wheel_with_tricks_is_refused(data: bytes, words: str, index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.releases = [Release("my-policy", "my_policy-1.0-py3-none-any.whl", data)]
    with pytest.raises(UnusableWheel, match=words):
        fetch("my-policy", url, tmp_path, limits={"download": 10_000_000})


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_wheel_with_a_name_twice_is_refused(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    import io
    import zipfile

    buffer = io.BytesIO(wheel(INIT))
    with zipfile.ZipFile(buffer, "a") as zipped:
        zipped.writestr("my_policy/__init__.py", b"x = 2\n")
    index.releases = [Release("my-policy", "my_policy-1.0-py3-none-any.whl", buffer.getvalue())]
    with pytest.raises(UnusableWheel, match="2 times"):
        fetch("my-policy", url, tmp_path)


@pytest.mark.parametrize("form", ["json", "html"])
def test_an_unchanged_pass_is_one_conditional_request(form: str, index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.form = form
    first = fetch("my-policy", url, tmp_path)
    index.requests.clear()
    assert fetch("my-policy", url, tmp_path) == first
    assert [(path, status) for path, status, _ in index.requests] == [("/simple/my-policy/", 304)]
    index.releases.append(release("1.5"))
    assert fetch("my-policy", url, tmp_path).version == "1.5"


def test_a_spoilt_page_in_the_cache_is_asked_for_again(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    fetch("my-policy", url, tmp_path)
    (page,) = tmp_path.rglob("pages/*.json")
    page.write_text("{half")
    assert fetch("my-policy", url, tmp_path).version == "1.4.0"


def test_a_further_index_is_asked_only_for_what_the_first_does_not_have(
    index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    other = SimpleIndex([release("99.0"), release("3.0", name="their_policy")])
    with serve(other) as further:
        assert fetch("my-policy", url, tmp_path, extraIndexes=[further]).version == "1.4.0"
        assert other.requests == []
        bundle = fetch("their-policy", url, tmp_path, module="their_policy", extraIndexes=[further])
        assert bundle.version == "3.0"
        with pytest.raises(UnknownDistribution, match=further):
            fetch("nowhere", url, tmp_path, extraIndexes=[further])


def test_an_answer_that_drips_in_ends_by_its_timeout(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.drip = 0.05
    with pytest.raises(IndexFailed, match="in time"):
        fetch("my-policy", url, tmp_path, timeout=0.4)


def test_what_is_no_simple_index_is_named(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.kind = "application/pdf"
    with pytest.raises(IndexFailed, match="not the simple API"):
        fetch("my-policy", url, tmp_path)


def test_a_page_of_thousands_of_files_is_not_read(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.releases *= 700
    for index.form in ("json", "html"):
        with pytest.raises(IndexFailed, match="more than 2,000 files"):
            fetch("my-policy", url, tmp_path)


def test_a_file_whose_url_is_longer_than_servers_take_is_no_file(url: str, tmp_path: Path) -> None:
    listed = {"filename": "my_policy-1.0-py3-none-any.whl", "url": "/" + "a" * 10_000, "hashes": {}}
    body = json.dumps({"meta": {"api-version": "1.0"}, "name": "my-policy", "files": [listed]}).encode()
    page = Answer(200, body, {"Content-Type": "application/vnd.pypi.simple.v1+json"})
    with serving(Always(page)) as there, pytest.raises(NoMatchingFile, match="lists no file"):
        fetch("my-policy", f"{there}/simple/", tmp_path)


@pytest.mark.parametrize("file", ["http://me:canary@localhost:1/{}", "http://localhost:1/{}?signature=canary"])
def test_what_opens_a_file_in_the_url_that_an_index_names_is_never_repeated(
    file: str, index: SimpleIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    listed = {"filename": index.releases[0].file, "url": file.format(index.releases[0].file), "hashes": {}}
    body = json.dumps({"meta": {"api-version": "1.0"}, "name": "my-policy", "files": [listed]}).encode()
    page = Answer(200, body, {"Content-Type": "application/vnd.pypi.simple.v1+json"})
    with serving(Always(page)) as there, pytest.raises(IndexFailed, match="localhost:1/") as failed:
        fetch("my-policy", f"{there}/simple/", tmp_path)
    assert "canary" not in str(failed.value) + caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("address", ["ftp://h/", "file:///srv/", "http://h:99999/"])
def test_a_file_that_cannot_be_requested_is_named(address: str, tmp_path: Path) -> None:
    listed = {
        "filename": "my_policy-1.0-py3-none-any.whl",
        "url": f"{address}my_policy-1.0-py3-none-any.whl",
        "hashes": {},
    }
    body = json.dumps({"meta": {"api-version": "1.0"}, "name": "my-policy", "files": [listed]}).encode()
    page = Answer(200, body, {"Content-Type": "application/vnd.pypi.simple.v1+json"})
    with serving(Always(page)) as there, pytest.raises(IndexFailed, match="no URL of https"):
        fetch("my-policy", f"{there}/simple/", tmp_path)


def test_a_wheel_whose_name_says_another_version_than_it_holds_is_refused(
    index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    index.releases = [Release("my-policy", "my_policy-2.0-py3-none-any.whl", wheel({"my_policy/__init__.py": b""}))]
    with pytest.raises(UnusableWheel, match=r"says version 2\.0, and what it holds is 1\.0"):
        fetch("my-policy", url, tmp_path)


@dataclass
class Always:
    """A server that gives one answer to all."""

    said: Answer

    def answer(self, _request: Request) -> Answer:
        return self.said


STRANGE = {
    "a redirect to nowhere": (Answer(302), "it answered 302"),
    "a redirect to no URL": (Answer(302, headers={"Location": "http://[::1"}), "it redirects to what is no URL"),
    "a part": (Answer(206, b"x", {"Content-Type": "text/html"}), "it answered 206"),
    "as before, though nothing was asked before": (Answer(304), "it answered 304"),
    "nothing": (Answer(204), "it answered 204"),
    "a rate limit": (Answer(429), "raise 'interval'"),
    "a failure of the index": (Answer(502), "the next run tries again"),
    "a coding": (Answer(200, b"\x0b", {"Content-Encoding": "br", "Content-Type": "text/html"}), "coded as 'br'"),
    "two lengths": (
        Answer(0, raw=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\nabcde"),
        "broke off",
    ),
}


@pytest.mark.parametrize(("answer", "words"), STRANGE.values(), ids=STRANGE)
def test_an_answer_that_is_no_page_is_named_and_is_no_page_without_files(
    answer: Answer, words: str, tmp_path: Path
) -> None:
    with serving(Always(answer)) as there, pytest.raises(IndexFailed, match=words):
        fetch("my-policy", f"{there}/simple/", tmp_path)


def test_credentials_in_pips_variable_are_used_and_never_repeated(
    index: SimpleIndex, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.user, index.password = "me", "canary"
    monkeypatch.setenv("PIP_INDEX_URL", url.replace("//", "//me:canary@"))
    assert fetch("my-policy", "", tmp_path, access={"allowPlainHttp": True}).files
    with pytest.raises(UnknownDistribution) as unknown:
        fetch("elsewhere", "", tmp_path, access={"allowPlainHttp": True})
    assert "canary" not in str(unknown.value)
    with pytest.raises(CredentialsOverPlainHttp):
        fetch("my-policy", "", tmp_path)


@pytest.mark.parametrize("port", ["[::1/", "host:port/", "host:99999/"])
def test_an_index_whose_url_cannot_be_read_is_refused_without_its_password(
    port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"https://me:canary@{port}")
    with pytest.raises(UnreadableIndexUrl) as refused:
        fetch("my-policy", "", tmp_path)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("keys", [{"index": "https://[::1/"}, {"extraIndexes": ["https://host:port/"]}])
def test_an_index_of_the_configuration_that_is_no_url_is_refused_there(keys: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="host or port cannot be read"):
        Package.model_validate({"moduleName": "m", "requirement": "m", **keys}, by_alias=True)


def test_credentials_in_the_configurations_index_are_refused() -> None:
    with pytest.raises(ValueError, match="must not hold credentials"):
        Package.model_validate({"moduleName": "m", "requirement": "m", "index": "https://me:x@host/"}, by_alias=True)


def test_a_source_archive_is_used_where_there_is_no_wheel(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    files = {
        "pyproject.toml": b"[project]\n",
        "setup.py": b"raise SystemExit('never run')\n",
        "src/my_policy/__init__.py": b"V = 2\n",
        "src/my_policy/nested/x.py": b"",
    }
    index.releases.append(Release("my-policy", "my_policy-1.9.tar.gz", sdist(files, "my_policy-1.9")))
    bundle = fetch("my-policy", url, tmp_path)
    assert bundle.version == "1.9"
    assert {file.path: file.data for file in bundle.files} == {"__init__.py": b"V = 2\n", "nested/x.py": b""}
    index.releases.append(release("1.9"))
    assert fetch("my-policy", url, tmp_path).revision.id == f"sha256:{index.releases[-1].digest}"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no archive", "damaged"),
        (sdist({"my_policy/__init__.py": bytes(20_000_000)}, "my_policy-1.9"), "unpacked"),
        (sdist({"my_policy/__init__.py": b""}, "my_policy-1.9", twice="my_policy/__init__.py"), "twice"),
        (sdist({"my_policy/__init__.py": b""}, "my_policy-1.9", device="my_policy/tty"), "neither a file"),
    ],
)
def test_a_source_archive_with_tricks_is_refused(
    data: bytes, words: str, index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    index.releases = [Release("my-policy", "my_policy-1.9.tar.gz", data)]
    with pytest.raises(UnusableArchive, match=words):
        fetch("my-policy", url, tmp_path, limits={"download": 10_000_000})


@pytest.mark.parametrize(
    ("name", "link", "error"),
    [("../../up.py", "", UnsafePath), ("my_policy/link.py", "/etc/passwd", LinkLeadsOut)],
)
def test_a_source_archive_that_leads_out_is_refused(
    name: str, link: str, error: type[Exception], index: SimpleIndex, url: str, tmp_path: Path
) -> None:
    data = sdist({"my_policy/__init__.py": b""}, "my_policy-1.9", link=(name, link))
    index.releases = [Release("my-policy", "my_policy-1.9.tar.gz", data)]
    with pytest.raises(error):
        fetch("my-policy", url, tmp_path)


def test_an_index_that_redirects_for_ever_is_left_in_a_sentence(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    index.redirects_for_ever = True
    with pytest.raises(IndexFailed, match="it redirects for ever"):
        fetch("my-policy==1.0", url, tmp_path)
    assert len(index.requests) < 50


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_cache_that_somebody_else_made_is_not_read(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    fetch("my-policy", url, tmp_path)
    os.chown(tmp_path / "wheels", 4711, 4711)
    index.requests.clear()
    assert fetch("my-policy", url, tmp_path).version == "1.4.0"
    assert 304 not in [status for _, status, _ in index.requests]


def test_a_cache_that_others_may_write_is_emptied_first(index: SimpleIndex, url: str, tmp_path: Path) -> None:
    fetch("my-policy", url, tmp_path)
    (tmp_path / "wheels").chmod(0o777)
    index.requests.clear()
    assert fetch("my-policy", url, tmp_path).version == "1.4.0"
    assert 304 not in [status for _, status, _ in index.requests]
    assert (tmp_path / "wheels").stat().st_mode & 0o777 == 0o700
