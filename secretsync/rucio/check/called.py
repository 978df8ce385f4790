"""The functions of the package that Rucio calls, and those that these call in turn."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

from secretsync.rucio.check.algorithms import algorithms, default_algorithm, defined_as
from secretsync.rucio.check.dispatch import dispatch, has_permission
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import ALGORITHM_TYPES, Rucio
from secretsync.rucio.check.tree import walk
from secretsync.rucio.check.values import Function, ModuleValue

_MOST = 2_000


def called(package: Package, rucio: Rucio) -> tuple[Function, ...]:
    """Every function of the package that may run when Rucio checks a permission or uses an algorithm."""
    return package.memoized(("called", rucio.default_algorithms), lambda: _called(package, rucio))


def _called(package: Package, rucio: Rucio) -> tuple[Function, ...]:
    todo = list(_entrances(package, rucio))
    called_functions: dict[int, Function] = {}
    while todo and len(called_functions) < _MOST:
        function = todo.pop()
        if id(function.node) not in called_functions:
            called_functions[id(function.node)] = function
            todo.extend(package.memoized(("uses", id(function.node)), partial(_uses, package, function)))
    return tuple(called_functions.values())


def _entrances(package: Package, rucio: Rucio) -> Iterator[Function]:
    table, decides = dispatch(package), has_permission(package)
    if decides:
        yield decides
    if table:
        module = package.get("permission")
        values = package.values(module) if module else {}
        deciding = (values.get(name) for name in (*table.actions.values(), table.default))
        yield from (function for function in (*deciding, *table.functions.values()) if isinstance(function, Function))
    if registers := defined_as(package):
        yield registers
    registered = algorithms(package)
    yield from (algorithm.function for algorithm in (registered.entries if registered else ()) if algorithm.function)
    if rucio.default_algorithms:
        defaults = (default_algorithm(package, kind) for kind in ALGORITHM_TYPES)
        yield from (default[1] for default in defaults if default)


def _uses(package: Package, function: Function) -> tuple[Function, ...]:
    """The functions of the package whose names the function has."""
    values, found = package.values(function.module), {}
    for node in walk(function.node):
        value: object = None
        if isinstance(node, ast.Name):
            value = values.get(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            inner = values.get(node.value.id)
            source = package.get(inner.name) if isinstance(inner, ModuleValue) else None
            value = package.values(source).get(node.attr) if source else None
        if isinstance(value, Function):
            found[id(value.node)] = value
    return tuple(found.values())
