"""Changes to a YAML text that leave every other byte of it as it was.

The parser tells where each node begins and ends; what is added goes in between, in the style of its surroundings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

from secretsync.core.errors import SecretSyncError

Keys = tuple[str, ...]
"""Where something is in a text: the keys of the mappings that lead to it."""

Step = str | int
"""A key of a mapping, or the number of an item of a list."""

_LINE_BREAK = re.compile(r"\r\n?|\n")
_PLAIN_KEY = re.compile(r"[A-Za-z][-\w./]*")


@dataclass(eq=False)
class CannotEdit(SecretSyncError):
    """What stands at *keys* cannot be added to; *reason* says why."""

    code = "cannot_edit"

    keys: Sequence[Step]
    reason: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.keys))}: {self.reason}; add to it by hand what 'secretsync values' prints"


@dataclass(frozen=True, slots=True)
class Addition:
    """An item, or a key with its value: as *lines* of a block, not indented, or as *flow*, between brackets.

    *flow* is JSON, so that a text which is JSON stays so.
    """

    lines: tuple[str, ...]
    flow: str


def scalar(value: str) -> str:
    """*value* as a scalar of a block, which YAML reads as the same text."""
    try:
        plain = yaml.safe_load(value) == value
    except (yaml.YAMLError, ValueError):
        plain = False
    return value if plain else _quoted(value)


def set_key(text: str, keys: Keys, addition: Addition, value: str) -> str:
    """The text with *value* at *keys*: in place of the one that is there, else with *addition* for the last key.

    Raises CannotEdit.
    """
    location = _find(text, keys)
    if location.missing:
        return _with_key(text, keys, location, addition)
    if location.node is None or location.node.kind != "scalar":
        raise CannotEdit(keys, "is not a single value")
    return _replaced(text, location.node, _quoted(value) if location.in_flow else scalar(value))


def set_first(text: str, document: int, steps: Sequence[Step], value: str) -> str:
    """The text with *value*, in quotes, at *steps* of its *document*-th document.

    It stands in place of what is there, else at the top of the mapping that lacks it. Raises CannotEdit.
    """
    location = _find(text, steps, document)
    node = location.node
    if node and (not location.missing or (node.kind == "scalar" and node.empty)):
        return _replaced(text, node, _as_flow(location.missing, value))
    if node is None or node.kind != "map":
        raise CannotEdit(steps, "is not below a mapping")
    if node.flow:
        more = _as_flow(location.missing, value)[1:-1] + (", " if node.children else "")
        return _spliced(text, text.index("{", node.start) + 1, more)
    start = node.children[0].start
    line_break = _newline(text) + " " * _column(text, start)
    return _spliced(text, start, line_break.join([*_as_block(location.missing, value), ""]))


def add_items(text: str, keys: Keys, additions: Sequence[Addition]) -> str:
    """The text with more items at the end of the list at *keys*. Raises CannotEdit."""
    location = _find(text, keys)
    lines = tuple(line for addition in additions for line in addition.lines)
    flow = ", ".join(addition.flow for addition in additions)
    if location.missing:
        section = Addition((f"{keys[-1]}:", *_indented(lines)), f"{_quoted(keys[-1])}: [{flow}]")
        return _with_key(text, keys, location, section)
    node = location.node
    if node is None or node.empty:
        return _filled(text, location, lines, f"[{flow}]")
    if node.kind != "list":
        raise CannotEdit(keys, "is an alias of another list" if node.kind == "alias" else "is not a list")
    if node.flow:
        return _with_flow(text, node, flow)
    return _with_lines(text, node.end, _column(text, _first_dash(text, node)), lines)


def set_item(text: str, keys: Keys, number: int, key: str, value: str) -> str:
    """The text with *value* as the value of *key* in the item *number* of the list at *keys*. Raises CannotEdit."""
    location = _find(text, keys)
    node = location.node
    if location.missing or node is None or node.kind != "list":
        raise CannotEdit(keys, "is an alias of another list" if node and node.kind == "alias" else "is not a list")
    item = node.children[number]
    pair = item.entry(key) if item.kind == "map" else None
    if pair is None or pair[1].kind != "scalar":
        raise CannotEdit((*keys, str(number), key), "is not a single value")
    return _replaced(text, pair[1], _quoted(value) if item.flow else scalar(value))


def remove_item(text: str, keys: Keys, number: int) -> str:
    """The text without the item *number*, in lines of its own, of the list at *keys*. Raises CannotEdit."""
    node = _find(text, keys).node
    if node is None or node.kind != "list":
        raise CannotEdit(keys, "is an alias of another list" if node and node.kind == "alias" else "is not a list")
    if node.flow:
        remaining = ", ".join(
            text[item.start : item.end] for item in node.children if item is not node.children[number]
        )
        return f"{text[: node.start]}[{remaining}]{text[node.end :]}"
    item = node.children[number]
    end = _LINE_BREAK.search(text, item.end)
    return text[: _line(text, item.start)] + (text[end.end() :] if end else "")


@dataclass(slots=True)
class _Node:
    """Where a node is, in characters of the text; *end* is behind all that it holds.

    *children* are a list's items, or a mapping's keys and values in turn; *plain* is a scalar without quotes.
    """

    kind: str
    start: int
    end: int
    flow: bool = False
    value: str = ""
    plain: bool = False
    children: list[_Node] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether it says nothing: ``{}``, ``[]``, ``null``, or no value at all."""
        if self.kind == "scalar":
            return self.plain and self.value in ("", "~", "null", "Null", "NULL")
        return self.kind != "alias" and not self.children

    @property
    def end_of_last(self) -> int:
        return self.children[-1].end

    def below(self, step: Step) -> tuple[_Node, _Node] | None:
        """What leads to *step*, and what is there: a mapping's key and value, or a list and its item.

        A number may be written as text, as in a path that somebody typed.
        """
        if self.kind == "list":
            number = int(step) if str(step).isdecimal() else len(self.children)
            return (self, self.children[number]) if number < len(self.children) else None
        return self.entry(step) if self.kind == "map" and isinstance(step, str) else None

    def entry(self, key: str) -> tuple[_Node, _Node] | None:
        """A mapping's *key* and its value; of several, the one that a parser takes."""
        pairs = list(zip(self.children[::2], self.children[1::2], strict=True))
        return next((pair for pair in reversed(pairs) if pair[0].value == key), None)


