"""What a reviewer wants to see of a new version: its policy against the one that is live, in Rucio's own terms."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from secretsync.core.model import Bundle
from secretsync.rucio.check.algorithms import algorithms
from secretsync.rucio.check.dispatch import dispatch
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.policy import (
    Value,
    constants,
    functions,
    schemas,
    supported_version,
    text_of,
)
from secretsync.rucio.check.rucio import ALGORITHM_TYPES
from secretsync.rucio.check.values import UNREADABLE

LONGEST = 2_000
"""Lines of a function that are still compared line by line; difflib's time grows with their square."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Something named that was or will be otherwise: *before* or *after* is empty where it was or will not be."""

    name: str
    before: str
    after: str

    @property
    def diff(self) -> tuple[str, ...]:
        """The lines of both as a unified diff, without a header."""
        before, after = self.before.splitlines(), self.after.splitlines()
        if max(len(before), len(after)) > LONGEST:
            return (f"- {len(before):,} lines", f"+ {len(after):,} lines")
        return tuple(difflib.unified_diff(before, after, lineterm="", n=2))[2:]


@dataclass(frozen=True, slots=True)
class PolicyDiff:
    """Two versions of a policy package, compared by what Rucio asks them.

    *actions* are those of the table in ``has_permission`` with the text of the function that decides; *helpers* are
    functions of the permission module outside the table. *limits* are the constants of the schema, *schemas* the
    entries of SCHEMAS; *algorithms* are named ``type/name``, and a default algorithm by its type alone.
    """

    actions_added: tuple[str, ...]
    actions_removed: tuple[str, ...]
    actions_changed: tuple[Changed, ...]
    helpers_changed: tuple[Changed, ...]
    schemas_changed: tuple[Changed, ...]
    limits_changed: tuple[Changed, ...]
    algorithms_added: tuple[str, ...]
    algorithms_removed: tuple[str, ...]
    supported_version: Changed | None
    delegation: Changed | None

    @property
    def empty(self) -> bool:
        """Whether nothing that Rucio asks a policy for differs."""
        return not any(getattr(self, name) for name in self.__slots__)


def policy_diff(before: Bundle, after: Bundle) -> PolicyDiff:
    """What changes for Rucio from *before* to *after*. Nothing of either is run."""
    old, new = Package(before), Package(after)
    actions_before, will_be = _actions(old), _actions(new)
    was_registered, will_be_registered = _algorithms(old), _algorithms(new)
    return PolicyDiff(
        actions_added=tuple(sorted(will_be.keys() - actions_before.keys())),
        actions_removed=tuple(sorted(actions_before.keys() - will_be.keys())),
        actions_changed=tuple(
            changed for changed in _changed(actions_before, will_be) if changed.before and changed.after
        ),
        helpers_changed=_changed(_helpers(old), _helpers(new)),
        schemas_changed=_changed(_schemas(old), _schemas(new)),
        limits_changed=_changed(_limits(old), _limits(new)),
        algorithms_added=tuple(sorted(will_be_registered - was_registered)),
        algorithms_removed=tuple(sorted(was_registered - will_be_registered)),
        supported_version=_changed_value("SUPPORTED_VERSION", _supported, old, new),
        delegation=_changed_value("has_permission", _decision, old, new),
    )


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Changed, ...]:
    return tuple(
        Changed(name, before.get(name, ""), after.get(name, ""))
        for name in sorted(before.keys() | after.keys())
        if before.get(name, "") != after.get(name, "")
    )


def _changed_value(name: str, read: Callable[[Package], str], old: Package, new: Package) -> Changed | None:
    return Changed(name, read(old), read(new)) if read(old) != read(new) else None


def _texts(package: Package) -> dict[str, str]:
    module = package.get("permission")
    return {name: text_of(module, function) for name, function in functions(module).items()} if module else {}


def _actions(package: Package) -> dict[str, str]:
    table, texts = dispatch(package), _texts(package)
    return {action: texts.get(name) or name for action, name in table.actions.items()} if table else {}


def _helpers(package: Package) -> dict[str, str]:
    table = dispatch(package)
    decide = set(table.actions.values()) if table else set()
    return {name: text for name, text in _texts(package).items() if name not in decide | {"has_permission"}}


def _schemas(package: Package) -> dict[str, str]:
    return {name: value.text for name, value in schemas(package.get("schema")).items()}


def _limits(package: Package) -> dict[str, str]:
    module = package.get("schema")
    values = constants(module) if module else {}
    return {
        name: _shown(value)
        for name, value in values.items()
        if name.isupper() and isinstance(value.value, int | float | str)
    }


def _algorithms(package: Package) -> set[str]:
    package_algorithms = algorithms(package)
    registered = {f"{entry.type}/{entry.name}" for entry in package_algorithms.entries} if package_algorithms else set()
    default = {kind for kind in ALGORITHM_TYPES if (module := package.get(kind)) and kind in functions(module)}
    return registered | default


def _supported(package: Package) -> str:
    value = supported_version(package)
    return _shown(value) if value else "any"


def _decision(package: Package) -> str:
    table = dispatch(package)
    if not table:
        return "has no has_permission to be read"
    return "leaves everything to Rucio's generic permissions" if table.delegates else "decides itself"


def _shown(value: Value) -> str:
    return value.text if value.value is UNREADABLE else str(value.value)
