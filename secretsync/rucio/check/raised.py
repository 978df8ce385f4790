"""Expressions at import that are certain to raise: what is constant in the source is calculated, and fails."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import groupby

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.import_time import Running, at_import
from secretsync.rucio.check.interpret import Operations
from secretsync.rucio.check.names import writes_globals
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import Rucio
from secretsync.rucio.check.tree import walk
from secretsync.rucio.check.values import BUILTINS, CONTAINERS, is_plain

_READING = frozenset({"get", "items", "keys", "values", "index", "count", "copy"})
"""Methods of containers that change nothing."""


def raised_at_import(package: Package, rucio: Rucio) -> tuple[tuple[Running, Exception], ...]:
    """The expressions that run at import and fail whatever the site, each with what Python raises there."""
    return package.memoized(("raised", rucio.default_algorithms), lambda: tuple(_raised(package, rucio)))


def _raised(package: Package, rucio: Rucio) -> Iterator[tuple[Running, Exception]]:
    # what one call of a function runs has the same values
    for _, one_run in groupby(at_import(package, rucio), key=lambda running: (running.module.name, id(running.given))):
        all_running = list(one_run)
        module, given = all_running[0].module, all_running[0].given
        operations = Operations(package, module, {**package.values(module), **given})
        for running in all_running:
            error = _unpacking(package, running)
            if error is None and isinstance(running.node, ast.expr):
                error = operations.error_of(running.node)
            if error and _is_constant(package, running):
                yield running, error


def _unpacking(package: Package, running: Running) -> Exception | None:
    """``A, B = (1, 2, 3)``."""
    match running.node:
        case ast.Assign(targets=[ast.Tuple(elts=names) | ast.List(elts=names)], value=value):
            if any(isinstance(name, ast.Starred) for name in names):
                return None
            values = running.value(package, value)
            if isinstance(values, list | tuple | str) and is_plain(values) and len(values) != len(names):
                return ValueError(f"{len(values)} values for {len(names)} names")
    return None


def _is_constant(package: Package, running: Running) -> bool:
    """Whether each name in it has one plain value, from the start to the end and whatever else runs."""
    value = running.node.value if isinstance(running.node, ast.Assign) else running.node
    names = {node.id for node in walk(value) if isinstance(node, ast.Name)}
    return all(_has_one_value(package, running, name) for name in names)


def _has_one_value(package: Package, running: Running, name: str) -> bool:
    if {name, None} & package.attributes_set or _writes_globals(package, running.module):
        return False
    bindings = running.module.binds.get(name, 0)
    if name in BUILTINS or name in CONTAINERS:
        return bindings == 0
    if bindings != 1:
        return False
    if name in running.given:
        return is_plain(running.given[name]) and isinstance(running.given[name], _IMMUTABLE)
    if name not in running.module.assigned:
        return False
    value = package.values(running.module).get(name)
    return is_plain(value) and (isinstance(value, _IMMUTABLE) or _is_only_read(package, name))


def _writes_globals(package: Package, module: Module) -> bool:
    return package.memoized(("writes globals", module.name), partial(writes_globals, module))


_IMMUTABLE = (str, bytes, int, float, tuple, type(None))


def _is_only_read(package: Package, name: str) -> bool:
    """Whether nothing in the package can change the container of that name, nor hand it to what could."""
    uses, reads = package.memoized(("uses and reads",), partial(_uses_and_reads, package))
    return uses[name] == reads[name]


def _uses_and_reads(package: Package) -> tuple[Counter[str], Counter[str]]:
    """How often each name stands in the package, and how often of these it is but read."""
    uses: Counter[str] = Counter()
    reads: Counter[str] = Counter()
    for module in package.sources:
        for imported in package.imports(module):
            is_own = imported.name.partition(".")[0] == package.name
            uses.update(imported.names)
            if is_own and "*" in imported.names:
                uses.update(module.binds)
        for node in module.nodes:
            match node:
                case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name):
                    uses[name] += 1
                case ast.Global(names=names) | ast.Nonlocal(names=names):
                    uses.update(names)
            reads.update(_read_by(node))
    return uses, reads


def _read_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Load()):
            yield name
        case ast.Attribute(value=ast.Name(id=name), attr=method) if method in _READING:
            yield name
        case ast.For(iter=ast.Name(id=name)) | ast.comprehension(iter=ast.Name(id=name)):
            yield name
        case ast.Compare(comparators=compared):
            yield from (side.id for side in compared if isinstance(side, ast.Name))
        case ast.Call(func=ast.Name(id="len" | "list" | "set" | "tuple" | "sorted"), args=[ast.Name(id=name)]):
            yield name
