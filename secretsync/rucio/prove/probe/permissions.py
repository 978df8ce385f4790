"""Who decides on every action: the package, Rucio's generic permissions, or an error."""

from __future__ import annotations

import ast
import copy
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .examples import DEFAULT_VO, NOBODY
from .failures import failure
from .gateway import gateway_question, gateway_questions
from .loading import PERMISSION

if TYPE_CHECKING:
    from types import ModuleType

UNKNOWN_ACTION = "an_action_that_no_policy_knows"
"""Asked for as well: a policy should have an answer to what it does not know."""


def type_of_has_permission(vo: str) -> str:
    """``function`` where has_permission can be called, else its type; empty where there is none."""
    policy = sys.modules[PERMISSION].permission_modules[vo or DEFAULT_VO]
    if not hasattr(policy, "has_permission"):
        return ""
    return "function" if callable(policy.has_permission) else type(policy.has_permission).__name__


def answers(vo: str) -> list[dict[str, Any]]:
    """Who decides on every action, with the arguments that the gateway gives: as root and as nobody.

    *rucio* is what a server answers, *package* what the package alone says, *generic* what Rucio's generic permissions
    say: True, False, None, or an error.
    """
    from rucio.db.sqla.session import get_engine
    from sqlalchemy.orm import Session

    rucio = sys.modules[PERMISSION]
    package = rucio.permission_modules[vo or DEFAULT_VO]
    generic = importlib.import_module(f"{PERMISSION}.generic")
    questions = gateway_questions()
    names = (*sorted({*actions(), *questions}), UNKNOWN_ACTION)
    forms = [(action, form) for action in names for form in questions.get(action, [()])]
    decided = []
    with Session(get_engine()) as session:
        for account in ("root", NOBODY):
            for action, form in forms:
                question = gateway_question(account, action, form, vo, session)
                decided.append(
                    {
                        "account": account,
                        "action": action,
                        "asked": action in questions,
                        "given": sorted(question[2]),
                        "rucio": answer(rucio, question, session),
                        "package": answer(package, question, session),
                        "generic": answer(generic, question, session),
                    }
                )
    return decided


def actions() -> list[str]:
    """The actions that the generic permissions of this Rucio decide on."""
    table = source_of(f"{PERMISSION}.generic")
    function = next((node for node in table.body if getattr(node, "name", "") == "has_permission"), table)
    keys = [key for node in ast.walk(function) if isinstance(node, ast.Dict) for key in node.keys]
    return sorted({key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)})


def source_of(module: str) -> ast.Module:
    """The syntax tree of an installed module; an empty one where it has no source."""
    spec = importlib.util.find_spec(module)
    return ast.parse(Path(spec.origin).read_bytes()) if spec and spec.origin else ast.Module([], [])


def answer(policy: ModuleType, question: tuple[object, str, dict[str, Any]], session: Any) -> bool | str | None:
    """True, False, None, or the error's name and message. What it wrote into the database is taken back."""
    issuer, action, kwargs = question
    results: list[object] = []
    error = failure(
        lambda: results.append(decision(policy.has_permission(issuer, action, copy.deepcopy(kwargs), session=session)))
    )
    session.rollback()
    if error:
        return f"{error[0]['error']}: {error[0]['message']}"
    return None if results[0] is None else bool(results[0])


def decision(result: Any) -> object:
    """A bool or None is used as it is; of anything else the gateway takes ``.allowed``."""
    return result if result is None or isinstance(result, bool) else result.allowed
