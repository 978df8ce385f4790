"""What a policy package says, read from its source: its permissions, schemas, algorithms and supported versions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.imports import statements
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.tree import walk
from secretsync.rucio.check.values import UNREADABLE, readable


@dataclass(frozen=True, slots=True)
class Value:
    """A constant of a module; *value* is UNREADABLE where it is calculated."""

    value: object
    line: int
    text: str = ""


def constants(module: Module) -> dict[str, Value]:
    """The constants assigned at the top of *module*; the last assignment counts."""
    values: dict[str, Value] = {}
    for statement in module.tree.body:
        match statement:
            case ast.Assign(targets=targets, value=value):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                names = [name]
            case _:
                continue
        for name in names:
            values[name] = Value(literal(value), statement.lineno, text_of(module, value))
    return values


def literal(expression: ast.expr) -> object:
    """The value of a literal, or UNREADABLE."""
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
        line = max((statement.lineno for statement in _binding(module, "SUPPORTED_VERSION")), default=1)
        value = names["SUPPORTED_VERSION"]
        return Value(value if readable(value) else UNREADABLE, line, module.lines[line - 1].strip())
    return None


def _binding(module: Module, name: str) -> Iterator[ast.stmt]:
    """The statements of the module that mention the name or import it."""
    for statement, context in statements(module.tree.body):
        if context.function:
            continue
        if isinstance(statement, ast.ImportFrom):
            if any((alias.asname or alias.name) in (name, "*") for alias in statement.names):
                yield statement
        elif any(
            (isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store))
            or (isinstance(n, ast.Constant) and n.value == name)
            for n in walk(statement)
        ):
            yield statement


def function(module: Module | None, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function of that name at the top of *module*, the last if there are several."""
    for statement in reversed(module.tree.body if module else []):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == name:
            return statement
    return None


def functions(module: Module | None) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions that a module defines at its top, by name; none of None."""
    body = module.tree.body if module else []
    return {
        definition.name: definition
        for definition in body
        if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def schemas(module: Module | None) -> dict[str, Value]:
    """The entries of ``SCHEMAS``, each with the text of the schema that it names."""
    if not module:
        return {}
    values = constants(module)
    for statement in reversed(module.tree.body):
        match statement:
            case ast.Assign(targets=[ast.Name(id="SCHEMAS")], value=ast.Dict() as table):
                break
            case ast.AnnAssign(target=ast.Name(id="SCHEMAS"), value=ast.Dict() as table):
                break
    else:
        return {}
    result: dict[str, Value] = {}
    for key, value in zip(table.keys, table.values, strict=True):
        if isinstance(key, ast.Constant):
            by_name = values.get(value.id) if isinstance(value, ast.Name) else None
            result[str(key.value)] = by_name or Value(literal(value), value.lineno, text_of(module, value))
    return result


def text_of(module: Module, node: ast.AST) -> str:
    """The lines that hold *node*, as they are written."""
    first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0) or 0
    return "\n".join(module.lines[first - 1 : last])
