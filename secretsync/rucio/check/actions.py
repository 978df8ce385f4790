"""Who decides on each of Rucio's actions, as the package's source tells, and what a new version of it changes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from secretsync.core.model import Bundle
from secretsync.rucio.check import Finding, Severity, Situation, check
from secretsync.rucio.check.dispatch import Dispatch, dispatch, has_permission
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.policy import text_of
from secretsync.rucio.check.rucio import Rucio, rucio
from secretsync.rucio.check.values import Function

GENERIC = "generic"
FAILS = "fails"

_DECIDES_OTHERWISE = frozenset({"permission-table", "unbound-call", "newer-python", "undefined-name", "late-import"})


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action: *decided_by* names the package's function, or says that Rucio's generic permissions decide.

    *before* says the same of what is live, empty where that is not known. *changed* compares the two: ``new``,
    ``changed``, ``removed``, or empty. *rucio* are the versions for which the row holds. *proven* is what the real
    Rucio was seen to do, empty where it was not asked.
    """

    action: str
    decided_by: str
    changed: Literal["", "new", "changed", "removed"]
    rucio: tuple[str, ...]
    proven: str = ""
    before: str = ""


def action_table(bundle: Bundle, versions: tuple[str, ...], live: Bundle | None = None) -> tuple[ActionRow, ...]:
    """A row for each action that Rucio asks for or the package decides on, in the order of their names.

    *versions* are those of Rucio, none: the newest that is known. *live* is what is deployed now, if that is known.
    """
    merged: dict[ActionRow, tuple[str, ...]] = {}
    for version in versions or ("",):
        release = rucio(version)
        after, before = _decisions(bundle, release), _decisions(live, release) if live else None
        for action in sorted({*after, *(before or ())}):
            previous_decider = _decider(action, before) if before is not None else ""
            row = ActionRow(
                action, _decider(action, after), _change(action, after, before), (), before=previous_decider
            )
            merged[row] = (*merged.get(row, ()), release.version)
    rows = (replace(row, rucio=releases) for row, releases in merged.items())
    return tuple(sorted(rows, key=lambda row: (row.action, row.rucio)))


Decisions = Mapping[str, tuple[str, str]]
"""For each action who decides, and the text of the function that does."""


def _decider(action: str, decisions: Decisions) -> str:
    decided = decisions.get(action)
    return decided[0] if decided else GENERIC


def _decisions(bundle: Bundle, release: Rucio) -> Decisions:
    package = Package(bundle)
    table = dispatch(package)
    errors = _errors(bundle, release)
    actions = release.known_actions | (table.actions.keys() if table else set())
    return {action: _decision(package, table, action, errors) for action in actions}


def _errors(bundle: Bundle, release: Rucio) -> tuple[Finding, ...]:
    found_findings = check(bundle, Situation(rucio=(release.version,)))
    return tuple(finding for finding in found_findings if finding.severity is Severity.ERROR)


def _decision(package: Package, table: Dispatch | None, action: str, errors: tuple[Finding, ...]) -> tuple[str, str]:
    overall = _of_the_whole(table, errors)
    if overall or table is None:
        return overall or GENERIC, ""
    name = table.actions.get(action, "")
    if not name and table.lookup:
        return f"{FAILS} (KeyError)", ""
    name = name or table.default
    decides = has_permission(package) if not name and not table.actions else None
    function = table.functions.get(name) or _function(package, name) or decides
    if function is None:
        return name or GENERIC, ""
    failed = _failing_decider(function, errors)
    text = text_of(function.module, function.node)
    return failed or function.name, text


def _of_the_whole(table: Dispatch | None, errors: tuple[Finding, ...]) -> str:
    """What holds for every action, because the permissions do not come into force or never answer."""
    stopping = {"permission-missing", "permission-import", "init-import"}
    if any(error.rule in stopping and "generic" in error.effect for error in errors):
        return GENERIC
    if any("process dies" in error.effect for error in errors):
        return f"{FAILS} (Rucio does not start)"
    for error in errors:
        if error.rule == "has-permission":
            return f"{GENERIC} (TypeError)" if "TypeError" in error.effect else _by_effect(error)
    return GENERIC if table and table.delegates else ""


def _by_effect(error: Finding) -> str:
    return GENERIC if "generic permissions" in error.effect else FAILS


def _function(package: Package, name: str) -> Function | None:
    module = package.get("permission")
    value = package.values(module).get(name) if module else None
    return value if isinstance(value, Function) else None


def _failing_decider(function: Function, errors: tuple[Finding, ...]) -> str:
    """What decides instead of the function, where something in it fails."""
    first, last = _lines(function)
    for error in errors:
        inside = error.path == function.module.path and first <= error.line <= last
        if inside and error.rule in _DECIDES_OTHERWISE:
            return f"{GENERIC} (TypeError)" if "TypeError" in error.effect else _by_effect(error)
    return ""


def _lines(function: Function) -> tuple[int, int]:
    node: ast.AST = function.node
    return getattr(node, "lineno", 0), getattr(node, "end_lineno", 0) or 0


def _change(action: str, after: Decisions, before: Decisions | None) -> Literal["", "new", "changed", "removed"]:
    if before is None or after.get(action) == before.get(action):
        return ""
    if action not in before:
        return "new"
    return "changed" if action in after else "removed"


def with_proof(rows: tuple[ActionRow, ...], proven: Mapping[str, Mapping[str, str]]) -> tuple[ActionRow, ...]:
    """The rows with what was *proven* for each version and action; a row is split where versions differ."""
    return tuple(_split(rows, proven))


def _split(rows: tuple[ActionRow, ...], proven: Mapping[str, Mapping[str, str]]) -> Iterator[ActionRow]:
    for row in rows:
        by_result: dict[str, tuple[str, ...]] = {}
        for version in row.rucio:
            result = proven.get(version, {}).get(row.action, "")
            by_result[result] = (*by_result.get(result, ()), version)
        yield from (replace(row, rucio=releases, proven=result) for result, releases in by_result.items())
