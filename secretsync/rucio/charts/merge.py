"""A wiring written into a site's own values files, of which every other byte stays as it is.

Several files are layers, as Helm reads them: a list in a later one replaces that of an earlier one. What is added goes
into the layer that decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import yaml

from secretsync.core.errors import SecretSyncError
from secretsync.core.yaml_edit import Addition, CannotEdit, Keys, add_items, set_key
from secretsync.rucio.charts.case import (
    Case,
    Problem,
    as_mounted,
    folders,
    mount_entries,
    mounted,
    said_beside,
    same_key,
    section,
)
from secretsync.rucio.charts.lint import lint
from secretsync.rucio.charts.site_values import (
    NotValues,
    below,
    has,
    is_null,
    load,
    overlaid,
    part_of,
    read,
    require_any,
)
from secretsync.rucio.charts.values import Setting, entry, entry_lines, setting_lines, settings
from secretsync.rucio.charts.variable_rules import superseded
from secretsync.rucio.wiring import Mount, Wiring

_MOUNTS = "secretMounts"


@dataclass(eq=False)
class InTheWay(SecretSyncError):
    """With what else the file says, the pods would still not get their packages; nothing was written."""

    code = "in_the_way"

    problems: Sequence[Problem]

    def __str__(self) -> str:
        return "\n".join(["nothing was written, for these stand in the way:", *map(str, self.problems)])


@dataclass(frozen=True, slots=True)
class Merged:
    """The new text, and what was done to the old one, a line each; *noted* is wrong there and no obstacle."""

    text: str
    done: tuple[str, ...] = ()
    noted: tuple[Problem, ...] = ()


def merge(text: str, wiring: Wiring, chart: str, via: str, at: Keys = ()) -> Merged:
    """*text* with what *wiring* needs and it lacks *at* these keys; merging twice changes nothing more.

    Raises NotValues, InTheWay and CannotEdit.
    """
    (merged,) = merge_layers([text], wiring, chart, via, at)
    return merged


def merge_layers(texts: Sequence[str], wiring: Wiring, chart: str, via: str, at: Keys = ()) -> tuple[Merged, ...]:
    """Each of *texts*, layers in Helm's order, with what *wiring* needs and they together lack.

    Raises NotValues, InTheWay and CannotEdit.
    """
    require_any(texts, at)
    parts = [part_of(text, at) for text in texts]
    if len({part.at for part in parts}) > 1:
        raise NotValues(
            f"{'.'.join(at)} is a text in one file and a mapping in another: merge into one after the other"
        )
    merged = _merged([part.text for part in parts], wiring, chart, via, parts[0].at)
    return tuple(
        replace(layer, text=part.put_back(layer.text)) if layer.done else replace(layer, text=text)
        for part, layer, text in zip(parts, merged, texts, strict=True)
    )


def _merged(texts: Sequence[str], wiring: Wiring, chart: str, via: str, at: Keys) -> Sequence[Merged]:
    layers = list(map(Merged, texts))
    values = _together(layers, at)
    entries = list(as_mounted(mount_entries(values), chart))
    mounts = [mount for mount in wiring.mounts if not mounted(entries, mount)]
    if mounts:
        number = _deciding(layers, (*at, _MOUNTS))
        lines = (f"{_MOUNTS}: Secret {mount.secret} at {mount.path}" for mount in mounts)
        layers[number] = _done(layers[number], _with_mounts(layers[number].text, mounts, at), lines)
    for setting in settings(wiring, via):
        if said_beside(Case(values, wiring, chart, via), setting):
            continue
        if (changed := _adapted(setting, values, wiring)) is not None:
            number = _deciding(layers, (*at, *changed.path))
            _refuse_deleted(layers[number + 1 :], changed, at)
            text = _with_setting(layers[number].text, changed, at)
            layers[number] = _done(layers[number], text, [f"{'.'.join(changed.path)}: {changed.value}"])
    merged = Case(_together(layers, at), wiring, chart, via)
    problems = lint(merged)
    if any(problem.blocks for problem in problems):
        raise InTheWay([problem for problem in problems if problem.blocks])
    done = any(layer.done for layer in layers)
    layers[0] = replace(layers[0], noted=(*problems, *(superseded(merged) if done else ())))
    return layers


def _together(layers: Sequence[Merged], at: Keys) -> dict[str, Any]:
    return reduce(overlaid, [read(layer.text, at) for layer in layers])


def _deciding(layers: Sequence[Merged], keys: Keys) -> int:
    """The number of the last layer that says something at *keys*, else of the first."""
    return max((number for number, layer in enumerate(layers) if has(layer.text, keys)), default=0)


def _refuse_deleted(later: Sequence[Merged], setting: Setting, at: Keys) -> None:
    """Raises CannotEdit where a later file has null for the mapping, by which Helm deletes what earlier files say."""
    keys = (*at, *setting.path[:-1])
    if any(is_null(layer.text, keys) for layer in later):
        raise CannotEdit(keys, "is null in a later file, which deletes what the files before it say")


def _done(layer: Merged, text: str, lines: Iterator[str] | Sequence[str]) -> Merged:
    return Merged(text, (*layer.done, *lines))


def _adapted(setting: Setting, values: dict[str, Any], wiring: Wiring) -> Setting | None:
    """The setting as *values* spell its key, beside the folders that they have; None where it holds already."""
    target_section = section(values, *setting.path[:-1])
    key = same_key(target_section, setting.path)
    current = target_section.get(key)
    value = setting.value
    if setting.path[-1] == "pythonpath":
        other_folders = [folder for folder in folders(current) if folder not in wiring.python_path]
        held = set(wiring.python_path) <= set(folders(current))
        value = str(current) if held else ":".join([*wiring.python_path, *other_folders])
    return None if current == value else Setting((*setting.path[:-1], key), value, setting.why)


def _with_mounts(text: str, mounts: Sequence[Mount], at: Keys) -> str:
    expected = load(text) or {}
    # in place: where an alias stands for the same list, it grows as well, as it does in the text
    holder = _holder(expected, at)
    holder[_MOUNTS] = holder.get(_MOUNTS) or []
    longer = add_items(text, (*at, _MOUNTS), [_item(mount) for mount in mounts])
    if isinstance(holder[_MOUNTS], list):
        holder[_MOUNTS].extend(map(entry, mounts))
    return _saying(expected, longer, (*at, _MOUNTS))


def _item(mount: Mount) -> Addition:
    return Addition(tuple(entry_lines(mount)), json.dumps(entry(mount)))


def _with_setting(text: str, setting: Setting, at: Keys) -> str:
    expected, keys = load(text) or {}, (*at, *setting.path)
    flow = f"{json.dumps(setting.path[-1])}: {json.dumps(setting.value)}"
    changed = set_key(text, keys, Addition(tuple(setting_lines(setting, 0)), flow), setting.value)
    _holder(expected, keys[:-1])[keys[-1]] = setting.value
    return _saying(expected, changed, keys)


def _holder(document: dict[str, Any], keys: Keys) -> Any:
    """The mapping at *keys*, made where there is none; keys may lead through lists, by number."""
    holder: Any = document
    for key in keys:
        step = int(key) if isinstance(holder, list) else key
        holder[step] = below(holder, key) or {}
        holder = holder[step]
    return holder


def _saying(expected: dict[str, Any], text: str, keys: Keys) -> str:
    """*text*, if it says that and nothing else: merge keys and the like can make it mean more than was added."""
    try:
        same = load(text) == expected
    except (yaml.YAMLError, ValueError):
        same = False
    if not same:
        raise CannotEdit(keys, "is written in a way that secretsync cannot add to without changing something else")
    return text
