"""The actions that Rucio asks a permission for, and their arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from scripts.rucio_facts.names import Sources


def actions(generic: ast.Module) -> list[str]:
    for statement in generic.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "has_permission":
            tables = [node for node in ast.walk(statement) if isinstance(node, ast.Dict)]
            return sorted(key.value for table in tables for key in table.keys if isinstance(key, ast.Constant))
    return []


def asked_by_the_gateway(trees: Sources) -> set[str]:
    """The actions that the gateway checks a permission for; not all of them are in the generic table."""
    return {
        str(keyword.value.value)
        for name, tree in trees.items()
        if name.startswith("rucio.gateway.")
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("has_permission")
        for keyword in call.keywords
        if keyword.arg == "action" and isinstance(keyword.value, ast.Constant)
    }


def arguments_of_actions(trees: Sources) -> dict[str, list[str]]:
    """For each action the names that may stand in ``kwargs``: what Rucio gives, and what its own permissions read.

    An action is left out where one of the places that ask for it does not show what it gives.
    """
    found: dict[str, set[str]] = {}
    unknown: set[str] = set()
    for name, tree in trees.items():
        if name.startswith("rucio.core.permission"):
            continue
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                for action, given in _questions(function):
                    found.setdefault(action, set()).update(given or ())
                    unknown |= set() if given is not None else {action}
    for action, read in _read_by_generic(trees["rucio.core.permission.generic"]).items():
        found.setdefault(action, set()).update(read)
    asked = asked_by_the_gateway(trees)
    return {action: sorted(found[action]) for action in sorted(found.keys() & asked - unknown)}


def _questions(function: ast.FunctionDef) -> Iterator[tuple[str, set[str] | None]]:
    """The calls of ``has_permission`` in a function, with the keys of the dictionary that each hands on."""
    tables: dict[str, set[str] | None] = {}
    nodes = (node for node in ast.walk(function) if isinstance(node, ast.Assign | ast.AnnAssign | ast.Call))
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        if isinstance(node, ast.Call):
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            action, kwargs = keywords.get("action"), keywords.get("kwargs")
            if isinstance(action, ast.Constant) and ast.unparse(node.func).endswith("has_permission"):
                yield str(action.value), tables.get(kwargs.id) if isinstance(kwargs, ast.Name) else _keys(kwargs)
            continue
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if isinstance(target, ast.Name):
            tables[target.id] = _keys(node.value)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            keys = tables.get(target.value.id)
            if isinstance(target.slice, ast.Constant) and keys is not None:
                keys.add(str(target.slice.value))
            else:
                tables[target.value.id] = None


def _keys(table: ast.expr | None) -> set[str] | None:
    """The keys of a dictionary display; None where one of them is not a text."""
    if not isinstance(table, ast.Dict) or not all(isinstance(key, ast.Constant) for key in table.keys):
        return None
    return {str(key.value) for key in table.keys if isinstance(key, ast.Constant)}


def _read_by_generic(generic: ast.Module) -> dict[str, set[str]]:
    """For each action the texts with which the generic function that decides on it subscribes or asks."""
    functions = {node.name: node for node in generic.body if isinstance(node, ast.FunctionDef)}
    found: dict[str, set[str]] = {}
    for node in ast.walk(functions["has_permission"]):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Name) and value.id in functions:
                    texts = (one for one in ast.walk(functions[value.id]) if isinstance(one, ast.Constant))
                    found[str(key.value)] = {
                        text for one in texts if (text := str(one.value)).isidentifier() and text[0].islower()
                    }
    return found
