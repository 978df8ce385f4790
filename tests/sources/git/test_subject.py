"""The subject of a commit goes with its revision."""

from __future__ import annotations

import pytest

from secretsync.core import packing
from secretsync.core.model import Revision
from secretsync.sources.git.source import subject_of
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


def test_live_secrets_tell_it() -> None:
    revision = Revision("https://git.example.org/policy", "main", "commit:" + "a" * 40, subject="Allow bob")
    secrets = packing.pack(bundle({"__init__.py": ""}, revision=revision), PLACEMENT, "recipe")
    assert packing.live_bundle(secrets).revision.subject == "Allow bob"
