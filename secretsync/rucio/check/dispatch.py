"""``has_permission`` of a package: which function decides on which action, and who decides on the others."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from secretsync.rucio.check.answers import own_nodes, returns
from secretsync.rucio.check.interpret import names_within, value_of
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.values import UNREADABLE, Function


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The table in ``has_permission``: which function decides on an action.

    *delegates* means that ``has_permission`` only ever returns None, by which Rucio asks its generic permissions.
    *keywords* are those that the functions are called with, None where the call was not understood. *functions* are
    the definitions that the package's source tells, by name. *lookup* is the line of a ``table[action]`` that raises
    KeyError for an action that is not in it, else 0. *complete* says that no other entry can be in the table.
    """

    actions: Mapping[str, str]
    lines: Mapping[str, int]
    default: str
    delegates: bool
    keywords: tuple[str, ...] | None
    functions: Mapping[str, Function] = field(default_factory=dict)
    lookup: int = 0
    complete: bool = True


def has_permission(package: Package) -> Function | None:
    """The definition of ``has_permission``, in ``permission`` or where that imports it from."""
    module = package.get("permission")
    value = package.values(module).get("has_permission") if module else None
    return value if isinstance(value, Function) else None


def dispatch(package: Package) -> Dispatch | None:
    """The table of actions in ``has_permission``; None where there is no such function."""
    return package.memoized(("dispatch",), lambda: _dispatch(package))


def _dispatch(package: Package) -> Dispatch | None:
    function = has_permission(package)
    if not function or not isinstance(function.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    definition = function.node
    actions: dict[str, str] = {}
    lines: dict[str, int] = {}
    for node in ast.walk(definition):
        for action, decides in _entries(node):
            actions[action], lines[action] = decides.id, decides.lineno
    names = names_within(package, function)
    functions: dict[str, Function] = {}
    complete = True
    for table in _tables(package, function, names):
        for key, value in table.items():
            complete &= isinstance(key, str)
            if isinstance(key, str) and isinstance(value, Function):
                actions.setdefault(key, value.name)
                lines.setdefault(key, value.node.lineno)
                functions[actions[key]] = value
    returned = [statement.value for statement in returns(definition)]
    delegates = all(value is None or (isinstance(value, ast.Constant) and value.value is None) for value in returned)
    default, keywords = _default(returned)
    deciding = names.get(default, UNREADABLE)
    if isinstance(deciding, Function):
        functions[default] = deciding
    return Dispatch(actions, lines, default, delegates, keywords, functions, _lookup(definition), complete)


def _entries(node: ast.AST) -> Iterator[tuple[str, ast.Name]]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, ast.Name):
                yield key.value, value
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                yield str(target.slice.value), node.value


def _tables(package: Package, function: Function, names: Mapping[str, object]) -> Iterator[dict[object, object]]:
    """The dictionaries in which has_permission looks for an action."""
    for node in ast.walk(function.node):
        match node:
            case ast.Subscript(value=inner) | ast.Call(func=ast.Attribute(value=inner, attr="get")):
                table = value_of(package, function.module, inner, names)
                if isinstance(table, dict):
                    yield table


def _default(returned: list[ast.expr | None]) -> tuple[str, tuple[str, ...] | None]:
    """``perm.get(action, perm_default)(issuer=…)``: the default's name and the keywords of the call."""
    for value in returned:
        match value:
            case ast.Call(
                func=ast.Call(func=ast.Attribute(attr="get"), args=[_, ast.Name(id=name)]), args=[], keywords=keywords
            ):
                return name, _keywords(keywords)
            case ast.Call(func=ast.Subscript(), args=[], keywords=keywords):
                return "", _keywords(keywords)
    return "", None


def _keywords(keywords: list[ast.keyword]) -> tuple[str, ...] | None:
    names = tuple(keyword.arg for keyword in keywords if keyword.arg)
    return names if len(names) == len(keywords) else None


def _lookup(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The line of ``table[action](…)``, unless the function first looks whether the action is there."""
    nodes = list(own_nodes(definition))
    is_asked = any(isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn) for node in nodes)
    if is_asked or any(isinstance(node, ast.Try | ast.With) for node in nodes):
        return 0
    parameters = [*definition.args.posonlyargs, *definition.args.args]
    action = parameters[1].arg if len(parameters) > 1 else "action"
    for node in nodes:
        match node:
            case ast.Call(func=ast.Subscript(slice=ast.Name(id=name), lineno=line)) if name == action:
                return line
    return 0
