"""has-permission: has_permission is missing, cannot be called as Rucio calls it, or gives no answer."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from secretsync.rucio.check.answers import awaits_or_yields, bound_once, forgets_its_return, returns, unusable_answer
from secretsync.rucio.check.code import Module
from secretsync.rucio.check.dispatch import has_permission
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.calls import Definition, accepts, cannot_be_called, forgetful_wrapper
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.values import Function

_WRITE_IT_SO = "Define has_permission(issuer, action, kwargs, *, session=None)"


def find(rule: Rule, package: Package, _: Setting) -> Iterator[Finding]:
    """A permission module without a ``has_permission`` that can be called."""
    module = package.get("permission")
    names = package.names(module) if module else None
    if not module or names is None:
        return
    if "has_permission" not in names:
        yield rule.finding(
            module.path,
            1,
            "Rucio calls has_permission and finds none: every permission it checks fails with an AttributeError",
            _WRITE_IT_SO,
        )
        return
    function = has_permission(package)
    if function and isinstance(function.node, ast.Lambda):
        yield from _lambda(rule, function)
    elif function and not isinstance(function.node, ast.ClassDef | ast.Lambda):
        yield from _definition(rule, package, function.module, function.node)


def _lambda(rule: Rule, function: Function) -> Iterator[Finding]:
    if isinstance(function.node, ast.Lambda) and not accepts(function.node.args, 3, ("session",)):
        yield _not_called(rule, function.module, function.node.lineno, "it takes other arguments")


def _definition(rule: Rule, package: Package, module: Module, definition: Definition) -> Iterator[Finding]:
    line = definition.lineno
    if instead := awaits_or_yields(definition):
        yield rule.finding(
            module.path,
            line,
            f"Rucio gets {instead} instead of an answer and asks for its .allowed: every permission it checks fails "
            "with an AttributeError",
            "Make has_permission a plain function that returns True or False",
        )
    elif problem := cannot_be_called(package, module, definition, 3, ("session",)):
        yield _not_called(rule, module, line, problem)
    elif wrapper := forgetful_wrapper(package, module, definition):
        yield _dropped(rule, module, wrapper.lineno)
    elif dropped := forgets_its_return(definition):
        yield _dropped(rule, module, dropped)
    assigned = bound_once(definition)
    for statement in returns(definition):
        if kind := unusable_answer(statement.value, assigned):
            yield rule.finding(
                module.path,
                statement.lineno,
                f"has_permission returns {kind}, and Rucio asks for its .allowed: the permission that is checked fails "
                "with an AttributeError",
                "Return True, False, None or a PermissionResult",
            )


def _dropped(rule: Rule, module: Module, line: int) -> Finding:
    return rule.finding(
        module.path,
        line,
        "has_permission calculates an answer here and does not return it: Rucio takes None for 'the package does not "
        "decide', and its generic permissions decide on every action, without a log line",
        "Write 'return' before it",
    )


def _not_called(rule: Rule, module: Module, line: int, reason: str) -> Finding:
    return rule.finding(
        module.path,
        line,
        f"Rucio calls has_permission(issuer, action, kwargs, session=…), takes the TypeError ({reason}) for an action "
        "without a rule, and uses its generic permissions for every action, without a log line",
        _WRITE_IT_SO,
    )


RULE = Rule(
    "has-permission",
    Severity.ERROR,
    "has_permission is missing, cannot be called as Rucio calls it, or gives no answer",
    "Rucio calls has_permission(issuer, action, kwargs, session=session) of the permission module. Without that name, "
    "each check fails with AttributeError. A TypeError, which a wrong signature or a decorator that drops the session "
    "raises too, is taken for an action that the package does not have: Rucio asks its generic permissions and logs "
    "nothing. True and False are answers, and so is a PermissionResult; of anything else (a number, text, a tuple, a "
    "coroutine) the gateway wants .allowed, an AttributeError. None delegates to generic: that is no fault if it is "
    "returned on purpose, and one if an answer was calculated and the return forgotten.",
    find,
)
