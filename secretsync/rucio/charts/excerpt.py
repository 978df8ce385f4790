"""The part of a file that has the values: one of several documents, or a text inside a manifest, as in a ConfigMap."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import yaml

from secretsync.core.foreign import refuse_deep
from secretsync.core.yaml_edit import CannotEdit, Keys

_LINES = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class Excerpt:
    """A *text* of one document with the values *at* some keys; *put_back* makes the whole file of a changed text."""

    text: str
    at: Keys
    put_back: Callable[[str], str]


def excerpt(text: str, at: Keys) -> Excerpt:
    """Where the values *at* some keys of *text* are. Keys may lead through lists, by number, and into a block text.

    Where nothing is there, or in several documents, it is the whole text. Raises CannotEdit where the values are in a
    text that is no block or is empty, and yaml.YAMLError.
    """
    refuse_deep(text)
    parts = _documents(text)
    if len(parts) > 1:
        holding = [part for part in range(len(parts)) if at and _leads(yaml.compose(parts[part], yaml.SafeLoader), at)]
        if len(holding) != 1:
            return Excerpt(text, at, lambda changed: changed)
        number = holding[0]
        inner = _embedded(parts[number], at)
        return Excerpt(
            inner.text,
            inner.at,
            lambda changed: "".join([*parts[:number], inner.put_back(changed), *parts[number + 1 :]]),
        )
    return _embedded(text, at)


def _documents(text: str) -> list[str]:
    """The text cut before each document that begins with ``---``; what stands before the first belongs to it."""
    events = yaml.parse(text, yaml.SafeLoader)
    starts = [
        event.start_mark.index
        for event in events
        if isinstance(event, yaml.DocumentStartEvent) and event.start_mark is not None
    ]
    return [text[start:end] for start, end in pairwise([0, *starts[1:], len(text)])]


def _embedded(text: str, at: Keys) -> Excerpt:
    located = _text_on_the_way(yaml.compose(text, yaml.SafeLoader), at)
    if located is None:
        return Excerpt(text, at, lambda changed: changed)
    node, depth = located
    if node.style != "|":
        raise CannotEdit(at[:depth], "is a text in quotes or folded: make it a block, with '|' behind the colon")
    start = text.index("\n", node.start_mark.index) + 1
    lines = _LINES.findall(text[start : node.end_mark.index])
    indent = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    if not indent:  # how far lines are to be indented is not known: they would land outside of the block
        raise CannotEdit(at[:depth], "is an empty text: write a first value into it")
    inside = [line[indent:] if line.strip() else line.lstrip(" ") for line in lines]
    inner = excerpt("".join(inside), at[depth:])

    def put_back(changed: str) -> str:
        after = _LINES.findall(inner.put_back(changed))
        return text[:start] + "".join(_indented(lines, inside, after, indent)) + text[node.end_mark.index :]

    return Excerpt(inner.text, inner.at, put_back)


def _indented(lines: Sequence[str], before: Sequence[str], after: Sequence[str], indent: int) -> list[str]:
    """The lines *after* a change as they stand in the block: those that were *before* keep every byte."""
    indented: list[str] = []
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    for change, old, old_end, new, new_end in matcher.get_opcodes():
        if change == "equal":
            indented += lines[old:old_end]
        else:
            indented += [" " * indent + line if line.strip() else line for line in after[new:new_end]]
    return indented


def _leads(node: yaml.Node | None, at: Keys) -> bool:
    """Whether the keys lead to something, be it inside a text."""
    for depth, key in enumerate(at):
        if isinstance(node, yaml.ScalarNode):
            return _leads(yaml.compose(node.value, yaml.SafeLoader), at[depth:])
        node = _below(node, key)
    return node is not None


def _text_on_the_way(node: yaml.Node | None, at: Keys) -> tuple[yaml.ScalarNode, int] | None:
    """The first text that the keys lead to, and how many keys it took."""
    for depth, key in enumerate(at):
        node = _below(node, key)
        if isinstance(node, yaml.ScalarNode):
            return (node, depth + 1) if "\n" in node.value or node.style == "|" or _is_quoted_mapping(node) else None
    return None


def _is_quoted_mapping(node: yaml.ScalarNode) -> bool:
    """Whether values are written in quotes, in one line."""
    if node.style not in ("'", '"'):
        return False
    try:
        return isinstance(yaml.compose(node.value, yaml.SafeLoader), yaml.MappingNode)
    except yaml.YAMLError:
        return False


def _below(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in reversed(node.value) if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and key.isdecimal() and int(key) < len(node.value):
        child: yaml.Node = node.value[int(key)]
        return child
    return None
