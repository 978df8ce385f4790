"""What ``git cat-file --batch`` asks for and prints (https://git-scm.com/docs/git-cat-file#_batch_output). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def request(ids: Sequence[str]) -> bytes:
    """The input that asks for the objects with *ids*."""
    return "".join(f"{identity}\n" for identity in ids).encode()


def blobs(output: bytes, ids: Sequence[str]) -> Iterator[bytes]:
    """The content of each of *ids*, in their order. Raises ValueError where one is missing, or no blob."""
    position = 0
    for identity in ids:
        end = output.index(b"\n", position)
        object_id, kind, *size = output[position:end].decode().split()
        if object_id != identity or kind != "blob":
            raise ValueError(f"{identity} is not there")
        start = end + 1
        position = start + int(size[0]) + 1
        yield output[start : position - 1]
