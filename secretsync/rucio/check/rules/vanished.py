"""module-vanished: __init__, permission or schema is live and would vanish."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.rule import Rule, Setting

_EFFECTS = {
    "__init__": "Rucio loses its check of the supported version and the algorithms, and may pick an older copy of "
    "the package",
    "permission": "Rucio goes back to its generic permissions, or fails every check where it serves several VOs",
    "schema": "Rucio goes back to its generic schema, with other name lengths and patterns",
}


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Modules that the live package has and this one has not."""
    for name, effect in _EFFECTS.items():
        module = name.removeprefix("__init__")
        if setting.live and module in setting.live.modules and module not in package.modules:
            yield rule.finding(
                "",
                0,
                f"{name}.py is live and would vanish: {effect}",
                f"Put {name}.py back, or accept its loss with accept: ['{rule.name}:{name}']",
                about=name,
            )


RULE = Rule(
    "module-vanished",
    Severity.ERROR,
    "__init__, permission or schema is live and would vanish",
    "Rucio does not fail when one of these files is gone: it takes the package for one that needs none, and goes on "
    "with what is generic. A file that was there yesterday and is not today is more often lost than given up.",
    find,
    guard=True,
)
