from __future__ import annotations

import ast
from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.policy import function
from secretsync.rucio.check.rules.calls import accepts
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, _: Setting) -> Iterator[Finding]:
    module = package.get("permission")
    names = package.names(module) if module else None
    if not module or names is None:
        return
    if "has_permission" not in names:
        yield rule.finding(
            module.path,
            1,
            "Rucio calls has_permission and finds none: every permission it checks fails with an AttributeError",
            "Define has_permission(issuer, action, kwargs, *, session=None)",
        )
        return
    definition = function(module, "has_permission")
    if isinstance(definition, ast.AsyncFunctionDef):
        yield rule.finding(
            module.path,
            definition.lineno,
            "Rucio takes the coroutine that has_permission returns for a yes: everything is allowed to everybody",
            "Make has_permission a plain function",
        )
    elif definition and not definition.decorator_list and not accepts(definition.args, 3, ("session",)):
        yield rule.finding(
            module.path,
            definition.lineno,
            "Rucio calls has_permission(issuer, action, kwargs, session=…), takes the TypeError for an action without "
            "a rule, and uses its generic permissions for every action, without a log line",
            "Define has_permission(issuer, action, kwargs, *, session=None)",
        )


RULE = Rule(
    "has-permission",
    Severity.ERROR,
    "has_permission is missing, or cannot be called as Rucio calls it",
    "Rucio calls has_permission(issuer, action, kwargs, session=session) of the permission module. Without that name, "
    "each check fails with AttributeError. A TypeError, which a wrong signature raises too, is taken for an action "
    "that the package does not have: Rucio asks its generic permissions and logs nothing. One that returns None "
    "delegates to generic on purpose, and is no fault.",
    find,
)
