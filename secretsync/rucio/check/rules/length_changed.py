"""length-changed: a length in the schema differs from the one that is live."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.policy import constants
from secretsync.rucio.check.rucio import Rucio
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.values import UNREADABLE


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Limits of names' lengths that differ from those of the live package."""
    if not setting.live:
        return
    before, after = lengths(setting.live, setting.rucio), lengths(package, setting.rucio)
    for name in sorted(before.keys() | after.keys()):
        old_length, new_length = before.get(name), after.get(name)
        if old_length == new_length or UNREADABLE in (old_length, new_length):
            continue
        module = package.get("schema")
        line = constants(module)[name].line if module and name in constants(module) else 0
        yield rule.finding(
            module.path if module else "",
            line,
            f"{name} changes from {_shown(old_length)} to {_shown(new_length)}: Rucio takes it for the length of "
            "database columns, and the database has those of before",
            f"Migrate the database's columns, then accept it with accept: ['{rule.name}:{name}']",
            about=name,
        )


def lengths(package: Package, rucio: Rucio) -> dict[str, object]:
    """The lengths in force: the package's own, and Rucio's generic ones for those that it lacks."""
    module = package.get("schema")
    values = {name: value.value for name, value in constants(module).items()} if module else {}
    return {name: value for name, value in {**rucio.limits, **values}.items() if name.endswith("_LENGTH")}


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)


RULE = Rule(
    "length-changed",
    Severity.ERROR,
    "A length in the schema differs from the one that is live",
    "Rucio makes its database columns as wide as ACCOUNT_LENGTH, SCOPE_LENGTH and NAME_LENGTH of the schema say. A "
    "changed value does not change columns that exist: names are accepted that the database cuts off or refuses, or "
    "refused though they exist. It needs a migration of the database, hence an error until it is accepted by name.",
    find,
    guard=True,
)
