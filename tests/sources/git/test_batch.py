"""What `git cat-file --batch` prints, read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.sources.git import batch

ID = "a" * 40


def printed(identity: str, content: bytes, kind: str = "blob") -> bytes:
    return f"{identity} {kind} {len(content)}\n".encode() + content + b"\n"


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_every_content_comes_back_byte_for_byte(contents: list[bytes]) -> None:
    ids = [f"{number:040x}" for number in range(len(contents))]
    output = b"".join(map(printed, ids, contents))
    assert list(batch.blobs(output, ids)) == contents


@pytest.mark.parametrize(
    "output",
    [f"{ID} missing\n".encode(), printed(ID, b"x", "tree"), printed("b" * 40, b"x"), printed(ID, b"cut off")[:-3], b""],
)
def test_what_is_missing_or_no_blob_is_an_error(output: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which sentence does not matter
        list(batch.blobs(output, [ID]))
