"""The questions that this Rucio's gateway asks the permissions, read in its source."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import Any

from .examples import DEFAULT_VO, EXAMPLES, internal_account
from .failures import failure
from .loading import PERMISSION

Form = tuple[str, ...]
"""The names of the arguments (``kwargs``) of one question."""


def gateway_questions() -> dict[str, list[Form]]:
    """How this Rucio's gateway asks for each action, read in its source; some are asked for in several ways."""
    questions: dict[str, list[Form]] = {}
    import rucio

    for path in sorted(Path(rucio.__path__[0], "gateway").glob("*.py")):
        for function in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(function, ast.FunctionDef):
                for action, form in questions_in(function):
                    forms = questions.setdefault(action, [])
                    if form not in forms:
                        forms.append(form)
    return questions


def questions_in(function: ast.FunctionDef) -> list[tuple[str, Form]]:
    """The questions in a function, with the arguments that its dictionary has at that line."""
    tables: dict[str, Form] = {}
    questions: list[tuple[str, Form]] = []
    nodes = (node for node in ast.walk(function) if isinstance(node, (ast.Assign, ast.AnnAssign, ast.Call)))
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        if isinstance(node, ast.Call):
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            action, kwargs = keywords.get("action"), keywords.get("kwargs")
            if isinstance(action, ast.Constant):
                form = keys_of(kwargs) if isinstance(kwargs, ast.Dict) else tables.get(name_of(kwargs), ())
                questions.append((str(action.value), form))
            continue
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if isinstance(target, ast.Name) and isinstance(node.value, ast.Dict):
            tables[target.id] = keys_of(node.value)
        elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            name = name_of(target.value)
            tables[name] = (*tables.get(name, ()), str(target.slice.value))
    return questions


def name_of(expression: ast.expr | None) -> str:
    """The name that the expression is; empty for all others."""
    return expression.id if isinstance(expression, ast.Name) else ""


def keys_of(table: ast.Dict) -> tuple[str, ...]:
    """The keys of a dictionary that are literal texts."""
    return tuple(key.value for key in table.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def gateway_question(
    account: str, action: str, names: Form, vo: str, session: Any
) -> tuple[object, str, dict[str, Any]]:
    """The question as it reaches rucio.core.permission: the gateway turns names into accounts and scopes."""
    calls: list[tuple[object, str, dict[str, Any]]] = []
    kwargs = {name: EXAMPLES.get(name, "example") for name in names}
    if vo and "vo" in kwargs:
        kwargs["vo"] = vo

    def record(issuer: object, action: str, kwargs: dict[str, Any], **_: object) -> bool:
        calls.append((issuer, action, kwargs))
        return True

    permission = sys.modules[PERMISSION]
    original = permission.has_permission
    permission.has_permission = record  # type: ignore[attr-defined] # put back below
    try:
        failure(lambda: ask_gateway(account, action, kwargs, vo or DEFAULT_VO, session))
    finally:
        permission.has_permission = original  # type: ignore[attr-defined]
    return calls[0] if calls else (internal_account(account, vo), action, kwargs)


def ask_gateway(account: str, action: str, kwargs: dict[str, Any], vo: str, session: object) -> None:
    """Ask Rucio's gateway whether *account* may do *action*. Raises what Rucio raises."""
    permission = importlib.import_module("rucio.gateway.permission")
    permission.has_permission(issuer=account, action=action, kwargs=kwargs, vo=vo, session=session)
