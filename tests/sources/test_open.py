"""Opening a source says what is wrong with the way to it."""

from __future__ import annotations

import pytest

from secretsync.config import Package
from secretsync.config.requirement import GitRequirement, IndexRequirement, parse
from secretsync.sources.open import plain_http_notes


@pytest.mark.parametrize(
    ("requirement", "keys", "warned"),
    [
        ("git+http://git.example.org/policy", {}, ["http://git.example.org/policy"]),
        ("git+https://git.example.org/policy", {}, []),
        ("git+ssh://git@git.example.org/policy", {}, []),
        ("git+http://localhost:8080/policy", {}, []),
        ("git+http://127.0.0.9/policy", {}, []),
        ("git+http://[::1]/policy", {}, []),
        ("http://files.example.org/policy-1.0.tar.gz", {}, ["http://files.example.org/policy-1.0.tar.gz"]),
        (
            "policy",
            {"index": "https://a.example.org/", "extraIndexes": ["HTTP://b.example.org/"]},
            ["http://b.example.org/"],
        ),
    ],
)
def test_whatever_comes_over_plain_http_is_a_warning(
    requirement: str, keys: dict[str, object], warned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    package = Package.model_validate({"moduleName": "policy", "requirement": requirement, **keys}, by_alias=True)
    meant = parse(requirement)
    assert isinstance(meant, GitRequirement | IndexRequirement)
    assert [note.partition(": over http://")[0] for note in plain_http_notes(package, meant)] == warned


def test_a_credential_in_the_index_s_url_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:canary@index.example.org/simple/")
    package = Package.model_validate({"moduleName": "policy", "requirement": "policy"}, by_alias=True)
    (note,) = plain_http_notes(package, IndexRequirement("policy"))
    assert "canary" not in note
