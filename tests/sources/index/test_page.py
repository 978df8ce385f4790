"""A page of an index, read: what PEP 503 and PEP 691 allow, and what has a sentence of its own."""

from __future__ import annotations

import hashlib
import json
import warnings

import pytest

from secretsync.sources.index.errors import IndexFailed
from secretsync.sources.index.page import Listed, files_of

PAGE = "https://index.example/simple/my-policy/"
FILE = "my_policy-1.0-py3-none-any.whl"
SHA256, MD5 = hashlib.sha256(b"").hexdigest(), hashlib.md5(b"", usedforsecurity=False).hexdigest()


def files(kind: str, body: str) -> list[Listed]:
    return files_of("my-policy", kind, PAGE, body, lambda reason: IndexFailed(PAGE, reason))


def of_json(*, version: str = "1.0", **file: object) -> list[Listed]:
    listed = {"filename": FILE, "url": f"../../files/{FILE}", "hashes": {"sha256": SHA256}, **file}
    page = {"meta": {"api-version": version}, "name": "my-policy", "files": [listed]}
    return files("application/vnd.pypi.simple.v1+json", json.dumps(page))


def of_html(fragment: str, head: str = "") -> list[Listed]:
    return files(
        "text/html", f'<html><head>{head}</head><body><a href="../../files/{FILE}#{fragment}">x</a></body></html>'
    )


@pytest.mark.parametrize(
    ("fragment", "digests"),
    [
        (f"sha256={SHA256}", {"sha256": SHA256}),
        (f"sha256={SHA256.upper()}", {"sha256": SHA256}),
        (f"md5={MD5}&sha256={SHA256}", {"md5": MD5, "sha256": SHA256}),
        (f"egg=my_policy&sha256={SHA256}", {"egg": "my_policy", "sha256": SHA256}),
        ("", {}),
    ],
)
def test_every_digest_of_a_links_fragment_is_read(fragment: str, digests: dict[str, str]) -> None:
    assert of_html(fragment)[0].digests == digests


@pytest.mark.parametrize("key", ["yanked", "requires-python", "core-metadata", "size"])
def test_what_is_null_in_a_file_is_as_if_it_was_not_there(key: str) -> None:
    assert of_json(**{key: None}) == of_json()


def test_a_version_of_the_api_that_nobody_knows_is_named() -> None:
    for read in (
        lambda: of_json(version="2.0"),
        lambda: of_html("", '<meta name="pypi:repository-version" content="2.0">'),
    ):
        with pytest.raises(IndexFailed, match=r"api-version is 2\.0"):
            read()


def test_a_later_minor_version_is_read_without_a_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert of_json(version="1.9")[0].file == FILE
