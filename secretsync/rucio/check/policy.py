"""What a policy package says, read from its source: its permissions, schemas, algorithms and supported versions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.imports import statements
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.values import UNREADABLE, readable


@dataclass(frozen=True, slots=True)
class Value:
    """A constant of a module; *value* is UNREADABLE where it is calculated."""

    value: object
    line: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The table in ``has_permission``: which function decides on an action.

    *delegates* means that ``has_permission`` only ever returns None, by which Rucio asks its generic permissions.
    *keywords* are those that the functions are called with, None where the call was not understood.
    """

    actions: Mapping[str, str]
    lines: Mapping[str, int]
    default: str
    delegates: bool
    keywords: tuple[str, ...] | None


def constants(module: Module) -> dict[str, Value]:
    """The constants assigned at the top of *module*; the last assignment counts."""
    found: dict[str, Value] = {}
    for statement in module.tree.body:
        match statement:
            case ast.Assign(targets=targets, value=value):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                names = [name]
            case _:
                continue
        for name in names:
            found[name] = Value(literal(value), statement.lineno, text_of(module, value))
    return found


def literal(expression: ast.expr) -> object:
    try:
        return ast.literal_eval(expression)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return UNREADABLE


def supported_version(package: Package) -> Value | None:
    """``SUPPORTED_VERSION`` of the package, calculated or imported from a module of its own; None: it has none."""
    module = package.get("")
    if not module:
        return None
    names = package.values(module)
    if "SUPPORTED_VERSION" in names:
        line = max((found.lineno for found in _binding(module, "SUPPORTED_VERSION")), default=1)
        value = names["SUPPORTED_VERSION"]
        return Value(value if readable(value) else UNREADABLE, line, module.lines[line - 1].strip())
    return None


def _binding(module: Module, name: str) -> Iterator[ast.stmt]:
    """The statements of the module that mention the name or import it."""
    for statement, around in statements(module.tree.body):
        if around.function:
            continue
        if isinstance(statement, ast.ImportFrom):
            if any((alias.asname or alias.name) in (name, "*") for alias in statement.names):
                yield statement
        elif any(
            isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in ast.walk(statement)
        ):
            yield statement


def function(module: Module | None, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function of that name at the top of *module*, the last if there are several."""
    for statement in reversed(module.tree.body if module else []):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == name:
            return statement
    return None


def functions(module: Module | None) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    body = module.tree.body if module else []
    return {one.name: one for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}


def dispatch(package: Package) -> Dispatch | None:
    """The table of actions in ``has_permission``; None where there is no such function."""
    definition = function(package.get("permission"), "has_permission")
    if not definition:
        return None
    inside = list(ast.walk(definition))
    actions: dict[str, str] = {}
    lines: dict[str, int] = {}
    for node in inside:
        for key, value in _entries(node):
            actions[key], lines[key] = value.id, value.lineno
    returns = [node.value for node in inside if isinstance(node, ast.Return)]
    delegates = all(value is None or (isinstance(value, ast.Constant) and value.value is None) for value in returns)
    default, keywords = _default(returns)
    return Dispatch(actions, lines, default, delegates, keywords)


def _entries(node: ast.AST) -> Iterator[tuple[str, ast.Name]]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, ast.Name):
                yield key.value, value
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                yield str(target.slice.value), node.value


def _default(returns: list[ast.expr | None]) -> tuple[str, tuple[str, ...] | None]:
    """``perm.get(action, perm_default)(issuer=…)``: the default's name and the keywords of the call."""
    for value in returns:
        match value:
            case ast.Call(
                func=ast.Call(func=ast.Attribute(attr="get"), args=[_, ast.Name(id=name)]), args=[], keywords=given
            ):
                return name, _keywords(given)
            case ast.Call(func=ast.Subscript(), args=[], keywords=given):
                return "", _keywords(given)
    return "", None


def _keywords(given: list[ast.keyword]) -> tuple[str, ...] | None:
    names = tuple(one.arg for one in given if one.arg)
    return names if len(names) == len(given) else None


def schemas(module: Module | None) -> dict[str, Value]:
    """The entries of ``SCHEMAS``, each with the text of the schema that it names."""
    if not module:
        return {}
    named = constants(module)
    for statement in reversed(module.tree.body):
        match statement:
            case ast.Assign(targets=[ast.Name(id="SCHEMAS")], value=ast.Dict() as table):
                break
            case ast.AnnAssign(target=ast.Name(id="SCHEMAS"), value=ast.Dict() as table):
                break
    else:
        return {}
    found: dict[str, Value] = {}
    for key, value in zip(table.keys, table.values, strict=True):
        if isinstance(key, ast.Constant):
            by_name = named.get(value.id) if isinstance(value, ast.Name) else None
            found[str(key.value)] = by_name or Value(literal(value), value.lineno, text_of(module, value))
    return found


def text_of(module: Module, node: ast.AST) -> str:
    """The lines that hold *node*, as they are written."""
    first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0) or 0
    return "\n".join(module.lines[first - 1 : last])
