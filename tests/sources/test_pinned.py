"""What is pinned for pip means the same for ever, and survives the Dockerfiles that split it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from secretsync.config.requirement import parse
from secretsync.core.model import Bundle, Revision
from secretsync.sources.directory import NotForPip
from secretsync.sources.open import pinned
from tests.build import bundle

COMMIT, SHA = "a" * 40, "b" * 64


def resolved(revision: str, version: str = "1.4.0") -> Bundle:
    return replace(bundle({"__init__.py": ""}), revision=Revision("x", "y", revision), version=version)


@pytest.mark.parametrize(
    ("requirement", "revision", "expected"),
    [
        ("git+https://h/r", f"commit:{COMMIT}", f"git+https://h/r@{COMMIT}"),
        ("git+https://h/r.git@v1", f"commit:{COMMIT}", f"git+https://h/r.git@{COMMIT}"),
        (
            "pol @ git+ssh://git@h/r@main#subdirectory=src/pol",
            f"commit:{COMMIT}",
            f"git+ssh://git@h/r@{COMMIT}#subdirectory=src/pol",
        ),
        ("git+https://h/a,b", f"commit:{COMMIT}", f"git+https://h/a%2Cb@{COMMIT}"),
        ("atlas-policy", f"sha256:{SHA}", "atlas-policy==1.4.0"),
        ("atlas-policy ~= 1.0, <2", f"sha256:{SHA}", "atlas-policy==1.4.0"),
        ("https://h/pol-1.0-py3-none-any.whl", f"sha256:{SHA}", f"https://h/pol-1.0-py3-none-any.whl#sha256={SHA}"),
    ],
)
def test_it_names_what_was_resolved_and_nothing_else(requirement: str, revision: str, expected: str) -> None:
    told = pinned(parse(requirement), resolved(revision))
    assert told == expected
    assert parse(told)
    assert not set(told) & set(" ,\t\n")


def test_a_directory_cannot_be_pinned() -> None:
    with pytest.raises(NotForPip, match=r"\./policy"):
        pinned(parse("./policy"), resolved(f"sha256:{SHA}"))
