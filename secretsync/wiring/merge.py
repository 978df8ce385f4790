"""A wiring written into a site's own values file, of which every other byte stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from secretsync.errors import ConfigError, SecretSyncError
from secretsync.wiring.lint import Case, Problem, folders, lint, mount_entries, mounted, same_key, section
from secretsync.wiring.styles import Mount, Wiring
from secretsync.wiring.values import Setting, entry, entry_lines, scalar, setting_lines, settings
from secretsync.wiring.yaml_text import Addition, CannotEdit, add_items, set_key

_MOUNTS = ("secretMounts",)


class NotValues(ConfigError):
    """The text cannot be the values of a chart; *reason* says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"these are no values of a chart: {self.reason}"


class InTheWay(SecretSyncError):
    """With what else the file says, the pods would still not get their packages; nothing was written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(["nothing was written, for these stand in the way:", *map(str, self.problems)])


@dataclass(frozen=True, slots=True)
class Merged:
    """The new text, and what was done to the old one, a line each."""

    text: str
    done: tuple[str, ...]


def read(text: str) -> dict[str, Any]:
    """The values that *text* says. Raises NotValues."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        raise NotValues(f"{place}{getattr(error, 'problem', None) or 'it is not YAML'}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise NotValues("it is no mapping of keys to values")
    if {"apiVersion", "kind"} <= values.keys():
        raise NotValues(f"it is a manifest, of kind {values['kind']}; take its values into a file of their own")
    return values


def merge(text: str, wiring: Wiring, chart: str, via: str) -> Merged:
    """*text* with what *wiring* needs and it lacks; merging twice changes nothing more.

    Raises NotValues, InTheWay and CannotEdit.
    """
    values = read(text)
    mounts = [mount for mount in wiring.mounts if not mounted(mount_entries(values), mount)]
    changed = [one for setting in settings(wiring, via) if (one := _adapted(setting, values, wiring)) is not None]
    merged = _edited(text, mounts, changed)
    _refuse_side_effects(text, merged, mounts, changed)
    if problems := lint(Case(read(merged), wiring, chart, via)):
        raise InTheWay(problems)
    return Merged(merged, tuple(_told(mounts, changed)))


def _adapted(setting: Setting, values: dict[str, Any], wiring: Wiring) -> Setting | None:
    """The setting as *values* spell its key, beside the folders that they have; None where it holds already."""
    there = section(values, *setting.path[:-1])
    key = same_key(there, setting.path)
    found = there.get(key)
    value = setting.value
    if setting.path[-1] == "pythonpath":
        others = [folder for folder in folders(found) if folder not in wiring.python_path]
        held = set(wiring.python_path) <= set(folders(found))
        value = str(found) if held else ":".join([*wiring.python_path, *others])
    return None if found == value else Setting((*setting.path[:-1], key), value, setting.why)


def _edited(text: str, mounts: Sequence[Mount], changed: Sequence[Setting]) -> str:
    if mounts:
        text = add_items(text, _MOUNTS, [_item(mount) for mount in mounts])
    for setting in changed:
        value = scalar(setting.value)
        addition = Addition(tuple(setting_lines(setting, 0)), f"{setting.path[-1]}: {value}")
        text = set_key(text, setting.path, addition, value)
    return text


def _item(mount: Mount) -> Addition:
    fields = ", ".join(f"{key}: {scalar(value)}" for key, value in entry(mount).items())
    return Addition(tuple(entry_lines(mount)), f"{{{fields}}}")


def _refuse_side_effects(text: str, merged: str, mounts: Sequence[Mount], changed: Sequence[Setting]) -> None:
    """Merge keys and the like can make a text mean more, or less, than what was added to it."""
    expected = read(text)
    _put_into(expected, mounts, changed)
    try:
        same = yaml.safe_load(merged) == expected
    except yaml.YAMLError:
        same = False
    if not same:
        keys = _MOUNTS if mounts else changed[0].path
        raise CannotEdit(keys, "is written in a way that secretsync cannot add to without changing something else")


def _put_into(values: dict[str, Any], mounts: Sequence[Mount], changed: Sequence[Setting]) -> None:
    """In place: where an alias stands for the same list or mapping, it grows as well, as it does in the text."""
    if mounts:
        values["secretMounts"] = values.get("secretMounts") or []
        values["secretMounts"].extend(map(entry, mounts))
    for setting in changed:
        holder = values
        for key in setting.path[:-1]:
            holder[key] = holder.get(key) or {}
            holder = holder[key]
        holder[setting.path[-1]] = setting.value


def _told(mounts: Sequence[Mount], changed: Sequence[Setting]) -> Iterator[str]:
    yield from (f"secretMounts: Secret {mount.secret} at {mount.path}" for mount in mounts)
    yield from (f"{'.'.join(setting.path)}: {setting.value}" for setting in changed)
