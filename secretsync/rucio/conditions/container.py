"""What a container sees: its environment, and the files that are mounted into it, as far as others' objects tell.

Only variables and files that have a say in where Rucio finds its policy are looked at: the rest may be passwords.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from secretsync.core.model import Manifest
from secretsync.rucio.workload_context import is_search_path

Sources = Mapping[tuple[str, str], Mapping[str, bytes] | None]
"""The content of Secrets and ConfigMaps by kind and name; None where there is none; what was not read is left out."""

_FILE_MODE = 0o644
_DECIDING = re.compile(r"PYTHONPATH|RUCIO_POLICY_PACKAGE(_.*)?|RUCIO_CFG_POLICY_.*|RUCIO_OVERRIDE_CONFIGS|RUCIO_CONFIG")


@dataclass(frozen=True)
class Unknown:
    """A value that is not there as it was meant, or cannot be read; *why* says so in words.

    *unread* says that the value may be right: the object that holds it was not read.
    """

    why: str
    unread: bool = False


Environment = Mapping[str, str | Unknown]

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)")
_LONGEST_VALUE = 128 * 1024
"""Characters of a variable: MAX_ARG_STRLEN of Linux, above which no process is started."""


@dataclass(frozen=True)
class Mount:
    """What is at *path*: of the object of *kind* called *name* its *keys* by file name, None where that is unknown.

    *single* says that it is one file by ``subPath``, which stays as it was when its pod started.
    """

    path: str
    kind: str
    name: str
    keys: Mapping[str, str] | None
    mode: int = _FILE_MODE
    single: bool = False

    @property
    def place(self) -> str:
        """The path that it covers: of one file, or of a folder and all below it."""
        return posixpath.join(self.path, *(self.keys or ())) if self.single else self.path


def seen(template: Manifest, container: Manifest) -> str:
    """All of a manifest that decides what *container* sees, as a text: those of a fleet are nearly all the same."""
    pod = template.get("spec") or {}
    return json.dumps(
        [
            [pod.get(key) for key in ("volumes", "securityContext")],
            [container.get(key) for key in ("image", "volumeMounts", "envFrom", "securityContext")],
            [variable for variable in container.get("env") or () if _decides(variable["name"])],
        ],
        default=str,
    )


def environment(container: Manifest, sources: Sources) -> Environment:
    """The variables that tell where the policy is. A later one wins; those of *container* win over whole sources."""
    variables: dict[str, str | Unknown] = {}
    for source in container.get("envFrom") or ():
        for name, value in _of_source(source, sources):
            if _decides(name):
                variables[name] = value
    for variable in container.get("env") or ():
        if not _decides(variable["name"]):
            continue
        if variable.get("valueFrom"):
            variables[variable["name"]] = _referred(variable["valueFrom"], sources)
        else:
            variables[variable["name"]] = expanded(variable.get("value") or "", variables)
    return variables


@lru_cache(1024)
def _decides(variable: str) -> bool:
    return _DECIDING.fullmatch(variable) is not None or is_search_path(variable)


def asked_for(container: Manifest) -> Iterator[tuple[str, str]]:
    """The Secrets and ConfigMaps, by kind and name, whose content decides about those variables."""
    for source in container.get("envFrom") or ():
        yield from (key for key in [_source_of(source)] if key)
    for variable in container.get("env") or ():
        if _decides(variable["name"]) and (key := _key_of(variable.get("valueFrom") or {})):
            yield key[:2]


def unread_sources(container: Manifest, sources: Sources) -> tuple[str, ...]:
    """The Secrets and ConfigMaps of ``envFrom`` that *sources* leaves out."""
    keys = (_source_of(source) for source in container.get("envFrom") or ())
    return tuple(f"{key[0]} {key[1]}" for key in keys if key and key not in sources)


def _of_source(source: Manifest, sources: Sources) -> Iterator[tuple[str, str]]:
    prefix, key = source.get("prefix") or "", _source_of(source)
    for name, value in (sources.get(key) or {}).items() if key else ():
        yield prefix + name, value.decode(errors="replace")


def _source_of(source: Manifest) -> tuple[str, str] | None:
    for kind, field in (("Secret", "secretRef"), ("ConfigMap", "configMapRef")):
        if reference := source.get(field):
            return kind, reference["name"]
    return None


def _referred(value_from: Manifest, sources: Sources) -> str | Unknown:
    key = _key_of(value_from)
    if key is None:
        return Unknown("is set from the pod's own fields", unread=True)
    kind, name, entry = key
    if (kind, name) not in sources:
        return Unknown(f"comes from {kind} {name}, which could not be read", unread=True)
    content = sources[kind, name]
    if content is None:
        return Unknown(f"comes from {kind} {name}, which does not exist")
    if entry not in content:
        keys = ", ".join(sorted(content)) or "none"
        return Unknown(f"comes from key {entry!r} of {kind} {name}, which has no such key; its keys: {keys}")
    return content[entry].decode(errors="replace")


def _key_of(value_from: Manifest) -> tuple[str, str, str] | None:
    for kind, field in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
        if reference := value_from.get(field):
            return kind, reference["name"], reference["key"]
    return None


def expanded(value: str, before: Environment) -> str | Unknown:
    """``$(NAME)`` stands for a variable that was set before, else it stays as it is; ``$$`` is a dollar sign.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """

    def known(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        referenced = before.get(found[1])
        return referenced if isinstance(referenced, str) else found[0]

    length = len(value) + sum(len(known(found)) - len(found[0]) for found in _REFERENCE.finditer(value))
    if length > _LONGEST_VALUE:  # a few variables that each repeat the one before come to gigabytes
        return Unknown(f"has {length:,} characters, more than Linux gives to a process")
    return _REFERENCE.sub(known, value)


def mounts(template: Manifest, container: Manifest) -> tuple[Mount, ...]:
    """What is mounted into *container*, in the order of its list."""
    volumes = {volume["name"]: volume for volume in (template.get("spec") or {}).get("volumes") or ()}
    listed = container.get("volumeMounts") or ()
    return tuple(mounted for mount in listed for mounted in _mounted(mount, volumes.get(mount["name"]) or {}))


def _mounted(mount: Manifest, volume: Manifest) -> Iterator[Mount]:
    path, single = posixpath.normpath(mount["mountPath"]), mount.get("subPath") or ""
    for kind, name, items, mode in _contents(volume):
        keys = {item["path"]: item["key"] for item in items} if items is not None else None
        if not single:
            yield Mount(path, kind, name, keys, mode)
        elif keys is None or single in keys:
            key = keys[single] if keys else single
            folder, file = posixpath.split(path)
            yield Mount(folder, kind, name, {file: key}, mode, single=True)


def files(mount: Mount, sources: Sources) -> Mapping[str, str]:
    """The keys that *mount* shows, by file name; none where its source was not read."""
    if mount.keys is not None:
        return mount.keys
    return {key: key for key in sources.get((mount.kind, mount.name)) or {}}


def _contents(volume: Manifest) -> Iterator[tuple[str, str, Sequence[Manifest] | None, int]]:
    """The objects that a volume shows: kind, name, items (None: every key), mode. Another volume is of kind ``""``."""
    sources = [volume]
    projected = volume.get("projected")
    if projected:
        sources = projected.get("sources") or []
    found = False
    for source in sources:
        for kind, field, name in (("Secret", "secret", "secretName"), ("ConfigMap", "configMap", "name")):
            if shown := source.get(field):
                mode = shown.get("defaultMode", (projected or {}).get("defaultMode", _FILE_MODE))
                yield kind, shown.get(name) or shown.get("name") or "", shown.get("items"), mode
                found = True
    if not found:
        yield "", volume.get("name", ""), None, _FILE_MODE
