"""The digests of what was fetched are kept, and never in the way."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from secretsync.core.model import Revision
from secretsync.sources.cache import FORGOTTEN_AFTER
from secretsync.sources.digests import FetchedDigests

REVISION = Revision("https://git.example.org/policy", "main", "commit:" + "a" * 40)
DIGEST = "d" * 64


@pytest.fixture
def digests(tmp_path: Path) -> FetchedDigests:
    found = FetchedDigests(tmp_path / "digests")
    found.remember(REVISION, "recipe", DIGEST)
    return found


def test_the_digest_of_what_was_fetched_is_known_afterwards(digests: FetchedDigests) -> None:
    assert digests.digest_of(REVISION, "recipe") == DIGEST


def test_another_ref_of_the_same_commit_holds_the_same_files(digests: FetchedDigests) -> None:
    assert digests.digest_of(replace(REVISION, ref="v1", subject="x"), "recipe") == DIGEST


@pytest.mark.parametrize(
    ("revision", "recipe"),
    [
        (replace(REVISION, id="commit:" + "b" * 40), "recipe"),
        (replace(REVISION, source="https://git.example.org/other"), "recipe"),
        (REVISION, "another"),
    ],
)
def test_nothing_is_known_of_another_revision_or_recipe(
    digests: FetchedDigests, revision: Revision, recipe: str
) -> None:
    assert digests.digest_of(revision, recipe) == ""


@pytest.mark.parametrize("content", [b"", b"d" * 63, b"d" * 65, b"\xff" * 64, b"D" * 64, b"d" * 64 + b"\n"])
def test_what_is_no_digest_is_not_known(digests: FetchedDigests, tmp_path: Path, content: bytes) -> None:
    (path,) = (tmp_path / "digests").iterdir()
    path.write_bytes(content)
    assert digests.digest_of(REVISION, "recipe") == ""


def test_a_folder_that_others_could_write_to_is_emptied_before_it_is_believed(
    digests: FetchedDigests, tmp_path: Path
) -> None:
    (tmp_path / "digests").chmod(0o777)
    assert digests.digest_of(REVISION, "recipe") == ""
    assert list((tmp_path / "digests").iterdir()) == []


def test_a_folder_that_cannot_be_used_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "digests").write_text("a file")
    digests = FetchedDigests(tmp_path / "digests")
    digests.remember(REVISION, "recipe", DIGEST)
    assert digests.digest_of(REVISION, "recipe") == ""


def test_what_nobody_asked_for_in_a_month_goes(digests: FetchedDigests, tmp_path: Path) -> None:
    (old,) = (tmp_path / "digests").iterdir()
    long_ago = old.stat().st_mtime - FORGOTTEN_AFTER - 60
    os.utime(old, (long_ago, long_ago))
    digests.remember(REVISION, "another", DIGEST)
    assert not old.exists()
    assert digests.digest_of(REVISION, "another") == DIGEST
