from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.policy import dispatch, functions
from secretsync.rucio.check.rules.calls import accepts
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, _: Setting) -> Iterator[Finding]:
    module, table = package.get("permission"), dispatch(package)
    names = package.names(module) if module else None
    if not module or not table or names is None:
        return
    defined = functions(module)
    for action, name in table.actions.items():
        if name.startswith("perm_") and name not in names:
            yield rule.finding(
                module.path,
                table.lines[action],
                f"Rucio's every check of a permission fails with a NameError: the table of has_permission names "
                f"{name}, and "
                "there is no such function",
                f"Define {name}, or take {action!r} out of the table",
                about=action,
            )
        definition = defined.get(name)
        plain = definition and not definition.decorator_list
        if plain and definition and table.keywords is not None and not accepts(definition.args, 0, table.keywords):
            yield rule.finding(
                module.path,
                definition.lineno,
                f"Rucio takes the TypeError of calling {name} for an action without a rule, and decides "
                f"{action!r} by its "
                "generic permissions, without a log line",
                f"Let {name} take {', '.join(table.keywords)}",
                about=action,
            )


RULE = Rule(
    "permission-table",
    Severity.ERROR,
    "The table in has_permission names a function that is missing or cannot be called",
    "has_permission makes its table of actions at each call, so one name that is not defined fails all of them with a "
    "NameError. A function of the table that does not take the arguments it is called with raises a TypeError, which "
    "Rucio takes for 'the package has no such action': it asks its generic permissions and logs nothing.",
    find,
)
