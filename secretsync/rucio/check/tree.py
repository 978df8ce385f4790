"""Walks through syntax trees; which nodes are below another is read once, for rules ask it many times."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator, Sequence

_KEPT = "_children"


def children(node: ast.AST) -> tuple[ast.AST, ...]:
    """What is directly below *node*, in the order of the source."""
    known: tuple[ast.AST, ...] | None = vars(node).get(_KEPT)
    if known is None:
        known = vars(node)[_KEPT] = tuple(ast.iter_child_nodes(node))
    return known


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """*node* and all below it, as ``ast.walk`` gives them."""
    todo = deque([node])
    while todo:
        inner = todo.popleft()
        todo.extend(children(inner))
        yield inner


def own_nodes(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """The nodes of the function itself, without those of functions and classes inside it."""
    todo: list[ast.AST] = list(reversed(definition.body))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            todo.extend(reversed(children(node)))


def nodes_outside_functions(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Every node that is evaluated when *body* runs, without the inside of functions and lambdas."""
    todo: list[ast.AST] = list(reversed(body))
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            signature = node.args
            todo.extend([*node.decorator_list, *signature.defaults, *filter(None, signature.kw_defaults)])
        elif not isinstance(node, ast.Lambda):
            todo.extend(reversed(children(node)))


def replaced(node: ast.FunctionDef, **fields: object) -> ast.FunctionDef:
    """The definition with other *fields*."""
    kept = {name: value for name, value in vars(node).items() if name != _KEPT}
    return ast.FunctionDef(**{**kept, **fields})
