"""The names that a module of the package has once it has been imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.imports import statements
from secretsync.rucio.check.tree import children

MODULE_ATTRIBUTES = frozenset(
    {"__name__", "__file__", "__doc__", "__package__", "__path__", "__spec__", "__loader__", "__dict__"}
)


def names_of(module: Module, *, stars: bool = True) -> frozenset[str] | None:
    """Every name that the module may have; None where only running it would tell (``*``, ``__getattr__``).

    Without *stars*, what ``import *`` brings is left out.
    """
    names = set(MODULE_ATTRIBUTES)
    for statement, context in statements(module.tree.body):
        if not context.function and not _imports_from_itself(statement, module):
            names.update(bound(statement))
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef) and context.function == statement.name:
            names.add(statement.name)
        if isinstance(statement, ast.Global):
            names.update(statement.names)
    unknown = {"*", "__getattr__"} if stars else {"__getattr__"}
    return None if names & unknown or writes_globals(module) else frozenset(names - {"*"})


def _imports_from_itself(statement: ast.stmt, module: Module) -> bool:
    """``from . import lost`` in an ``__init__`` binds only what the package has without it."""
    match statement:
        case ast.ImportFrom(module=None, level=1):
            return module.is_package
    return False


def bound(statement: ast.stmt) -> Iterator[str]:
    """The names that the statement itself binds; its inner statements are seen by themselves."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=aliases):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in aliases)
        case ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases)
        case _:
            yield from _stored(statement)


def _stored(statement: ast.stmt) -> Iterator[str]:
    """Names bound by the statement's own expressions; its inner statements are seen by themselves."""
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        todo.extend(child for child in children(node) if not isinstance(child, ast.stmt))


def attributes_set_in(modules: Iterable[Module]) -> frozenset[str | None]:
    """The attributes that the code sets on any object; None: some that only running it would tell."""
    return frozenset(name for module in modules for node in module.nodes for name in _attributes_set_by(node))


def _attributes_set_by(node: ast.AST) -> Iterator[str | None]:
    match node:
        case ast.Attribute(attr="__dict__") | ast.Call(func=ast.Name(id="vars"), args=[_, *_]):
            yield None
        case ast.Attribute(attr=name, ctx=ast.Store()):
            yield name
        case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=str(name)), *_]):
            yield name
        case ast.Call(func=ast.Name(id="setattr")):
            yield None


def writes_globals(module: Module) -> bool:
    """``globals()[…] = …`` and its like: names that no reader sees."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("globals", "vars", "exec", "setattr")
        for node in module.nodes
    )
