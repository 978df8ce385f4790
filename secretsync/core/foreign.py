"""Foreign bytes: whatever a parser makes of them, the run ends in the error of the source that they came from.

A parser that can be limited runs in this process, within `reading` and on bytes that were measured first. One that
cannot runs in a process of its own (`core.confined`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import yaml

from secretsync.core.errors import SecretSyncError

MOST_BYTES = 8 * 1024 * 1024
"""Bytes of a document that are parsed."""

MOST_VALUES = 200_000
"""Values of a document that are parsed: each costs up to a hundred bytes of memory, however short it is."""

_DEEPEST = 1_000
"""Brackets of YAML that are open at once: its scanner in Python goes through all of them at each word."""

_BRACKET = re.compile(r"[][{}]")

SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Of YAML, by libyaml where that is there: it is optional."""

Refusal = Callable[[str], SecretSyncError]
"""Makes the error of a source; its argument is the reason, a part of a sentence: ``it is damaged (EOFError)``."""


@contextmanager
def reading(refusal: Refusal) -> Iterator[None]:
    """Foreign bytes are parsed in here. Raises the refusal in place of any exception that is not an error of ours."""
    try:
        yield
    except SecretSyncError:
        raise
    except RecursionError:
        raise refusal("it is nested too deeply") from None
    except MemoryError:
        raise refusal("it takes too much memory to read") from None
    except Exception as error:  # noqa: BLE001 - parsers of foreign bytes raise whatever they come upon
        raise refusal(f"it is damaged ({type(error).__name__})") from None


def read_json(document: bytes | str, refusal: Refusal, *, most_bytes: int = MOST_BYTES) -> Any:
    """The value that *document* holds. Raises the refusal for what is no JSON, too large or nested too deeply."""
    if len(document) > most_bytes:
        raise refusal(f"it has more than {most_bytes:,} bytes")
    with reading(refusal):
        text = document if isinstance(document, str) else document.decode()
        if sum(map(text.count, ",[{")) > MOST_VALUES:
            raise refusal(f"it has more than {MOST_VALUES:,} values")
        return json.loads(text)


def read_yaml(text: str, loader: Any = SAFE_LOADER) -> Iterator[Any]:
    """The documents of *text*, as *loader* has them. Raises yaml.YAMLError, also for what is too large to be read.

    Each alias counts as all that it stands for: who walks a document comes by it as often, and for ever where it
    holds itself.
    """
    if len(text) > MOST_BYTES:
        raise _too_large(f"it has more than {MOST_BYTES:,} characters")
    refuse_deep(text)
    try:
        if len(text) > MOST_VALUES:  # a shorter one cannot have as many
            _refuse_many(yaml.parse(text, loader))
        yield from _documents(text, loader)
    except OverflowError:
        raise _too_large("it has an escape that is no character") from None


def _documents(text: str, loader: Any) -> Iterator[Any]:
    parser = loader(text)
    try:
        while parser.check_node():
            node = parser.get_node()
            if "*" in text:
                refuse_large(node)
            yield parser.construct_document(node)
    finally:
        parser.dispose()


def refuse_large(root: yaml.Node) -> None:
    """Raises yaml.YAMLError where *root* has more than MOST_VALUES values, those of aliases each time they are used."""
    try:
        size = _size(root, {})
    except RecursionError:
        raise _too_large("it is nested too deeply") from None
    if size > MOST_VALUES:
        raise _too_large(f"it has more than {MOST_VALUES:,} values, aliases counted as what they stand for")


def refuse_deep(text: str) -> None:
    """Raises yaml.YAMLError where so many brackets are open at once that the scanner would take minutes."""
    depth = 0
    if text.count("[") + text.count("{") <= _DEEPEST:
        return
    for bracket in _BRACKET.finditer(text):
        depth = depth + 1 if bracket[0] in "[{" else max(depth - 1, 0)
        if depth > _DEEPEST:
            raise _too_large("it is nested too deeply")


def _refuse_many(events: Iterator[yaml.Event]) -> None:
    values = (event for event in events if isinstance(event, yaml.NodeEvent))
    if next(islice(values, MOST_VALUES, None), None):
        raise _too_large(f"it has more than {MOST_VALUES:,} values")


def _too_large(reason: str) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=reason)


def _size(node: yaml.Node, sizes: dict[yaml.Node, float]) -> float:
    """How many values *node* has, itself included: infinitely many where it holds itself."""
    if node not in sizes:
        sizes[node] = math.inf
        children = node.value if isinstance(node, yaml.SequenceNode) else ()
        if isinstance(node, yaml.MappingNode):
            children = [child for pair in node.value for child in pair]
        sizes[node] = 1 + sum(_size(child, sizes) for child in children)
    return sizes[node]
