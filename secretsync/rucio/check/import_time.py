"""What runs while Rucio imports the package: expressions outside functions, and inside those that are called there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from secretsync.rucio.check.algorithms import registry
from secretsync.rucio.check.code import Module
from secretsync.rucio.check.imports import Around, statements
from secretsync.rucio.check.interpret import nodes_outside_functions
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import loads
from secretsync.rucio.check.rucio import ALGORITHM_TYPES, Rucio
from secretsync.rucio.check.values import Function

_DEEPEST = 3


@dataclass(frozen=True)
class Running:
    """An expression or statement that runs when *start* is loaded (``get_algorithms``: when that is called)."""

    node: ast.AST
    module: Module
    around: Around
    start: str


def at_import(package: Package, rucio: Rucio) -> tuple[Running, ...]:
    """Everything that runs when Rucio loads the package and its default algorithms, and calls get_algorithms()."""
    return package.once(("at import", rucio.default_algorithms), lambda: tuple(_at_import(package, rucio)))


def _at_import(package: Package, rucio: Rucio) -> Iterator[Running]:
    seen: set[str] = set()
    for start in ("", "schema", "permission", *(ALGORITHM_TYPES if rucio.default_algorithms else ())):
        for module, optional in loads(package, start):
            if module.name not in seen:
                seen.add(module.name)
                around = Around(conditional=optional)
                yield from _running(package, module, module.tree.body, around, start, 0)
    name, function = registry(package)
    holder = package.get(name)
    value = package.values(holder).get(function) if holder else None
    if holder and isinstance(value, Function) and not isinstance(value.node, ast.Lambda):
        yield from _running(package, holder, value.node.body, Around(), "get_algorithms", 1)


def within(package: Package, function: Function) -> tuple[Running, ...]:
    """Everything that runs when the function is called, its own functions left aside."""
    return package.once(("within", id(function.node)), lambda: tuple(_within(package, function)))


def _within(package: Package, function: Function) -> Iterator[Running]:
    if isinstance(function.node, ast.Lambda):
        nodes: list[ast.stmt] = [ast.Expr(function.node.body)]
    else:
        nodes = function.node.body
    yield from _running(package, function.module, nodes, Around(), "", _DEEPEST)


def _running(
    package: Package, module: Module, body: list[ast.stmt], outside: Around, start: str, depth: int
) -> Iterator[Running]:
    for statement, around in statements(body):
        if around.function:
            continue
        joined = replace(
            around, conditional=around.conditional or outside.conditional, caught=around.caught | outside.caught
        )
        for node in nodes_outside_functions(_own_expressions(statement)):
            yield Running(node, module, joined, start)
            called = _called(package, module, node) if depth < _DEEPEST else None
            if called:
                yield from _running(package, called[0], called[1], joined, start, depth + 1)


def _called(package: Package, module: Module, node: ast.AST) -> tuple[Module, list[ast.stmt]] | None:
    """The body of the package's own function that the node calls."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            value = package.values(module).get(name)
            if isinstance(value, Function) and isinstance(value.node, ast.FunctionDef) and value.node.name == name:
                return value.module, value.node.body
    return None


def _own_expressions(statement: ast.stmt) -> list[ast.AST]:
    """What the statement itself evaluates; the statements inside it are seen by themselves."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [statement]
        case ast.ClassDef(decorator_list=decorators, bases=bases, keywords=keywords):
            return [*decorators, *bases, *(keyword.value for keyword in keywords)]
        case ast.If(test=test) | ast.While(test=test):
            return [test]
        case ast.For(iter=expression) | ast.AsyncFor(iter=expression):
            return [expression]
        case ast.With(items=items) | ast.AsyncWith(items=items):
            return [item.context_expr for item in items]
        case ast.Try() | ast.Match():
            return []
        case ast.AnnAssign(value=expression):  # of annotations a rule of their own speaks
            return [expression] if expression else []
    return [statement]
