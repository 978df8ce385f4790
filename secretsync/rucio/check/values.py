"""Values that are read from source, and what Python makes of them; one of them stands for all that is not known."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any

from packaging.specifiers import SpecifierSet

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.tree import replaced

LONGEST = 10_000
"""Characters, elements or bits of a value that is still calculated: a hostile file must not fill the memory."""

MOST_PARTS = 100_000
"""Parts of a value that is still known: elements, those inside them, keys. More is a value that doubles itself."""


class Unreadable(Enum):
    """The one value that only running the code would tell."""

    UNREADABLE = "calculated"


UNREADABLE = Unreadable.UNREADABLE
"""Stands for a value that only running the code would tell; as a key of a dictionary, for entries that are unknown."""


@dataclass(frozen=True, eq=False)
class Function:
    """A function, lambda or class of the package; the same definition is the same value."""

    module: Module = field(repr=False)
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef = field(repr=False)

    @property
    def name(self) -> str:
        """The name by which it was defined; ``lambda`` has none."""
        return "lambda" if isinstance(self.node, ast.Lambda) else self.node.name

    def __deepcopy__(self, _: object) -> Function:
        return self


@dataclass(frozen=True)
class ModuleValue:
    """A module of the package, by its name relative to it."""

    name: str


Names = dict[str, Any]


def parts_of(value: object) -> Iterator[object]:
    """The value and all that is in it; what is held in two places comes twice."""
    todo = [value]
    while todo:
        part = todo.pop()
        yield part
        if isinstance(part, Mapping):
            todo.extend(part.keys())
            todo.extend(part.values())
        elif isinstance(part, list | tuple | set | frozenset):
            todo.extend(part)


def count(value: object) -> int:
    """How many parts the value has, MOST_PARTS + 1 where there are more: a list may hold itself."""
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        return 1
    return sum(1 for _ in islice(parts_of(value), MOST_PARTS + 1))


def readable(value: object) -> bool:
    """Whether the whole value is known."""
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        return not isinstance(value, Unreadable)
    found = 0
    for part in islice(parts_of(value), MOST_PARTS + 1):
        if isinstance(part, Unreadable):
            return False
        found += 1
    return found <= MOST_PARTS


def is_plain(value: object) -> bool:
    """Whether it is just what Python has in its place: no function, class or version that stands for another value."""
    plain = (str, bytes, int, float, complex, bool, type(None), list, tuple, set, frozenset, dict)
    return all(type(part) in plain for part in islice(parts_of(value), MOST_PARTS + 1))


def extent(value: object) -> float:
    """How many characters the value has as text, at most; infinite for what is no plain value."""
    found = 0.0
    for part in islice(parts_of(value), LONGEST + 1):
        if isinstance(part, str | bytes):
            found += 4 * len(part) + 4
        elif isinstance(part, int) and not isinstance(part, bool):
            found += part.bit_length() / 3 + 4
        elif isinstance(part, SpecifierSet):
            found += 4 * len(str(part))
        elif isinstance(part, Mapping | list | tuple | set | frozenset | bool | float | complex | None):
            found += 32
        else:
            return math.inf
        if found > 4 * LONGEST:
            return math.inf
    return found


def same(left: Any, right: Any) -> bool:
    """Whether two values are certain to be equal, and of one type."""
    return left is right or (readable(left) and readable(right) and type(left) is type(right) and bool(left == right))


def is_key(key: object) -> bool:
    """Whether it may be the key of a dictionary that is calculated here."""
    return isinstance(key, str | int | float | bool | None)


def method_of(class_: Function, name: str) -> Any:
    """The method as it is called on the class itself: only a class method gets its first argument from there."""
    for statement in class_.node.body if isinstance(class_.node, ast.ClassDef) else ():
        if not isinstance(statement, ast.FunctionDef) or statement.name != name:
            continue
        match statement.decorator_list:
            case []:
                return Function(class_.module, statement)
            case [ast.Name(id="staticmethod")]:
                return Function(class_.module, _plain(statement, statement.args.args))
            case [ast.Name(id="classmethod")]:
                return Function(class_.module, _plain(statement, statement.args.args[1:]))
    return UNREADABLE


def constant_of(class_: Function, name: str, value: Callable[[ast.expr], Any]) -> Any:
    """What the body of the class assigns the name, where it does so once and to something that is no method."""
    body = class_.node.body if isinstance(class_.node, ast.ClassDef) else []
    values = [
        statement.value
        for statement in body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name) and target.id == name
    ]
    return value(values[0]) if len(values) == 1 and isinstance(values[0], ast.Constant) else UNREADABLE


def _plain(definition: ast.FunctionDef, parameters: list[ast.arg]) -> ast.FunctionDef:
    """The definition without its decorator, with these arguments by place."""
    signature = definition.args
    arguments = ast.arguments(
        **{
            **vars(signature),
            "args": parameters,
            "defaults": signature.defaults[-len(parameters) :] if parameters else [],
        }
    )
    return replaced(definition, decorator_list=[], args=arguments)


def is_wide(specification: str) -> bool:
    """A width of thousands would make a text of that size; one that is a value of its own may be of thousands."""
    return bool(re.search(r"\d{4,}|\*|\{[^{}]*\{", specification))


_FILLED = 100 * LONGEST
"""Characters of a text into which values are put, at most."""


def joined(parts: list[Any]) -> Any:
    """The parts as one text; UNREADABLE where one of them is, or where that is long."""
    if not all(map(readable, parts)) or sum(map(extent, parts)) > 4 * LONGEST:
        return UNREADABLE
    return "".join(map(str, parts))


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.FloorDiv: operator.floordiv,
}


def operate(op: ast.operator, left: Any, right: Any) -> Any:
    """What the operator gives; UNREADABLE where a side is, or where the result would be large."""
    if isinstance(op, ast.BitOr) and isinstance(left, dict):
        return {**left, **(right if isinstance(right, dict) else {UNREADABLE: UNREADABLE})}
    if type(op) not in _OPERATORS or not readable(left) or not readable(right):
        return UNREADABLE
    if (
        isinstance(op, ast.Mod)
        and isinstance(left, str)
        and (is_wide(left) or left.count("%") * extent(right) > _FILLED)
    ):
        return UNREADABLE
    if any(isinstance(operand, str | list | tuple) and len(operand) > LONGEST for operand in (left, right)):
        return UNREADABLE
    if any(isinstance(operand, int) and operand.bit_length() > LONGEST for operand in (left, right)):
        return UNREADABLE
    if isinstance(op, ast.Mult) and _times(left, right) > LONGEST:
        return UNREADABLE
    return _OPERATORS[type(op)](left, right)


def _times(left: Any, right: Any) -> float:
    """How long the product is at most, where one side is a text or a list."""
    sizes = [max(side, 0) if isinstance(side, int) else max(extent(side), 1) for side in (left, right)]
    return 0 if all(isinstance(side, int | float) for side in (left, right)) else sizes[0] * sizes[1]


_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


def compare(op: ast.cmpop, left: Any, right: Any) -> Any:
    """What the comparison gives; UNREADABLE where a side is."""
    if type(op) not in _COMPARISONS or not readable(left) or not readable(right):
        return UNREADABLE
    return _COMPARISONS[type(op)](left, right)


BUILTINS: dict[str, Callable[..., Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "len": len,
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "sorted": sorted,
    "max": max,
    "min": min,
}


def built(name: str, arguments: list[Any]) -> Any:
    """What the built-in function gives; UNREADABLE where what it is given is not known, or its text is long."""
    if not all(map(readable, arguments)) or (name == "str" and extent(arguments) > 4 * LONGEST):
        return UNREADABLE
    return BUILTINS[name](*arguments)


CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "sorted": list,
    "reversed": list,
}
"""What gives a container whatever it is given."""


class VersionInfo(tuple[int, ...]):
    """``sys.version_info`` as far as it is known: major and minor version of the images' Python."""

    __slots__ = ()

    @classmethod
    def of(cls, python: tuple[int, int]) -> VersionInfo:
        """The newest ``sys.version_info`` of a minor release of Python, as ``(3, 9)``."""
        # packages compare with the minor version; the patch level stands for one that is newer than any they name
        return cls((*python, 99))

    @property
    def major(self) -> int:
        """The 3 of 3.9."""
        return self[0]

    @property
    def minor(self) -> int:
        """The 9 of 3.9."""
        return self[1]


METHODS = frozenset(
    {"join", "format", "strip", "lstrip", "rstrip", "lower", "upper", "split", "replace", "partition", "rpartition"}
)


def of_text(text: Any, method: str, arguments: list[Any], keywords: Mapping[str | None, Any]) -> Any:
    """What a method of a text gives; UNREADABLE where it is not certain, or would be large."""
    is_known = isinstance(text, str) and all(map(readable, arguments)) and all(map(readable, keywords.values()))
    if not is_known or None in keywords or len(text) > LONGEST or (method == "format" and is_wide(text)):
        return UNREADABLE
    longest = max(map(extent, [*arguments, *keywords.values()]), default=0)
    times = {"format": text.count("{"), "replace": len(text) + 1}.get(method, 1)
    if method == "join":
        times, longest = sum(map(count, arguments)), len(text) + longest
    if times * longest > _FILLED:
        return UNREADABLE
    return getattr(text, method)(*arguments, **{str(name): value for name, value in keywords.items()})
