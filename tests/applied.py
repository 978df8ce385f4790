"""Server-side apply to a pod template, small: entries by their keys, and who has them in `managedFields`.

What the rules are is seen on the real API server, on which the same specifications run.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

Object = dict[str, Any]
_KEYS = {"volumes": "name", "containers": "name", "env": "name", "volumeMounts": "mountPath"}


def applied(live: Object, part: Object, manager: str) -> Object:
    """*live* after *manager* has applied *part* of its pod template by force: what he had, and leaves out, goes."""
    changed = deepcopy(live)
    told = changed["metadata"].setdefault("managedFields", [])
    before = next((one["fieldsV1"] for one in told if one["manager"] == manager), {})
    wanted = {"f:spec": {"f:template": fields(part)}} if part else {}
    template = changed["spec"]["template"]
    _drop(template, _below(before), _below(wanted))
    _merge(template, part)
    others = [{**one, "fieldsV1": _without_taken(one["fieldsV1"], wanted)} for one in told if one["manager"] != manager]
    ours = {"manager": manager, "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": wanted}
    changed["metadata"]["managedFields"] = [*others, ours]
    return changed


def updated(live: Object, template: Object, manager: str) -> Object:
    """*live* after *manager* has put *template* in place of its own: each keeps what is as it was, he has the rest."""
    changed = deepcopy(live)
    before = live["spec"]["template"]
    changed["spec"]["template"] = deepcopy(template)
    told = changed["metadata"].get("managedFields", [])
    for one in told:
        one["fieldsV1"] = {"f:spec": {"f:template": _unchanged(_below(one["fieldsV1"]), before, template)}}
    his = {"f:spec": {"f:template": _changed(before, template)}}
    changed["metadata"]["managedFields"] = [*told, {"manager": manager, "operation": "Update", "fieldsV1": his}]
    return changed


def _unchanged(told: Object, before: Any, after: Any) -> Object:
    """What *told* keeps of its fields: those that are the same on both sides."""
    kept: Object = {}
    for name, below in told.items():
        if name == ".":
            kept[name] = below
            continue
        was, now = _at(before, name), _at(after, name)
        if was is None or now is None or (not below and was != now):
            continue
        kept[name] = _unchanged(below, was, now)
    return kept


def _changed(before: Any, after: Any, key: str = "") -> Object:
    """The fields of *after* that *before* has not, or has otherwise."""
    told = fields(after, key)
    found: Object = {}
    for name, below in told.items():
        was, now = _at(before, name), _at(after, name)
        if name == "." or was == now:
            continue
        found[name] = below if was is None or not below else _changed(was, now, name.removeprefix("f:"))
    return found


def _at(value: Any, name: str) -> Any:
    """What ``f:name`` or ``k:{"name":"rucio"}`` leads to, None where there is nothing."""
    if value is None:
        return None
    if name.startswith("f:"):
        return value.get(name.removeprefix("f:"))
    key = json.loads(name.removeprefix("k:"))
    return next((one for one in value if key.items() <= one.items()), None)


def fields(value: Any, key: str = "") -> Object:
    """What ``fieldsV1`` says of an applied value."""
    if isinstance(value, dict):
        return {f"f:{name}": fields(below, name) for name, below in value.items()}
    if isinstance(value, list) and (by := _KEYS.get(key)):
        return {"k:" + json.dumps({by: one[by]}, separators=(",", ":")): {".": {}, **fields(one)} for one in value}
    return {}


def written(manifest: Object) -> Object:
    """What ``fieldsV1`` says, of the entries of a pod template, where somebody wrote the whole object."""
    spec = manifest.get("spec", {}).get("template", {}).get("spec", {})
    containers = [
        {key: one[key] for key in ("name", "env", "volumeMounts") if key in one} for one in spec["containers"]
    ]
    return fields({"spec": {"template": {"spec": {"volumes": spec.get("volumes", []), "containers": containers}}}})


def _below(told: Object) -> Object:
    found: Object = told.get("f:spec", {}).get("f:template", {})
    return found


def _merge(live: Object, part: Object) -> None:
    for name, value in part.items():
        if isinstance(value, dict):
            _merge(live.setdefault(name, {}), value)
        elif isinstance(value, list):
            items = live[name] = live.get(name) or []
            for one in value:
                there = next((item for item in items if item[_KEYS[name]] == one[_KEYS[name]]), None)
                if there is None:
                    there = {_KEYS[name]: one[_KEYS[name]]}
                    items.append(there)
                _merge(there, one)
        else:
            live[name] = value


def _drop(live: Object, before: Object, wanted: Object) -> None:
    for name, below in before.items():
        field, left = name.removeprefix("f:"), wanted.get(name)
        if field not in live or name == ".":
            continue
        if field in _KEYS:
            live[field] = [one for one in live[field] if not _dropped(one, field, below, left or {})]
        elif below:
            _drop(live[field], below, left or {})
        elif left is None:
            del live[field]


def _dropped(item: Object, field: str, before: Object, wanted: Object) -> bool:
    """Whether an item goes: all of it was one manager's; else only his fields go."""
    key = "k:" + json.dumps({_KEYS[field]: item[_KEYS[field]]}, separators=(",", ":"))
    if key not in before:
        return False
    if key not in wanted and field != "containers":
        return True
    _drop(item, {name: told for name, told in before[key].items() if name != f"f:{_KEYS[field]}"}, wanted.get(key, {}))
    return False


def _without_taken(told: Object, wanted: Object) -> Object:
    """What another manager keeps: a field that was forced from him is his no more."""
    left: Object = {}
    for name, below in told.items():
        if name in wanted and not below and name not in (".", "f:name", "f:mountPath"):
            continue
        left[name] = _without_taken(below, wanted.get(name, {})) if below else below
    return left
