"""permission-table: a function of the table in has_permission is missing, cannot be called or gives no answer."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import partial

from secretsync.rucio.check.answers import awaits_or_yields, bound_once, forgets_its_return, returns, unusable_answer
from secretsync.rucio.check.dispatch import Dispatch, dispatch
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.calls import cannot_be_called
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.values import Function

_SHOWN = 3


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Entries of the permissions' table that name no function, or one that cannot be called."""
    module, table = package.get("permission"), dispatch(package)
    names = package.names(module) if module else None
    if not module or not table or names is None:
        return
    for action, name in table.actions.items():
        if name.startswith("perm_") and name not in names and name not in table.functions:
            yield rule.finding(
                module.path,
                table.lines[action],
                f"Rucio's every check of a permission fails with a NameError: the table of has_permission names "
                f"{name}, and there is no such function",
                f"Define {name}, or take {action!r} out of the table",
                about=action,
            )
    for name, function in _deciding(package, table).items():
        actions = [action for action, decides in table.actions.items() if decides == name]
        deciders = [repr(action) for action in actions] or ["every other action"]
        yield from package.memoized(("decides", name), partial(_findings, rule, package, table, function, deciders))
    missing = sorted(setting.rucio.known_actions - table.actions.keys())
    if table.lookup and table.complete and table.actions and missing:
        yield rule.finding(
            module.path,
            table.lookup,
            f"{len(missing)} actions of Rucio are not in this table ({_some(missing)}): checking one raises a "
            "KeyError, which nothing catches",
            "Use table.get(action, perm_default), or return None for an action that is not in it",
            about="table",
        )


def _deciding(package: Package, table: Dispatch) -> Mapping[str, Function]:
    """The functions that the table names, by name."""
    module = package.get("permission")
    values = package.values(module) if module else {}
    by_name = {name: values.get(name) for name in (*table.actions.values(), table.default)}
    functions = {name: value for name, value in by_name.items() if isinstance(value, Function)}
    return {**functions, **table.functions}


def _findings(
    rule: Rule, package: Package, table: Dispatch, function: Function, actions: list[str]
) -> tuple[Finding, ...]:
    return tuple(_function(rule, package, table, function, actions))


def _function(
    rule: Rule, package: Package, table: Dispatch, function: Function, actions: list[str]
) -> Iterator[Finding]:
    node, path, subject = function.node, function.module.path, actions[0].strip("'")
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    decider = _some(actions)
    problem = (
        cannot_be_called(package, function.module, node, table.places, table.keywords)
        if table.keywords is not None
        else ""
    )
    if instead := awaits_or_yields(node):
        yield rule.finding(
            path,
            node.lineno,
            f"{node.name} gives {instead} instead of an answer: checking {decider} fails with an AttributeError",
            f"Make {node.name} a plain function that returns True or False",
            about=subject,
        )
    elif problem and table.keywords is not None:
        yield rule.finding(
            path,
            node.lineno,
            f"Rucio takes the TypeError of calling {node.name} ({problem}) for an action without a rule, and decides "
            f"{decider} by its generic permissions, without a log line",
            _remedy(node.name, table.places, table.keywords),
            about=subject,
        )
    elif dropped := forgets_its_return(node):
        yield rule.finding(
            path,
            dropped,
            f"{node.name} calculates an answer here and does not return it: Rucio's generic permissions decide "
            f"{decider}, without a log line",
            "Write 'return' before it",
            about=subject,
        )
    assigned = bound_once(node)
    for statement in returns(node):
        if kind := unusable_answer(statement.value, assigned):
            yield rule.finding(
                path,
                statement.lineno,
                f"{node.name} returns {kind}, and Rucio asks for its .allowed: checking {decider} fails with an "
                "AttributeError",
                "Return True, False, None or a PermissionResult",
                about=subject,
            )


def _remedy(name: str, places: int, keywords: tuple[str, ...]) -> str:
    if places > 2:
        return "Hand the session on by name: session=session"
    return f"Let {name} take {', '.join(keywords)}"


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


RULE = Rule(
    "permission-table",
    Severity.ERROR,
    "A function of the table in has_permission is missing, cannot be called or gives no answer",
    "has_permission makes its table of actions at each call, so one name that is not defined fails all of them with a "
    "NameError. A function of the table that does not take the arguments it is called with (a decorator may drop the "
    "session) raises a TypeError, which Rucio takes for 'the package has no such action': it asks its generic "
    "permissions and logs nothing. The same follows from an answer that is not returned. A number, text, a tuple or a "
    "coroutine is no answer: an AttributeError at the gateway. table[action] raises KeyError for an action that a new "
    "Rucio asks for and the table lacks.",
    find,
)
