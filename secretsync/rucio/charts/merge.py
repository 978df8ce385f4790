"""A wiring written into a site's own values file, of which every other byte stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from secretsync.core.errors import SecretSyncError
from secretsync.core.yaml_edit import Addition, CannotEdit, Keys, add_items, set_key
from secretsync.rucio.charts.lint import Case, Problem, folders, lint, mount_entries, mounted, same_key, section
from secretsync.rucio.charts.site_values import read
from secretsync.rucio.charts.values import Setting, entry, entry_lines, scalar, setting_lines, settings
from secretsync.rucio.wiring import Mount, Wiring

_MOUNTS = ("secretMounts",)


@dataclass(eq=False)
class InTheWay(SecretSyncError):
    """With what else the file says, the pods would still not get their packages; nothing was written."""

    code = "in_the_way"

    problems: Sequence[Problem]

    def __str__(self) -> str:
        return "\n".join(["nothing was written, for these stand in the way:", *map(str, self.problems)])


@dataclass(frozen=True, slots=True)
class Merged:
    """The new text, and what was done to the old one, a line each."""

    text: str
    done: tuple[str, ...]


def merge(text: str, wiring: Wiring, chart: str, via: str) -> Merged:
    """*text* with what *wiring* needs and it lacks; merging twice changes nothing more.

    Raises NotValues, InTheWay and CannotEdit.
    """
    values = read(text)
    mounts = [mount for mount in wiring.mounts if not mounted(mount_entries(values), mount)]
    changed = [one for setting in settings(wiring, via) if (one := _adapted(setting, values, wiring)) is not None]
    merged = _with_mounts(text, mounts) if mounts else text
    for setting in changed:
        merged = _with_setting(merged, setting)
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


def _with_mounts(text: str, mounts: Sequence[Mount]) -> str:
    expected = read(text)
    # in place: where an alias stands for the same list, it grows as well, as it does in the text
    expected["secretMounts"] = expected.get("secretMounts") or []
    longer = add_items(text, _MOUNTS, [_item(mount) for mount in mounts])
    expected["secretMounts"].extend(map(entry, mounts))
    return _saying(expected, longer, _MOUNTS)


def _item(mount: Mount) -> Addition:
    fields = ", ".join(f"{key}: {scalar(value)}" for key, value in entry(mount).items())
    return Addition(tuple(entry_lines(mount)), f"{{{fields}}}")


def _with_setting(text: str, setting: Setting) -> str:
    expected, value = read(text), scalar(setting.value)
    addition = Addition(tuple(setting_lines(setting, 0)), f"{setting.path[-1]}: {value}")
    changed = set_key(text, setting.path, addition, value)
    holder = expected
    for key in setting.path[:-1]:
        holder[key] = holder.get(key) or {}
        holder = holder[key]
    holder[setting.path[-1]] = setting.value
    return _saying(expected, changed, setting.path)


def _saying(expected: dict[str, Any], text: str, keys: Keys) -> str:
    """*text*, if it says that and nothing else: merge keys and the like can make it mean more than was added."""
    try:
        same = yaml.safe_load(text) == expected
    except yaml.YAMLError:
        same = False
    if not same:
        raise CannotEdit(keys, "is written in a way that secretsync cannot add to without changing something else")
    return text


def _told(mounts: Sequence[Mount], changed: Sequence[Setting]) -> Iterator[str]:
    yield from (f"secretMounts: Secret {mount.secret} at {mount.path}" for mount in mounts)
    yield from (f"{'.'.join(setting.path)}: {setting.value}" for setting in changed)