@dataclass(frozen=True, slots=True)
class _Location:
    """How far keys lead: to *node*, the value of *key* (None: the document's own), inside brackets or not.

    *missing* are the keys that are not there yet.
    """

    key: _Node | None
    node: _Node | None
    in_flow: bool
    missing: tuple[Step, ...]


def _find(text: str, steps: Sequence[Step], document: int = 0) -> _Location:
    key, node, in_flow, missing = None, _document(text, document), False, tuple(steps)
    while missing and node and (child := node.below(missing[0])):
        in_flow = in_flow or node.flow
        (key, node), missing = child, missing[1:]
    return _Location(key, node, in_flow, missing)


def _with_key(text: str, keys: Keys, location: _Location, addition: Addition) -> str:
    """Add the keys that are missing below what is there."""
    lines, flow = addition.lines, addition.flow
    for parent in reversed(location.missing[:-1]):
        lines, flow = (f"{parent}:", *_indented(lines)), f"{_quoted(parent)}: {{{flow}}}"
    node = location.node
    if node is None or node.empty:
        return _filled(text, location, lines, f"{{{flow}}}")
    if node.kind != "map":
        existing_keys = keys[: len(keys) - len(location.missing)]
        raise CannotEdit(
            existing_keys, "is an alias of another mapping" if node.kind == "alias" else "is not a mapping"
        )
    if node.flow:
        return _with_flow(text, node, flow)
    if location.key is None:
        separator = () if text.endswith(("\n\n", "\r\n\r\n")) else ("",)
        return _with_lines(text, len(text), _column(text, node.start), (*separator, *lines))
    return _with_lines(text, node.end, _column(text, node.children[0].start), lines)


