"""Values that are read from source, and what Python makes of them; one of them stands for all that is not known."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from secretsync.rucio.check.code import Module

LONGEST = 10_000
"""Characters or elements of a value that is still calculated: a hostile file must not fill the memory."""


MOST = 50_000
"""Values inside one another: names that hold each other twice make 2^40 of them in forty lines."""


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


def readable(value: object) -> bool:
    """Whether the whole value is known."""
    if isinstance(value, Mapping):
        return all(readable(key) and readable(inner) for key, inner in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(readable, value))
    return not isinstance(value, Unreadable)


def is_huge(value: object) -> bool:
    """Whether a container holds more than MOST values, those of containers inside it counted each time they occur."""
    left, todo = MOST, [value]
    while todo and left:
        left -= 1
        inner = todo.pop()
        if isinstance(inner, Mapping):
            todo.extend(inner.values())
        elif isinstance(inner, list | tuple | set | frozenset):
            todo.extend(inner)
    return bool(todo)


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
    return ast.FunctionDef(**{**vars(definition), "decorator_list": [], "args": arguments})


def is_wide(specification: str) -> bool:
    """A width of thousands would make a text of that size."""
    return bool(re.search(r"\d{4,}|\*", specification))


def joined(parts: list[Any]) -> Any:
    """The parts as one text; UNREADABLE where one of them is."""
    return "".join(map(str, parts)) if all(map(readable, parts)) else UNREADABLE


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mod: operator.mod,
    ast.FloorDiv: operator.floordiv,
}


def operate(op: ast.operator, left: Any, right: Any) -> Any:
    """What the operator gives; UNREADABLE where a side is, or where the result would be large."""
    if isinstance(op, ast.BitOr) and isinstance(left, dict):
        return {**left, **(right if isinstance(right, dict) else {UNREADABLE: UNREADABLE})}
    if type(op) not in _OPERATORS or not readable(left) or not readable(right):
        return UNREADABLE
    if isinstance(op, ast.Mod) and isinstance(left, str) and is_wide(left):
        return UNREADABLE
    if any(isinstance(operand, str | list | tuple) and len(operand) > LONGEST for operand in (left, right)):
        return UNREADABLE
    return _OPERATORS[type(op)](left, right)


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
    if method == "replace" and any(isinstance(argument, str) and len(argument) > 100 for argument in arguments):
        return UNREADABLE
    return getattr(text, method)(*arguments, **{str(name): value for name, value in keywords.items()})
