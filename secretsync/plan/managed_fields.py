"""Who has what in a pod template: its entries, and the field managers that the API remembers for each.

An entry is what server-side apply merges by a key of its own: a volume by its name, a mount by its container and path,
a variable by its container and name. See https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from secretsync.core.kinds import api_version
from secretsync.core.model import Manifest, Workload
from secretsync.core.secret_codec import contains


@dataclass(frozen=True, order=True)
class Entry:
    """A *kind* of thing (volume, mount, variable) by its *name*; *container* is empty for a volume."""

    container: str
    kind: str
    name: str

    def __str__(self) -> str:
        kind_name = {"mount": "a mount at", "variable": "the environment variable", "volume": "a volume"}[self.kind]
        return f"{kind_name} {self.name}" + (f" in the container {self.container}" if self.container else "")


_KINDS = (("env", "variable", "name"), ("volumeMounts", "mount", "mountPath"))
_Owned = Mapping[Entry, frozenset[str]]


def wiring_manager(installation: str) -> str:
    """The field manager that wires; the one that restarts owns none of this, as an apply drops what it leaves out."""
    return f"secretsync-{installation}-wiring"


def entries(template: Manifest) -> dict[Entry, Manifest]:
    """All entries of a pod template, or of a part of one."""
    spec = template.get("spec") or {}
    by_entry = {Entry("", "volume", volume["name"]): volume for volume in spec.get("volumes") or ()}
    for container in spec.get("containers") or ():
        for field, kind, key in _KINDS:
            by_entry |= {Entry(container["name"], kind, item[key]): item for item in container.get(field) or ()}
    return by_entry


def contains_part(template: Manifest, part: Manifest) -> bool:
    """Whether *template* has all entries and annotations of *part*, as they are there."""
    live = entries(template)
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    required = (part.get("metadata") or {}).get("annotations") or {}
    return required.items() <= annotations.items() and all(
        entry in live and contains(live[entry], value) for entry, value in entries(part).items()
    )


def owned(workload: Workload, manager: str) -> _Owned:
    """The entries that *manager* applied to a workload's template, each with those of its fields that are still his."""
    return _owners(entry for entry in workload.managed_fields if entry.get("manager") == manager).get(manager, {})


def is_wired(workload: Workload, manager: str) -> bool:
    """Whether *manager* has anything in the workload's template."""
    return was_wired(workload, manager) and bool(owned(workload, manager))


def was_wired(workload: Workload, manager: str) -> bool:
    """Whether *manager* has ever applied to this very object: the API remembers him when all that he had has gone."""
    return any(entry.get("manager") == manager for entry in workload.managed_fields)


def conflicts(
    workload: Workload, part: Manifest, manager: str, *, ours_again: bool, put_back: frozenset[Entry] = frozenset()
) -> Iterator[str]:
    """Why *part* may not be applied as *manager*: a sentence for each entry that somebody else has.

    *ours_again* says that fields which somebody took from *manager* may be taken back; *put_back* are entries that come
    from him, though he does not have them now.
    """
    owners, live = _owners(workload.managed_fields), entries(workload.template)
    own_fields = owners.get(manager, {})
    for entry, desired in entries(part).items():
        other_managers = sorted(name for name, fields in owners.items() if name != manager and entry in fields)
        if entry not in live or entry in put_back:
            continue
        foreign = entry not in own_fields and (other_managers or not contains(live[entry], desired))
        changed = entry in own_fields and not ours_again and other_managers and not set(desired) <= own_fields[entry]
        if foreign or changed:
            yield f"{workload.ref} has {entry} already, from {_named(other_managers)}"


def reclaimed_fields(workload: Workload, entries: Collection[Entry], manager: str) -> list[Manifest]:
    """The ``managedFields`` of a workload, with *entries* moved from whoever has them to *manager*.

    An entry that two managers have stays when one of them leaves it out: what somebody put back would never go.
    """
    managed: list[Manifest] = deepcopy(list(workload.managed_fields))
    own_entry = next(
        (entry for entry in managed if entry.get("manager") == manager and entry.get("operation") == "Apply"), None
    )
    if own_entry is None:
        version = api_version(workload.ref.kind)
        own_entry = {"manager": manager, "operation": "Apply", "apiVersion": version, "fieldsType": "FieldsV1"}
        managed.append(own_entry)
    fields = own_entry.setdefault("fieldsV1", {})
    for entry in sorted(entries):
        *path, key = _path(entry)
        for other_entry in managed:
            if other_entry is not own_entry and (
                value := _below(other_entry.get("fieldsV1") or {}, path).pop(key, None)
            ):
                _below(fields, path)[key] = value
    return managed


def _path(entry: Entry) -> tuple[str, ...]:
    """Where ``fieldsV1`` tells of an entry."""
    spec = ("f:spec", "f:template", "f:spec")
    if entry.kind == "volume":
        return (*spec, "f:volumes", _key("name", entry.name))
    field, _, key = next(kind for kind in _KINDS if kind[1] == entry.kind)
    return (*spec, "f:containers", _key("name", entry.container), f"f:{field}", _key(key, entry.name))


def _key(key: str, name: str) -> str:
    return "k:" + json.dumps({key: name}, separators=(",", ":"))


def _below(fields: Manifest, path: Sequence[str]) -> Manifest:
    for step in path:
        fields = fields.setdefault(step, {})
    return fields


def _named(managers: list[str]) -> str:
    return "the field manager " + " and ".join(repr(name) for name in managers) if managers else "somebody unknown"


def _owners(managed_fields: Iterable[Manifest]) -> dict[str, dict[Entry, frozenset[str]]]:
    owners: dict[str, dict[Entry, frozenset[str]]] = {}
    for managed in managed_fields:
        template = ((managed.get("fieldsV1") or {}).get("f:spec") or {}).get("f:template") or {}
        owned_fields = owners.setdefault(managed.get("manager", ""), {})
        for entry, fields in _entries(template.get("f:spec") or {}):
            owned_fields[entry] = owned_fields.get(entry, frozenset()) | fields
    return owners


def _entries(spec: Manifest) -> Iterator[tuple[Entry, frozenset[str]]]:
    for volume, fields in _keyed(spec.get("f:volumes"), "name"):
        yield Entry("", "volume", volume), _fields(fields)
    for container, container_fields in _keyed(spec.get("f:containers"), "name"):
        for field, kind, key in _KINDS:
            for name, fields in _keyed(container_fields.get(f"f:{field}"), key):
                yield Entry(container, kind, name), _fields(fields)


def _keyed(fields: Manifest | None, key: str) -> Iterator[tuple[str, Manifest]]:
    """The items of a list that is merged by *key*, as in ``k:{"name":"rucio"}``."""
    for item, item_fields in (fields or {}).items():
        if item.startswith("k:"):
            yield json.loads(item.removeprefix("k:"))[key], item_fields


def _fields(written: Manifest) -> frozenset[str]:
    return frozenset(field.removeprefix("f:") for field in written if field.startswith("f:"))
