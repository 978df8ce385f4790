"""The ``[policy]`` section of a container's ``rucio.cfg``, as the images' entrypoint makes it.

It merges the files of RUCIO_OVERRIDE_CONFIGS in the order of their names and then the variables RUCIO_CFG_*; where a
``rucio.cfg`` is mounted it makes none (https://github.com/rucio/containers, tools/merge_rucio_configs.py of Rucio).
"""

from __future__ import annotations

import configparser
import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from secretsync.core.foreign import read_yaml
from secretsync.rucio.conditions.container import Environment, Mount, Sources, files

MADE = "/opt/rucio/etc/rucio.cfg"
_FOLDER, _FILE = posixpath.split(MADE)
_VARIABLE = "RUCIO_CFG_POLICY_"


@dataclass(frozen=True)
class Option:
    """A value of ``[policy]``, and *where* it was said."""

    value: str
    where: str


@dataclass(frozen=True)
class Policy:
    """The options of ``[policy]``; *unread* are files that could not be read and may say otherwise."""

    options: Mapping[str, Option]
    unread: tuple[str, ...] = ()
    mounted: bool = False


def policy(seen: Sequence[Mount], variables: Environment, sources: Sources) -> Policy:
    """What Rucio finds in ``[policy]``."""
    options: dict[str, Option] = {}
    unread = []
    mounted_file = _mounted_as_file(seen, sources)
    for mount in [mounted_file] if mounted_file else _overriding(seen, variables):
        shown = files(mount, sources)
        if not shown and sources.get((mount.kind, mount.name)) is None:
            unread.append(f"{mount.kind} {mount.name}" if mount.kind else f"volume {mount.name} at {mount.path}")
        for file, key in sorted(shown.items()):
            content = (sources.get((mount.kind, mount.name)) or {}).get(key)
            if mounted_file and file != _FILE:
                continue
            location = f"{mount.kind} {mount.name}, key {key}"
            if content is None:
                unread.append(location)
            else:
                options |= {name: Option(value, location) for name, value in _section(file, content).items()}
    if not mounted_file:
        options |= _of_variables(variables)
    return Policy(options, tuple(unread), mounted=mounted_file is not None)


def asked_for(seen: Sequence[Mount], variables: Environment) -> Iterator[tuple[str, str]]:
    """The Secrets and ConfigMaps, by kind and name, that *policy* has to know."""
    named = [mount for mount in seen if mount.path == _FOLDER and _FILE in (mount.keys or {})]
    whole = [mount for mount in seen if mount.path == _FOLDER and mount.keys is None]
    mounts = named or [*whole, *_overriding(seen, variables)]
    yield from ((mount.kind, mount.name) for mount in mounts if mount.kind)


def _mounted_as_file(seen: Sequence[Mount], sources: Sources) -> Mount | None:
    """The mount that shows rucio.cfg itself, so that none is made; one that was not read may show it."""
    return next((mount for mount in seen if mount.path == _FOLDER and _may_show(mount, sources)), None)


def _may_show(mount: Mount, sources: Sources) -> bool:
    unread = mount.keys is None and mount.kind != "" and sources.get((mount.kind, mount.name)) is None
    return unread or _FILE in files(mount, sources)


def _overriding(seen: Sequence[Mount], variables: Environment) -> list[Mount]:
    """The mounts below the folders of RUCIO_OVERRIDE_CONFIGS; their files count in the order of their names."""
    folders_text = variables.get("RUCIO_OVERRIDE_CONFIGS") or ""
    folders = [posixpath.normpath(folder) for folder in folders_text.split()] if isinstance(folders_text, str) else []
    overriding = [mount for folder in folders for mount in seen if mount.path == folder]
    return sorted(overriding, key=lambda mount: (folders.index(mount.path), min(mount.keys or {"": ""})))


def _of_variables(variables: Environment) -> dict[str, Option]:
    return {
        name.removeprefix(_VARIABLE).lower(): Option(value, f"variable {name}")
        for name, value in variables.items()
        if name.startswith(_VARIABLE) and isinstance(value, str)
    }


def _section(name: str, content: bytes) -> Mapping[str, str]:
    """``[policy]`` of one file. One that Rucio's script cannot read is passed over there, too."""
    try:
        text = content.decode()
        if name.endswith(".json"):
            section = json.loads(text).get("policy") or {}
        elif name.endswith((".yaml", ".yml")):
            (document,) = read_yaml(text)
            section = document.get("policy") or {}
        else:
            parser = configparser.ConfigParser()
            parser.read_string(text)
            section = dict(parser["policy"]) if parser.has_section("policy") else {}
        return {str(key).lower(): str(value) for key, value in section.items()}
    except (ValueError, AttributeError, RecursionError, yaml.YAMLError, configparser.Error):
        return {}
