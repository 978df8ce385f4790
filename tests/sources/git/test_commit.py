"""What a commit says of itself; its subject goes with its revision."""

from __future__ import annotations

import pytest

from secretsync.core import packing
from secretsync.core.model import Revision
from secretsync.sources.git.commit import author_of, committed_at, message_of, parents_of, subject_of
from tests.build import PLACEMENT, bundle

HEAD = b"tree 1\nauthor a\ngpgsig -----BEGIN\n \n x\n"


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        (b"Allow bob\n\nAs agreed.\n", "Allow bob"),
        (b"\n  Allow bob \n", "Allow bob"),
        (b"", ""),
        (b"x" * 500, "x" * 120),
        (b"caf\xe9", "caf\ufffd"),
    ],
)
def test_it_is_the_first_line_of_the_message(message: bytes, subject: str) -> None:
    assert subject_of(HEAD + b"\n" + message) == subject


def test_live_secrets_tell_the_subject_of_their_commit() -> None:
    revision = Revision("https://git.example.org/policy", "main", "commit:" + "a" * 40, subject="Allow bob")
    secrets = packing.pack(bundle({"__init__.py": ""}, revision=revision), PLACEMENT, "recipe")
    assert packing.live_bundle(secrets).revision.subject == "Allow bob"


COMMIT = (
    b"tree 1\nparent aa\nparent bb\nauthor J\xc3\xbcrgen M <j@example.org> 1700000000 +0200\n"
    b"committer B <b@example.org> 1700000001 -0130\ngpgsig x\n committer Z <z@example.org> 5 +0000\n\nHello\n"
)


def test_who_wrote_it_when_it_was_made_and_after_what() -> None:
    assert author_of(COMMIT) == "Jürgen M <j@example.org>"
    assert committed_at(COMMIT) == 1700000001
    assert parents_of(COMMIT) == ["aa", "bb"]
    assert message_of(COMMIT) == "Hello\n"


@pytest.mark.parametrize("line", [b"", b"committer x", b"committer a <b> " + b"9" * 5000 + b" +0000", b"committer"])
def test_a_commit_that_does_not_say_when_it_was_made_is_as_old_as_can_be(line: bytes) -> None:
    assert committed_at(b"tree 1\n" + line + b"\n\nHello") == 0
