"""What `wire: true` puts into pod templates, as the document that is applied: volumes, mounts and environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from secretsync.core import packing
from secretsync.core.model import Manifest, Placement, Secret
from secretsync.plan.diff import Desired
from secretsync.plan.managed_fields import Entry
from secretsync.rucio.charts.values import environment
from secretsync.rucio.wiring import ROOT, Packed, wire
from secretsync.rucio.workload_context import image_name


@dataclass(frozen=True)
class MountPatch:
    """What each container with Rucio gets: Secrets by their volume, volumes by the path of their mount, variables."""

    volumes: Mapping[str, str]
    mounts: Mapping[str, str]
    variables: Mapping[str, str]


def mount_patch_of(wanted: Sequence[Desired]) -> MountPatch:
    """What *wanted* needs so that Rucio finds it: the code, its parent on PYTHONPATH, and its name.

    Volumes are named after what the Secrets would be called if they changed in place, and so keep their names.
    """
    secrets = {_plain(one, secret): secret.name for one in wanted for secret in one.secrets}
    wiring = wire([_packed(one) for one in wanted], "directory")
    volumes = {mount.volume: secrets[mount.secret] for mount in wiring.mounts}
    return MountPatch(volumes, {mount.path: mount.volume for mount in wiring.mounts}, environment(wiring))


def _packed(wanted: Desired) -> Packed:
    placement = wanted.placement
    secrets = tuple(replace(secret, name=_plain(wanted, secret)) for secret in wanted.secrets)
    return Packed(placement.module, placement.vo, placement.layout, secrets)


def _plain(wanted: Desired, secret: Secret) -> str:
    return packing.secret_name(wanted.placement, secret.annotations[packing.DIRECTORY].removeprefix("."))


def template_part(wanted: MountPatch, template: Manifest, annotations: Mapping[str, str]) -> Manifest:
    """The part of *template* that is ours: all that our field manager applies."""
    container = {
        "env": [{"name": name, "value": value} for name, value in wanted.variables.items()],
        "volumeMounts": [
            {"name": volume, "mountPath": path, "readOnly": True} for path, volume in wanted.mounts.items()
        ],
    }
    return {
        "metadata": {"annotations": dict(annotations)},
        "spec": {
            "volumes": [{"name": name, "secret": {"secretName": secret}} for name, secret in wanted.volumes.items()],
            "containers": [{"name": name, **deepcopy(container)} for name in rucio_containers(template)],
        },
    }


def rucio_containers(template: Manifest) -> tuple[str, ...]:
    """The containers whose image is Rucio's by its name, wherever it is mirrored; all, where none is named so."""
    containers = (template.get("spec") or {}).get("containers") or ()
    rucio = [one["name"] for one in containers if "rucio" in image_name(one.get("image") or "")]
    return tuple(rucio or [one["name"] for one in containers])


def with_mounts(template: Manifest, placements: Sequence[Placement]) -> frozenset[Entry]:
    """The entries of a template that come from us by what they say, whoever may have put them back.

    Nobody else mounts Secrets that are named by their digest.
    """
    spec = template.get("spec") or {}
    names = re.compile("|".join(rf"{re.escape(one.secret)}-[0-9a-f]{{12}}(?:\.zip|-.+)?" for one in placements))
    secrets = {one["name"]: (one.get("secret") or {}).get("secretName") or "" for one in spec.get("volumes") or ()}
    volumes = {name for name, secret in secrets.items() if placements and names.fullmatch(secret)}
    found = {Entry("", "volume", name) for name in volumes}
    for container in spec.get("containers") or ():
        paths = {one["mountPath"] for one in container.get("volumeMounts") or () if one["name"] in volumes}
        found |= {Entry(container["name"], "mount", path) for path in paths}
        if paths:
            found |= {Entry(container["name"], "variable", name) for name in _our_variables(container, placements)}
    return frozenset(found)


def _our_variables(container: Manifest, placements: Sequence[Placement]) -> Iterator[str]:
    modules = {one.module for one in placements}
    for variable in container.get("env") or ():
        name, value = variable["name"], variable.get("value") or ""
        if name == "PYTHONPATH" and all(f"{part}/".startswith(f"{ROOT}/") for part in value.split(":")):
            yield name
        if name.startswith("RUCIO_POLICY_PACKAGE") and value in modules:
            yield name


def merge_template(template: Manifest, ours: Manifest) -> Manifest:
    """*template* as its pods will see it once *ours* is applied."""
    whole = deepcopy(template)
    spec, applied = whole["spec"], ours.get("spec") or {}
    spec["volumes"] = _merged(spec.get("volumes"), applied.get("volumes"), "name")
    mine = {one["name"]: one for one in applied.get("containers") or ()}
    for container in spec["containers"]:
        for field, key in (("env", "name"), ("volumeMounts", "mountPath")):
            container[field] = _merged(container.get(field), mine.get(container["name"], {}).get(field), key)
    return whole


def _merged(live: Sequence[Manifest] | None, ours: Sequence[Manifest] | None, key: str) -> list[Manifest]:
    by_key: dict[Any, Manifest] = {one[key]: one for one in ours or ()}
    return [*(one for one in live or () if one[key] not in by_key), *by_key.values()]
