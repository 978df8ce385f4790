"""What `wire: true` puts into pod templates, as the document that is applied: volumes, mounts and environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from secretsync.core import packing
from secretsync.core.model import Manifest, Placement, Secret
from secretsync.plan import ownership
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


def mount_patch_of(packages: Sequence[Desired]) -> MountPatch:
    """What *packages* need so that Rucio finds it: the code, its parent on PYTHONPATH, and its name.

    Volumes are named after what the Secrets would be called if they changed in place, and so keep their names.
    """
    secrets = {_plain(package, secret): secret.name for package in packages for secret in package.secrets}
    wiring = wire([_packed(package) for package in packages], "directory")
    volumes = {mount.volume: secrets[mount.secret] for mount in wiring.mounts}
    return MountPatch(volumes, {mount.path: mount.volume for mount in wiring.mounts}, environment(wiring))


def _packed(package: Desired) -> Packed:
    placement = package.placement
    secrets = tuple(replace(secret, name=_plain(package, secret)) for secret in package.secrets)
    return Packed(placement.module, placement.vo, placement.layout, secrets)


def _plain(package: Desired, secret: Secret) -> str:
    return packing.secret_name(package.placement, secret.annotations[packing.DIRECTORY].removeprefix("."))


def template_part(patch: MountPatch, template: Manifest, annotations: Mapping[str, str]) -> Manifest:
    """The part of *template* that is ours: all that our field manager applies."""
    container = {
        "env": [{"name": name, "value": value} for name, value in patch.variables.items()],
        "volumeMounts": [
            {"name": volume, "mountPath": path, "readOnly": True} for path, volume in patch.mounts.items()
        ],
    }
    return {
        "metadata": {"annotations": dict(annotations)},
        "spec": {
            "volumes": [{"name": name, "secret": {"secretName": secret}} for name, secret in patch.volumes.items()],
            "containers": [{"name": name, **deepcopy(container)} for name in rucio_containers(template)],
        },
    }


def rucio_containers(template: Manifest) -> tuple[str, ...]:
    """The containers whose image is Rucio's by its name, wherever it is mirrored; all, where none is named so."""
    containers = (template.get("spec") or {}).get("containers") or ()
    rucio = [container["name"] for container in containers if "rucio" in image_name(container.get("image") or "")]
    return tuple(rucio or [container["name"] for container in containers])


def with_mounts(template: Manifest, placements: Sequence[Placement]) -> frozenset[Entry]:
    """The entries of a template that come from us by what they say, whoever may have put them back.

    Nobody else mounts Secrets that are named by their digest.
    """
    spec = template.get("spec") or {}
    named = ownership.named_by_digest(*(placement.secret for placement in placements))
    secrets = {
        volume["name"]: (volume.get("secret") or {}).get("secretName") or "" for volume in spec.get("volumes") or ()
    }
    volumes = {name for name, secret in secrets.items() if named.fullmatch(secret)}
    mount_entries = {Entry("", "volume", name) for name in volumes}
    for container in spec.get("containers") or ():
        paths = {mount["mountPath"] for mount in container.get("volumeMounts") or () if mount["name"] in volumes}
        mount_entries |= {Entry(container["name"], "mount", path) for path in paths}
        if paths:
            mount_entries |= {
                Entry(container["name"], "variable", name) for name in _our_variables(container, placements)
            }
    return frozenset(mount_entries)


def _our_variables(container: Manifest, placements: Sequence[Placement]) -> Iterator[str]:
    modules = {placement.module for placement in placements}
    for variable in container.get("env") or ():
        name, value = variable["name"], variable.get("value") or ""
        if name == "PYTHONPATH" and all(f"{folder}/".startswith(f"{ROOT}/") for folder in value.split(":")):
            yield name
        if name.startswith("RUCIO_POLICY_PACKAGE") and value in modules:
            yield name


def merge_template(template: Manifest, part: Manifest) -> Manifest:
    """*template* as its pods will see it once *part* is applied."""
    merged = deepcopy(template)
    spec, applied = merged["spec"], part.get("spec") or {}
    spec["volumes"] = _merged(spec.get("volumes"), applied.get("volumes"), "name")
    applied_containers = {container["name"]: container for container in applied.get("containers") or ()}
    for container in spec["containers"]:
        for field, key in (("env", "name"), ("volumeMounts", "mountPath")):
            container[field] = _merged(
                container.get(field), applied_containers.get(container["name"], {}).get(field), key
            )
    return merged


def _merged(live: Sequence[Manifest] | None, own_items: Sequence[Manifest] | None, key: str) -> list[Manifest]:
    by_key: dict[Any, Manifest] = {item[key]: item for item in own_items or ()}
    return [*(item for item in live or () if item[key] not in by_key), *by_key.values()]
