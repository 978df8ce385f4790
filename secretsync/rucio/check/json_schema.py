"""What makes a JSON schema unusable: the faults on which a validator raises, whatever it is given.

The keywords are those of drafts 4 to 2020-12 (json-schema.org). What the source does not tell is taken to be right.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from secretsync.rucio.check.values import UNREADABLE, readable
from secretsync.rucio.check.work import Work

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_NUMBERS = ("minimum", "maximum", "multipleOf")
_EXCLUSIVE = ("exclusiveMinimum", "exclusiveMaximum")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_SCHEMAS_BY_NAME = ("properties", "patternProperties", "definitions", "$defs")
_LISTS_OF_SCHEMAS = ("anyOf", "allOf", "oneOf")
_SCHEMAS = ("additionalProperties", "additionalItems", "not", "contains", "propertyNames")
_DEEPEST = 30


def faults(schema: Any, work: Work) -> Iterator[str]:
    """A sentence for each fault of *schema* and of the schemas inside it. Raises TooMuchWork."""
    yield from _faults(schema, schema, 0, work)


def fetched(schema: Any, work: Work) -> Iterator[str]:
    """The addresses of the network that a validator asks for *schema*. Raises TooMuchWork."""
    own = {schema.get("$id"), schema.get("id")} if isinstance(schema, dict) else set()
    todo = [(schema, 0)]
    while todo:
        node, depth = todo.pop()
        work.spend(1)
        if not isinstance(node, dict) or depth > _DEEPEST:
            continue
        reference = node.get("$ref")
        if isinstance(reference, str) and re.match(r"https?://", reference):
            address = reference.partition("#")[0]
            if address not in own and not re.match(r"https?://json-schema\.org/", address):
                yield address
        todo.extend((inner, depth + 1) for inner in _inner(node))


def _faults(schema: Any, root: Any, depth: int, work: Work) -> Iterator[str]:
    work.spend(1)
    if schema is UNREADABLE or isinstance(schema, bool) or depth > _DEEPEST:
        return
    if not isinstance(schema, dict):
        if readable(schema):
            yield f"{_short(schema)} is no schema"
        return
    yield from _type(schema)
    yield from _patterns(schema, work)
    yield from _values(schema, old=_names_an_old_draft(root))
    yield from _lists(schema)
    yield from _reference(schema, root)
    for inner in _inner(schema):
        yield from _faults(inner, root, depth + 1, work)


def _type(schema: Mapping[Any, Any]) -> Iterator[str]:
    declared = schema.get("type", UNREADABLE)
    if not readable(declared):
        return
    names = declared if isinstance(declared, list) else [declared]
    unknown = [name for name in names if not isinstance(name, str) or name not in _TYPES]
    if unknown or not names:
        yield f"{_short(unknown[0] if unknown else declared)} is no type of JSON"


def _patterns(schema: Mapping[Any, Any], work: Work) -> Iterator[str]:
    patterns = [schema["pattern"]] if "pattern" in schema else []
    if isinstance(schema.get("patternProperties"), dict):
        patterns += schema["patternProperties"]
    for pattern in patterns:
        if pattern is UNREADABLE:
            continue
        if not isinstance(pattern, str):
            yield f"the pattern {_short(pattern)} is no text"
        elif problem := uncompilable(pattern, work):
            yield f"the regular expression {_short(pattern)} does not compile ({problem})"


_ESCAPES_AND_SETS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


LONGEST_PATTERN = 2_000
"""Characters of a regular expression that is compiled here."""

_SET = 3_000
"""A set of characters may hold all of Unicode, and compiling it then costs as much as reading so many values."""


def uncompilable(pattern: str, work: Work) -> str:
    """Why the regular expression does not compile with the images' Python, empty where it does. Raises TooMuchWork."""
    if len(pattern) > LONGEST_PATTERN:
        return ""
    wide = not pattern.isascii() or re.search(r"\\[xuUN0-7]", pattern) is not None
    work.spend(len(pattern) + (_SET * pattern.count("[") if wide else 0))
    if newer := re.search(r"[*+?}]\+|\(\?>", _ESCAPES_AND_SETS.sub("x", pattern)):
        return f"{newer[0]} needs Python 3.11"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, ValueError, RecursionError, OverflowError) as error:
        return str(error)
    return ""


def _values(schema: Mapping[Any, Any], *, old: bool) -> Iterator[str]:
    """*old*: the schema names a draft in which ``exclusiveMinimum`` was true or false."""
    for name in (*_NUMBERS, *_COUNTS, *(() if old else _EXCLUSIVE)):
        value = schema.get(name, 0)
        if value is not UNREADABLE and (isinstance(value, bool) or not isinstance(value, int | float)):
            yield f"{name} is {_short(value)} and no number"
        elif name in _COUNTS and isinstance(value, int | float) and (value < 0 or value != int(value)):
            yield f"{name} is {_short(value)} and no count"
    required = schema.get("required", [])
    texts = isinstance(required, list) and all(isinstance(item, str) or item is UNREADABLE for item in required)
    if readable(required) and not texts:
        yield f"required is {_short(required)} and no list of names"
    if "enum" in schema and readable(schema["enum"]) and not isinstance(schema["enum"], list):
        yield f"enum is {_short(schema['enum'])} and no list"
    for name in _SCHEMAS_BY_NAME:
        if name in schema and readable(schema[name]) and not isinstance(schema[name], dict):
            yield f"{name} is {_short(schema[name])} and no dictionary"


def _names_an_old_draft(root: Any) -> bool:
    draft = root.get("$schema", "") if isinstance(root, dict) else ""
    return not isinstance(draft, str) or any(f"draft-0{number}" in draft for number in (3, 4))


def _lists(schema: Mapping[Any, Any]) -> Iterator[str]:
    """Keywords whose value is a list of schemas or of names."""
    for name in _LISTS_OF_SCHEMAS:
        value = schema.get(name, UNREADABLE)
        if value is not UNREADABLE and (not isinstance(value, list) or not value):
            yield f"{name} is {_short(value)} and no list of schemas"
    dependencies = schema.get("dependencies", {})
    for name, needed in dependencies.items() if isinstance(dependencies, dict) else ():
        if needed is not UNREADABLE and not isinstance(needed, dict | list | bool):
            yield f"dependencies names {_short(needed)} for {_short(name)} and no list of names"


def _reference(schema: Mapping[Any, Any], root: Any) -> Iterator[str]:
    reference = schema.get("$ref", UNREADABLE)
    if reference is UNREADABLE:
        return
    if not isinstance(reference, str):
        yield f"$ref is {_short(reference)} and no text"
        return
    if not reference.startswith("#/"):
        if re.fullmatch(r"[\w./-]+", reference) and "$id" not in root and "id" not in root:
            yield f"$ref {_short(reference)} leads to a file, and a validator reads none"
        return
    node = root
    for part in reference[2:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdigit() and int(name) < len(node):
            node = node[int(name)]
        else:
            resolvable = not isinstance(node, dict) or UNREADABLE not in node
            if node is not UNREADABLE and resolvable:
                yield f"$ref {_short(reference)} leads nowhere"
            return


def _inner(schema: Mapping[Any, Any]) -> Iterator[Any]:
    for name in _SCHEMAS_BY_NAME:
        if isinstance(schema.get(name), dict):
            yield from schema[name].values()
    for name in _LISTS_OF_SCHEMAS:
        if isinstance(schema.get(name), list):
            yield from schema[name]
    for name in _SCHEMAS:
        if name in schema:
            yield schema[name]
    items = schema.get("items", UNREADABLE)
    yield from items if isinstance(items, list) else [items]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
