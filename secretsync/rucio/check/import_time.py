"""What runs while Rucio imports the package: expressions outside functions, and inside those that are called there."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from secretsync.rucio.check.algorithms import registry
from secretsync.rucio.check.code import Module
from secretsync.rucio.check.imports import StatementContext, statements
from secretsync.rucio.check.interpret import value_of
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import loads
from secretsync.rucio.check.rucio import ALGORITHM_TYPES, Rucio
from secretsync.rucio.check.tree import nodes_outside_functions, walk
from secretsync.rucio.check.values import BUILTINS, UNREADABLE, Function, ModuleValue, readable

_DEEPEST = 3


@dataclass(frozen=True)
class Running:
    """An expression or statement that runs when *start* is loaded (``get_algorithms``: when that is called).

    *after_return* says that it stands in a function that may have returned before it comes to that, *given* are the
    values that the function was called with, by the names of its parameters.
    """

    node: ast.AST
    module: Module
    context: StatementContext
    start: str
    after_return: bool = False
    given: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def value(self, package: Package, expression: ast.expr) -> Any:
        """The value of an expression where this runs, UNREADABLE where the source does not tell."""
        names = package.values(self.module)
        return value_of(package, self.module, expression, {**names, **self.given} if self.given else names)


def at_import(package: Package, rucio: Rucio) -> tuple[Running, ...]:
    """Everything that runs when Rucio loads the package and its default algorithms, and calls get_algorithms()."""
    return package.memoized(("at import", rucio.default_algorithms), lambda: tuple(_at_import(package, rucio)))


def _at_import(package: Package, rucio: Rucio) -> Iterator[Running]:
    seen: set[str] = set()
    for start in ("", "schema", "permission", *(ALGORITHM_TYPES if rucio.default_algorithms else ())):
        for module, optional in loads(package, start):
            if module.name not in seen:
                seen.add(module.name)
                context = StatementContext(conditional=optional)
                yield from _running(package, module, module.tree.body, context, start, 0)
    name, function = registry(package)
    parent = package.get(name)
    value = package.values(parent).get(function) if parent else None
    if parent and isinstance(value, Function) and not isinstance(value.node, ast.Lambda):
        yield from _running(package, parent, value.node.body, StatementContext(), "get_algorithms", 1)


def within(package: Package, function: Function) -> tuple[Running, ...]:
    """Everything that runs when the function is called, its own functions left aside."""
    return package.memoized(("within", id(function.node)), lambda: tuple(_within(package, function)))


def _within(package: Package, function: Function) -> Iterator[Running]:
    if isinstance(function.node, ast.Lambda):
        nodes: list[ast.stmt] = [ast.Expr(function.node.body)]
    else:
        nodes = function.node.body
    yield from _running(package, function.module, nodes, StatementContext(), "", _DEEPEST)


def _running(
    package: Package,
    module: Module,
    body: list[ast.stmt],
    outside: StatementContext,
    start: str,
    depth: int,
    given: Mapping[str, Any] | None = None,
) -> Iterator[Running]:
    has_returned = False
    for statement, context in statements(body, partial(_decided, package, module)):
        if context.function:
            continue
        joined = replace(
            context, conditional=context.conditional or outside.conditional, caught=context.caught | outside.caught
        )
        nodes = tuple(nodes_outside_functions(_own_expressions(statement)))
        only_if = _only_if(nodes)
        for node in nodes:
            circumstances = replace(joined, conditional=True) if id(node) in only_if else joined
            running = Running(node, module, circumstances, start, has_returned, given or {})
            yield running
            if depth < _DEEPEST and isinstance(node, ast.Call):
                for function, values in _called(package, running, node):
                    body_called = function.node.body if isinstance(function.node, ast.FunctionDef) else []
                    yield from _running(package, function.module, body_called, joined, start, depth + 1, values)
        has_returned = has_returned or isinstance(statement, ast.Return)


def _decided(package: Package, module: Module, test: ast.expr) -> bool | None:
    """How a condition at the top of *module* ends, where its names have one value from the start to the end."""
    names = {node.id for node in walk(test) if isinstance(node, ast.Name)}
    values = package.values(module)
    if any(module.binds.get(name, 0) > 1 for name in names) or not names <= values.keys() | {
        "sys",
        "os",
        "hasattr",
        *BUILTINS,
    }:
        return None
    value = value_of(package, module, test, values)
    return bool(value) if readable(value) and not isinstance(value, Function | ModuleValue) else None


def _only_if(nodes: Iterable[ast.AST]) -> frozenset[int]:
    """Those of *nodes* that another part of their expression decides on: ``a if b else c``, ``a and b``, a loop."""
    guarded: set[int] = set()
    for node in nodes:
        match node:
            case ast.IfExp(body=body, orelse=orelse):
                later: list[ast.expr] = [body, orelse]
            case ast.BoolOp(values=values):
                later = values[1:]
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                later = [node.elt]
            case ast.DictComp(key=key, value=value):
                later = [key, value]
            case _:
                continue
        guarded.update(id(inner) for expression in later for inner in walk(expression))
    return frozenset(guarded)


def _called(package: Package, running: Running, call: ast.Call) -> Iterator[tuple[Function, Mapping[str, Any]]]:
    """The package's own function that is called, or what runs when an object of its class is made, with its values."""
    if not isinstance(call.func, ast.Name):
        return
    value = package.values(running.module).get(call.func.id)
    if not isinstance(value, Function) or value.name != call.func.id:
        return
    if isinstance(value.node, ast.ClassDef):
        for statement in value.node.body:
            if isinstance(statement, ast.FunctionDef) and statement.name in _MAKE_AN_OBJECT:
                yield Function(value.module, statement), _values(package, running, call, statement.args.args[1:])
    elif isinstance(value.node, ast.FunctionDef):
        yield value, _values(package, running, call, value.node.args.args)


_MAKE_AN_OBJECT = ("__new__", "__init__", "__post_init__")


def _values(package: Package, running: Running, call: ast.Call, parameters: list[ast.arg]) -> Mapping[str, Any]:
    """The values of the parameters that the call gives, UNREADABLE for all others."""
    values: dict[str, Any] = {parameter.arg: UNREADABLE for parameter in parameters}
    for parameter, argument in zip(parameters, call.args, strict=False):
        if isinstance(argument, ast.Starred):
            break
        values[parameter.arg] = running.value(package, argument)
    for keyword in call.keywords:
        if keyword.arg in values:
            values[keyword.arg] = running.value(package, keyword.value)
    return values


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
