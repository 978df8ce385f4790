"""The configuration's YAML: text stays as it was written, and a key that is given twice is an error with its line.

YAML 1.1, which PyYAML reads, takes ``1.10`` for 1.1, ``0123`` for 83, ``off`` for false and ``2024-10-01`` for a date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from secretsync.core.foreign import refuse_large

_OLD_NUMBER = re.compile(r":|^[-+]?0[0-7_]+$")
"""Numbers of YAML 1.1 that YAML 1.2 has not: to the base of sixty (12:30), and of eight (0123)."""

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""What no name, path or URL can hold: operating systems end a text there, or have no bytes for it."""

_KEPT_AS_TEXT = ("tag:yaml.org,2002:timestamp",)
_BOOLEANS = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})


class WrittenInt(int):
    """An integer that still knows how it was written."""

    written: str

    def __str__(self) -> str:
        return self.written


class WrittenFloat(float):
    """A number that still knows how it was written."""

    written: str

    def __str__(self) -> str:
        return self.written


_MOST_CHARACTERS = 1_000_000
"""A thousand targets have half of it. It is parsed in Python, as lines and what is written are to be known."""


class _Loader(yaml.SafeLoader):
    """Of booleans only true and false, as in YAML 1.2; of dates none."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Its value; one that Python has no value for (a number of 5,000 digits) is a fault of its line."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError):
            problem = "this value cannot be read"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def construct_yaml_int(self, node: yaml.ScalarNode) -> WrittenInt | str:  # type: ignore[override]
        if _OLD_NUMBER.search(node.value):
            return str(node.value)
        number = WrittenInt(super().construct_yaml_int(node))
        number.written = node.value
        return number

    def construct_yaml_float(self, node: yaml.ScalarNode) -> WrittenFloat | str:  # type: ignore[override]
        if _OLD_NUMBER.search(node.value):
            return str(node.value)
        number = WrittenFloat(super().construct_yaml_float(node))
        number.written = node.value
        return number

    def construct_word(self, node: yaml.ScalarNode) -> bool | str:
        return self.construct_yaml_bool(node) if node.value in _BOOLEANS else str(node.value)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _KEPT_AS_TEXT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# a set, bytes or a date is nothing that the configuration has
_Loader.yaml_constructors = {
    tag: constructor
    for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
}
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)
_Loader.add_constructor("tag:yaml.org,2002:bool", _Loader.construct_word)


def load(text: str) -> Any:
    """The one document of *text*. Raises yaml.YAMLError, whose problem_mark has the line."""
    if len(text) > _MOST_CHARACTERS:
        raise yaml.MarkedYAMLError(problem=f"it has more than {_MOST_CHARACTERS:,} characters")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        refuse_large(node)
        for part in _nodes(node):
            _refuse_what_no_text_holds(part)
            _refuse_keys_given_twice(part)
        return loader.construct_document(node)
    except RecursionError:
        raise yaml.YAMLError("it is nested too deep, or holds itself") from None
    except OverflowError:
        raise yaml.YAMLError("it has an escape that is no character") from None
    finally:
        loader.dispose()


def line_finder(text: str) -> Callable[[Sequence[int | str]], int | None]:
    """Gives the line, from 1, of what stands at a location in *text*, or of what should hold it; None: not known.

    Parts that are no key there, as the tags of unions, are passed over.
    """
    root = cache(lambda: yaml.compose(text, Loader=_Loader))
    return lambda location: _line(root(), location)


def _line(node: yaml.Node | None, location: Sequence[int | str]) -> int | None:
    line = None
    for part in location:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == part:
                    node, line = value, key.start_mark.line + 1
                    break
    return line


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Each node of the document once, however many aliases stand for it."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        if isinstance(node, yaml.MappingNode):
            waiting += (part for pair in node.value for part in pair)
        yield node


def _refuse_what_no_text_holds(node: yaml.Node) -> None:
    if isinstance(node, yaml.ScalarNode) and _NO_TEXT.search(node.value):
        raise ConstructorError(None, None, "this text holds a null, or half a character", node.start_mark)


def _refuse_keys_given_twice(node: yaml.Node) -> None:
    """Before anything is merged by ``<<``, which may well replace keys. Raises ConstructorError."""
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value in lines:
            problem = f"key {key.value[:60]!r} is given twice; first in line {lines[key.value] + 1}"
            raise ConstructorError(None, None, problem, key.start_mark)
        lines[key.value] = key.start_mark.line
