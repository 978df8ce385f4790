"""``has_permission`` of a package: which function decides on which action, and who decides on the others."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from secretsync.rucio.check.answers import returns
from secretsync.rucio.check.imports import statements
from secretsync.rucio.check.interpret import names_within, value_of
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.tree import nodes_outside_functions, own_nodes, walk
from secretsync.rucio.check.values import UNREADABLE, Function


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The table in ``has_permission``: which function decides on an action.

    *delegates* means that ``has_permission`` only ever returns None, by which Rucio asks its generic permissions.
    *places* says how many arguments the functions are called with by place, *keywords* are the names of the others,
    None where the call was not understood. *functions* are the definitions that the package's source tells, by name.
    *lookup* is the line of a ``table[action]`` that raises KeyError for an action that is not in it, else 0. *complete*
    says that no other entry can be in the table.
    """

    actions: Mapping[str, str]
    lines: Mapping[str, int]
    default: str
    delegates: bool
    keywords: tuple[str, ...] | None
    places: int = 0
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
    for node in walk(definition):
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
    default, places, keywords = _call_of_the_table(definition)
    deciding = names.get(default, UNREADABLE)
    if isinstance(deciding, Function):
        functions[default] = deciding
    lookup = _lookup(package, function, names)
    return Dispatch(actions, lines, default, delegates, keywords, places, functions, lookup, complete)


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
    for node in walk(function.node):
        match node:
            case ast.Subscript(value=inner) | ast.Call(func=ast.Attribute(value=inner, attr="get")):
                table = value_of(package, function.module, inner, names)
                if isinstance(table, dict):
                    yield table


def _call_of_the_table(
    definition: ast.FunctionDef | ast.AsyncFunctionDef,
) -> tuple[str, int, tuple[str, ...] | None]:
    """``perm.get(action, perm_default)(issuer, kwargs=…)``: the default's name, and how the function is called.

    Tables that are called in several ways are not understood.
    """
    nodes = list(own_nodes(definition))
    assigned = {
        node.targets[0].id: node.value
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    action = _action(definition)
    calls: dict[tuple[int, tuple[str, ...] | None], str] = {}
    for node in nodes:
        if isinstance(node, ast.Call):
            callee = assigned.get(node.func.id, node.func) if isinstance(node.func, ast.Name) else node.func
            default = _looked_up(callee, action)
            if default is not None:
                calls.setdefault((len(node.args), _keywords(node)), default)
    if len(calls) != 1:
        return "", 0, None
    ((places, keywords), default) = calls.popitem()
    return default, places, keywords


def _action(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The name by which the function knows the action that Rucio asks for."""
    parameters = [*definition.args.posonlyargs, *definition.args.args]
    return parameters[1].arg if len(parameters) > 1 else "action"


def _looked_up(callee: ast.expr, action: str) -> str | None:
    """The name of the default where the expression looks for the action in a table, None where it is another."""
    match callee:
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Name(id=key), ast.Name(id=name)]) if key == action:
            return name
        case ast.BoolOp(
            op=ast.Or(), values=[ast.Call(func=ast.Attribute(attr="get"), args=[ast.Name(id=key)]), ast.Name(id=name)]
        ) if key == action:
            return name
        case (
            ast.Subscript(slice=ast.Name(id=key)) | ast.Call(func=ast.Attribute(attr="get"), args=[ast.Name(id=key)])
        ) if key == action:
            return ""
    return None


def _keywords(call: ast.Call) -> tuple[str, ...] | None:
    names = tuple(keyword.arg for keyword in call.keywords if keyword.arg)
    is_known = len(names) == len(call.keywords) and not any(isinstance(given, ast.Starred) for given in call.args)
    return names if is_known else None


def _lookup(package: Package, function: Function, names: Mapping[str, object]) -> int:
    """The line of ``table[action](…)`` in a dictionary, unless the function first looks whether the action is there."""
    definition = function.node
    if not isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
        return 0
    if any(
        isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn) for node in own_nodes(definition)
    ):
        return 0
    action = _action(definition)
    for statement, context in statements(definition.body):
        if context.function or context.catches("KeyError") or isinstance(statement, _WITH_STATEMENTS):
            continue
        for node in nodes_outside_functions([statement]):
            match node:
                case ast.Call(func=ast.Subscript(value=table, slice=ast.Name(id=name), lineno=line)) if name == action:
                    # what is no plain dictionary may have a value for every key
                    if isinstance(value_of(package, function.module, table, names), dict):
                        return line
    return 0


_WITH_STATEMENTS = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.Match)
"""Statements that hold others, which are seen by themselves."""
