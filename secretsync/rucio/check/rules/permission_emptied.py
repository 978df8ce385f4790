"""permission-emptied: has_permission would vanish, or lose most of its actions."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.dispatch import dispatch
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """A permissions' table that is emptied, where the live one has actions."""
    module = package.get("permission")
    before = dispatch(setting.live) if setting.live else None
    if not module or not before:
        return
    after = dispatch(package)
    names = package.names(module)
    if after is None and names is not None and "has_permission" not in names:
        effect = "has_permission is live and would vanish: every permission that Rucio checks fails"
    elif after is not None and after.delegates and not before.delegates:
        effect = (
            "has_permission decides today and would only return None: Rucio's generic permissions decide on everything"
        )
    elif after is not None and len(after.actions) * 2 < len(before.actions):
        effect = (
            f"has_permission decides on {len(before.actions)} actions today and would on {len(after.actions)}: "
            "Rucio decides the others by the package's default, or by its generic permissions"
        )
    else:
        return
    remedy = f"Compare with --diff; if it is meant, accept it with accept: [{rule.name}]"
    yield rule.finding(module.path, 1, effect, remedy, about="has_permission")


RULE = Rule(
    "permission-emptied",
    Severity.ERROR,
    "has_permission would vanish, or lose most of its actions",
    "Actions that are missing from the package's table are decided by its default function or, when has_permission "
    "returns None or raises TypeError, by Rucio's generic permissions; nothing is logged. Half of the table gone in "
    "one step is more often a broken merge than a policy.",
    find,
    guard=True,
)
