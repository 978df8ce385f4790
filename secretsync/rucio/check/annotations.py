"""Annotations that the images' Python evaluates while it imports a module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.imports import StatementContext, statements


def evaluated(module: Module) -> Iterator[tuple[ast.expr, StatementContext]]:
    """Each annotation with its circumstances, those of functions within functions left aside.

    None where ``from __future__ import annotations`` keeps them as text.
    """
    if _are_text(module):
        return
    for statement, context in statements(module.tree.body):
        if context.function:
            continue
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from ((annotation, context) for annotation in _of_signature(statement))
        elif isinstance(statement, ast.AnnAssign):
            yield statement.annotation, context


def _are_text(module: Module) -> bool:
    return any(
        isinstance(statement, ast.ImportFrom)
        and statement.module == "__future__"
        and any(alias.name == "annotations" for alias in statement.names)
        for statement in module.tree.body
    )


def _of_signature(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    signature = definition.args
    arguments = [*signature.posonlyargs, *signature.args, *signature.kwonlyargs, signature.vararg, signature.kwarg]
    yield from (argument.annotation for argument in arguments if argument and argument.annotation)
    if definition.returns:
        yield definition.returns
