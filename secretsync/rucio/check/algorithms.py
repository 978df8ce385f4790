"""What ``get_algorithms()`` returns, wherever the package defines it and however it puts it together."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.interpret import returns_of
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.tree import walk
from secretsync.rucio.check.values import UNREADABLE, Function, ModuleValue, readable


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One entry of what ``get_algorithms()`` returns; *function* is None where the package's source does not tell."""

    type: str
    name: str
    line: int
    function: Function | None = None


@dataclass(frozen=True)
class Algorithms:
    """What ``get_algorithms()`` returns; *complete* is False where part of it is calculated.

    *path* is the file that defines it, *types* the line of each type there. *unusable* says why Rucio cannot use what
    it returns, empty where it can or where that is not known. *may_return_nothing* says that a condition decides
    whether it returns anything.
    """

    entries: tuple[Algorithm, ...] = ()
    types: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True
    path: str = "__init__.py"
    line: int = 1
    unusable: str = ""
    may_return_nothing: bool = False


def defined_as(package: Package) -> Function | None:
    """The definition of the package's ``get_algorithms``, in ``__init__`` or where that imports it from."""
    module = package.get("")
    value = package.values(module).get("get_algorithms") if module else None
    return value if isinstance(value, Function) else None


def registry(package: Package) -> tuple[str, str]:
    """The module and the name of the function that is the package's ``get_algorithms``."""
    function = defined_as(package)
    return (function.module.name, function.name) if function else ("", "get_algorithms")


def algorithms(package: Package) -> Algorithms | None:
    """What ``get_algorithms()`` of the package returns, None where it has no such function."""
    return package.memoized(("algorithms",), lambda: _algorithms(package))


def _algorithms(package: Package) -> Algorithms | None:
    module = package.get("")
    if not module or "get_algorithms" not in package.values(module):
        return None
    function = defined_as(package)
    if not function:
        value = package.values(module)["get_algorithms"]
        is_known = readable(value) and not isinstance(value, ModuleValue)
        return Algorithms(complete=False, unusable=f"is a {type(value).__name__} and no function" if is_known else "")
    path, line = function.module.path, function.node.lineno
    if unusable := _cannot_be_called(function):
        return Algorithms(path=path, line=line, unusable=unusable)
    returned = returns_of(package, function)
    if not returned and not _only_raises(function):
        return Algorithms(path=path, line=line, unusable="returns nothing")
    merged = _merged(returned, function, path, line)
    return replace(merged, may_return_nothing=_may_end(function))


def _cannot_be_called(function: Function) -> str:
    node = function.node
    if isinstance(node, ast.AsyncFunctionDef):
        return "is async and returns a coroutine"
    if isinstance(node, ast.ClassDef) or (not isinstance(node, ast.Lambda) and node.decorator_list):
        return ""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = [parameter.arg for parameter in positional[: len(positional) - len(arguments.defaults)]]
    missing += [
        parameter.arg
        for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    if missing:
        return f"wants the argument {missing[0]}, and Rucio calls it without any"
    if any(isinstance(child, ast.Yield | ast.YieldFrom) for child in walk(node)):
        return "is a generator"
    return ""


def _may_end(function: Function) -> bool:
    """Whether it comes to its end without a return, where none of its conditions holds."""
    return isinstance(function.node, ast.FunctionDef) and not _always_leaves(function.node.body)


def _always_leaves(body: list[ast.stmt]) -> bool:
    match body[-1] if body else None:
        case ast.Return() | ast.Raise():
            return True
        case ast.If(body=inner, orelse=orelse):
            return _always_leaves(inner) and _always_leaves(orelse)
        case ast.With(body=inner):
            return _always_leaves(inner)
        case ast.Try(body=inner, handlers=handlers, orelse=orelse, finalbody=last):
            leaves = _always_leaves(inner) or _always_leaves(orelse)
            return _always_leaves(last) or (leaves and all(_always_leaves(handler.body) for handler in handlers))
        case ast.For() | ast.While() | ast.Match():
            return True  # not followed
    return False


def _only_raises(function: Function) -> bool:
    return any(isinstance(node, ast.Raise) for node in walk(function.node))


def _merged(returned: list[object], function: Function, path: str, line: int) -> Algorithms:
    """What all its returns give together: which of them is taken is not known."""
    lines = _lines(function)
    entries: dict[tuple[str, str], Algorithm] = {}
    types: dict[str, int] = {}
    complete = True
    for table in returned:
        if table is UNREADABLE:
            complete = False
            continue
        if not isinstance(table, dict):
            kind = "nothing" if table is None else f"a {type(table).__name__}"
            return Algorithms(path=path, line=line, unusable=f"returns {kind} instead of a dictionary")
        for kind, registered in table.items():
            if not isinstance(kind, str):
                complete = False
                continue
            types[kind] = lines.get(kind, line)
            registered = _by_name(kind, registered)
            if not isinstance(registered, dict):
                if registered is not UNREADABLE:
                    return Algorithms(
                        path=path, line=types[kind], unusable=f"gives no dictionary for the type {kind!r}"
                    )
                complete = False
                continue
            for name, value in registered.items():
                if not isinstance(name, str):
                    complete = False
                    continue
                used = value if isinstance(value, Function) else None
                entries[kind, name] = Algorithm(kind, name, lines.get(name, types[kind]), used)
    return Algorithms(tuple(entries.values()), types, complete, path, line)


_UPDATED = ("scope", "non_deterministic_pfn")
"""Types of which Rucio registers its own algorithms before a package's (rucio.common.utils), which update those."""


def _by_name(kind: str, named: object) -> object:
    """Pairs do as well as a dictionary where they update one."""
    pairs = isinstance(named, list | tuple) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in named)
    return dict(named) if kind in _UPDATED and pairs else named  # type: ignore[call-overload] # they are pairs


def _lines(function: Function) -> dict[str, int]:
    """Where the texts of the file stand, those of the function before all others."""
    lines: dict[str, int] = {}
    for tree in (function.node, function.module.tree):
        for node in walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                lines.setdefault(node.value, node.lineno)
    return lines


def default_algorithm(package: Package, kind: str) -> tuple[Module, Function] | None:
    """Function T of the module T of the package, where both can be read."""
    module = package.get(kind)
    value = package.values(module).get(kind) if module else None
    return (module, value) if module and isinstance(value, Function) else None
