"""An archive of a tree at a URL: that of its hash, wherever it says which version it is, and no other."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from secretsync.config import Package
from secretsync.config.requirement import FileRequirement, IndexRequirement, UnusableRequirement, parse
from secretsync.core.model import Bundle
from secretsync.sources.index.errors import HashMismatch, IndexFailed
from secretsync.sources.open import open_source, pinned
from secretsync.sources.sdist import UnusableArchive
from secretsync.sources.version import VersionMismatch
from tests.servers.http import Answer, Request, serving
from tests.sources.wheels import sdist

FILES = {
    "pyproject.toml": b'[project]\nname = "atlas"\nversion = "1.4.0"\n',
    "src/atlas_policy/__init__.py": b"V = 1\n",
    "src/atlas_policy/permission.py": b"",
    "README.md": b"",
}
TREE = sdist(FILES, "policy-0123abc")


@dataclass
class Forge:
    """Serves one archive; *requests* has the Authorization of each."""

    data: bytes = TREE
    status: int = 200
    requests: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        self.requests.append(request.headers.get("Authorization", ""))
        return Answer(self.status, self.data, {})


@pytest.fixture(autouse=True)
def _no_netrc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", os.devnull)


@pytest.fixture
def forge() -> Forge:
    return Forge()


@pytest.fixture
def url(forge: Forge) -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(serving(forge))


def requirement(url: str, file: str = "v1.4.0.tar.gz", data: bytes = TREE) -> str:
    return f"atlas @ {url}/archive/{file}#sha256={hashlib.sha256(data).hexdigest()}"


def fetch(written: str, folder: Path, **keys: object) -> Bundle:
    raw = {"moduleName": "atlas_policy", "requirement": written, **keys}
    source = open_source(Package.model_validate(raw, by_alias=True), cache=folder, base=folder)
    return source.fetch(source.resolve())


def test_the_modules_files_are_taken_from_the_tree(url: str, tmp_path: Path) -> None:
    bundle = fetch(requirement(url), tmp_path)
    assert [file.path for file in bundle.files] == ["__init__.py", "permission.py"]
    assert bundle.version == "1.4.0"
    assert bundle.revision.id == f"sha256:{hashlib.sha256(TREE).hexdigest()}"
    assert bundle.revision.source == f"{url}/archive/v1.4.0.tar.gz"


def test_it_is_downloaded_once(forge: Forge, url: str, tmp_path: Path) -> None:
    fetch(requirement(url), tmp_path)
    fetch(requirement(url), tmp_path)
    assert len(forge.requests) == 1


def test_another_file_than_that_of_the_hash_is_refused(forge: Forge, url: str, tmp_path: Path) -> None:
    forge.data = sdist({**FILES, "src/atlas_policy/permission.py": b"evil"}, "policy")
    with pytest.raises(HashMismatch):
        fetch(requirement(url), tmp_path)


def test_a_file_that_is_no_archive_is_refused(forge: Forge, url: str, tmp_path: Path) -> None:
    forge.data = b"<html>sign in</html>"
    with pytest.raises(UnusableArchive):
        fetch(requirement(url, data=forge.data), tmp_path)


def test_a_server_that_has_it_no_longer_is_named(forge: Forge, url: str, tmp_path: Path) -> None:
    forge.status = 404
    with pytest.raises(IndexFailed, match=r"/archive/v1\.4\.0\.tar\.gz: it answered 404"):
        fetch(requirement(url), tmp_path)


def test_the_files_name_states_the_version_where_the_tree_does_not(forge: Forge, url: str, tmp_path: Path) -> None:
    forge.data = sdist({path: data for path, data in FILES.items() if path != "pyproject.toml"}, "policy")
    assert fetch(requirement(url, data=forge.data), tmp_path, version="1.4").version == "1.4.0"


def test_another_version_than_the_expected_one_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(VersionMismatch):
        fetch(requirement(url), tmp_path, version="2.0")


def test_the_credential_goes_to_the_host_of_the_url(
    forge: Forge, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "canary")
    fetch(requirement(url), tmp_path, access={"bearer": {"env": "TOKEN"}, "allowPlainHttp": True})
    assert forge.requests == ["Bearer canary"]


SHA = "0" * 64


@pytest.mark.parametrize("file", ["v1.4.0.tar.gz", "1.4.0.tar.gz", "main.tar.gz", "0123abc.tar.gz"])
def test_a_name_that_no_sdist_has_is_an_archive_of_a_tree(file: str) -> None:
    assert parse(f"atlas @ https://host/o/r/{file}#sha256={SHA}") == FileRequirement(
        "atlas", f"https://host/o/r/{file}", SHA
    )


@pytest.mark.parametrize("file", ["atlas-1.4.0.tar.gz", "repo-v1.4.0.tar.gz", "atlas-1.4.0-py3-none-any.whl"])
def test_a_file_as_an_index_has_it_stays_one(file: str) -> None:
    assert isinstance(parse(f"atlas @ https://host/{file}#sha256={SHA}"), IndexRequirement)


def test_without_a_hash_nothing_says_what_the_file_is() -> None:
    with pytest.raises(UnusableRequirement, match="#sha256="):
        parse("atlas @ https://host/main.tar.gz")


def test_pinned_for_pip_it_says_the_same(url: str, tmp_path: Path) -> None:
    written = requirement(url)
    told = pinned(parse(written), fetch(written, tmp_path))
    assert told == written.replace(" ", "")
    assert parse(told) == parse(written)