def _filled(text: str, location: _Location, lines: Sequence[str], flow: str) -> str:
    """Put the first content below a key that has none, or into an empty document."""
    node, key = location.node, location.key
    if node is None:
        return _with_lines(text, len(text), 0, lines)
    if location.in_flow:
        space = "" if node.start < node.end else " "
        return text[: node.start] + space + flow + text[node.end :]
    before, after = text[: node.start].rstrip(" "), text[node.end :]
    if key is None:
        return _with_lines(before + after, len(before), 0, lines)
    return _with_lines(before + after, len(before), _column(text, key.start) + 2, lines)


def _with_flow(text: str, node: _Node, flow: str) -> str:
    """Insert *flow* behind the last item or pair of *node*, in a line of its own where the one before is."""
    last = node.children[-2 if node.kind == "map" else -1].start
    before = text[_line(text, last) : last]
    separator = f",{_newline(text)}{before}" if not before.strip() else ", "
    return _spliced(text, node.end_of_last, separator + flow)


def _with_lines(text: str, position: int, column: int, lines: Sequence[str]) -> str:
    """Insert whole lines, indented to *column*, after the line that *position* ends in."""
    newline = _newline(text)
    if position and text[position - 1] != "\n":
        end = text.find("\n", position)
        position = len(text) if end < 0 else end + 1
    joint = newline if position and text[position - 1] != "\n" else ""
    return _spliced(text, position, joint + "".join((" " * column + line).rstrip() + newline for line in lines))


def _first_dash(text: str, node: _Node) -> int:
    """Where a block list begins: an anchor stands in a line before it."""
    if text[node.start] == "-":
        return node.start
    dash = re.compile("^ *-", re.MULTILINE).search(text, node.start)
    assert dash  # noqa: S101 - the parser has found a list here
    return dash.end() - 1


def _replaced(text: str, node: _Node, value: str) -> str:
    """*value* in place of *node*; a block scalar ends with its line, and nothing at all right behind a colon."""
    before = " " if text[node.start - 1 : node.start] == ":" else ""
    after = "\n" if text[node.start : node.end].endswith("\n") else ""
    return text[: node.start] + before + value + after + text[node.end :]


def _as_flow(steps: Sequence[Step], value: str) -> str:
    nested: Any = value
    for step in reversed(steps):
        nested = {step: nested}
    return _quoted(nested)


def _as_block(steps: Sequence[Step], value: str) -> list[str]:
    keys = [str(step) if _PLAIN_KEY.fullmatch(str(step)) else _quoted(step) for step in steps]
    lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate(keys)]
    lines[-1] += f" {_quoted(value)}"
    return lines


def _quoted(value: Any) -> str:
    """JSON, which is YAML as well."""
    return json.dumps(value, ensure_ascii=False)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _spliced(text: str, position: int, more: str) -> str:
    return text[:position] + more + text[position:]


def _indented(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"  {line}" for line in lines)


def _column(text: str, position: int) -> int:
    return position - _line(text, position)


def _line(text: str, position: int) -> int:
    """Where the line of *position* begins."""
    return max(text.rfind(line_break, 0, position) for line_break in "\r\n") + 1


def _document(text: str, number: int) -> _Node | None:
    """The node of the *number*-th document; None where there is none, but comments at most."""
    events = yaml.parse(text, yaml.SafeLoader)
    documents = (_node(next(events), events) for event in events if isinstance(event, yaml.DocumentStartEvent))
    return next(islice(documents, number, None), None)


def _node(event: yaml.Event, events: Iterator[yaml.Event]) -> _Node:
    start, end = _span(event)
    if isinstance(event, yaml.ScalarEvent):
        return _Node("scalar", start, end, value=event.value, plain=event.implicit[0])
    if isinstance(event, yaml.AliasEvent):
        return _Node("alias", start, end)
    assert isinstance(event, yaml.CollectionStartEvent)  # noqa: S101 - nothing else stands for a node
    children = []
    while not isinstance(following := next(events), yaml.CollectionEndEvent):
        children.append(_node(following, events))
    kind = "list" if isinstance(event, yaml.SequenceStartEvent) else "map"
    end = _span(following)[1] if event.flow_style or not children else children[-1].end
    return _Node(kind, start, end, flow=bool(event.flow_style), children=children)


def _span(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark is not None  # noqa: S101 - what is read from a text has a place in it
    assert event.end_mark is not None  # noqa: S101 - as above
    return event.start_mark.index, event.end_mark.index
