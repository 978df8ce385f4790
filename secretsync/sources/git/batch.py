"""What git prints, taken apart: ``cat-file --batch``, ``--batch-check``, ``ls-tree -r -z`` and ``ls-remote``. Pure.

https://git-scm.com/docs/git-cat-file#_batch_output, https://git-scm.com/docs/git-ls-tree#_output_format
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_MOST_DIGITS = 15


def request(ids: Sequence[str]) -> bytes:
    """The input that asks for the objects with *ids*."""
    return "".join(f"{identity}\n" for identity in ids).encode()


def blobs(output: bytes, ids: Sequence[str]) -> Iterator[bytes]:
    """The content of each of *ids*, in their order. Raises ValueError where one is missing, or no blob."""
    position = 0
    for identity in ids:
        end = output.index(b"\n", position)
        object_id, kind, size = output[position:end].decode().split()
        if object_id != identity or kind != "blob":
            raise ValueError(f"{identity} is not there")
        start = end + 1
        position = start + _size(size) + 1
        if position > len(output):
            raise ValueError(f"{identity} is not there whole")
        yield output[start : position - 1]


def sizes(output: bytes) -> dict[str, int]:
    """The size of each object, from lines of an id and a size. Raises ValueError."""
    listed = (line.partition(" ") for line in output.decode().splitlines())
    return {name: _size(size) for name, _, size in listed}


def tree(output: bytes) -> dict[str, tuple[str, str]]:
    """The mode and the id of each path of a tree. Raises ValueError."""
    return dict(_tree_line(line) for line in output.rstrip(b"\0").split(b"\0") if line)


def refs(output: bytes) -> dict[str, str]:
    """The object of each ref; lines of another form are no refs."""
    lines = [line.partition("\t") for line in output.decode(errors="replace").splitlines()]
    return {name: value for value, _, name in lines}


def _size(text: str) -> int:
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise ValueError("no size")
    return int(text)


def _tree_line(line: bytes) -> tuple[str, tuple[str, str]]:
    attributes, _, path = line.partition(b"\t")
    mode, _, identity = attributes.decode().split(" ")
    return path.decode(errors="surrogateescape"), (mode, identity)
