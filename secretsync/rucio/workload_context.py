"""Where a package is to run, as the workloads that mount it tell: which Rucio, in which images, with which folders."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from secretsync.core.model import Placement, Workload

_WITHOUT_POLICY = re.compile(r"webui|probe|exporter|client|fts|init")

IMAGES = ("server", "daemons", "ui")


@dataclass(frozen=True)
class WorkloadContext:
    """*versions* are the tags of Rucio's images and *images* their kinds (``rucio-server``, ``rucio-daemons``,
    ``rucio-ui``); *mounted* are the package's directories that every workload mounts (``""`` is its own), None where
    that is not known. *mounted_files* are the files of its own directory that every container has which mounts them one
    by one, None where none does. *environment* are the variables that every container with Rucio in it sets by name.
    """

    versions: tuple[str, ...]
    images: tuple[str, ...]
    mounted: frozenset[str] | None
    environment: frozenset[str] = frozenset()
    mounted_files: frozenset[str] | None = None


def workload_context(
    placement: Placement, directories: Mapping[str, str], workloads: Sequence[Workload]
) -> WorkloadContext:
    """Read off the *workloads* that mount the package; *directories* are by the name of the Secret that holds each."""
    tops = {secret for secret, directory in directories.items() if not directory}
    mounting = [workload for workload in workloads if tops & workload.referenced_secrets]
    images = [image for workload in mounting for image in _rucio_images(workload)]
    kinds = tuple(kind for kind in IMAGES if any(kind in image_name(image) for image in images))
    return WorkloadContext(
        versions=tuple(sorted({_tag(image) for image in images if _tag(image)})),
        images=kinds or ("server", "daemons"),
        mounted=_mounted(placement, directories, mounting),
        environment=_environment(mounting),
        mounted_files=_mounted_files(placement, tops, mounting),
    )


def _mounted(
    placement: Placement, directories: Mapping[str, str], mounting: Sequence[Workload]
) -> frozenset[str] | None:
    if not mounting or placement.layout != "directories":
        return None
    everywhere = frozenset.intersection(*(workload.referenced_secrets for workload in mounting))
    return frozenset(directory for secret, directory in directories.items() if secret in everywhere)


def _mounted_files(placement: Placement, tops: Collection[str], mounting: Sequence[Workload]) -> frozenset[str] | None:
    """A file's key is its name. A container that mounts the whole Secret has all files."""
    if placement.layout != "directories":
        return None
    files = [
        frozenset(sub_paths)
        for workload in mounting
        for container in _rucio_containers(workload)
        if all(sub_paths := _sub_paths(container, _volumes_of(workload, tops)))
    ]
    files = [listed for listed in files if listed]
    return frozenset.intersection(*files) if files else None


def _volumes_of(workload: Workload, secrets: Collection[str]) -> frozenset[str]:
    volumes = (workload.template.get("spec") or {}).get("volumes") or ()
    return frozenset(
        str(volume["name"]) for volume in volumes if (volume.get("secret") or {}).get("secretName") in secrets
    )


def _sub_paths(container: Mapping[str, Any], volumes: Collection[str]) -> list[str]:
    """What a container mounts of *volumes*: a file each, empty for the whole."""
    mounts = container.get("volumeMounts") or ()
    return [str(mount.get("subPath") or "") for mount in mounts if mount.get("name") in volumes]


def _environment(mounting: Sequence[Workload]) -> frozenset[str]:
    named = [
        frozenset(str(variable.get("name")) for variable in container.get("env") or ())
        for workload in mounting
        for container in _rucio_containers(workload)
    ]
    return frozenset.intersection(*named) if named else frozenset()


def _rucio_images(workload: Workload) -> Iterator[str]:
    return (str(container["image"]) for container in _rucio_containers(workload))


def _rucio_containers(workload: Workload) -> Iterator[Mapping[str, Any]]:
    """Those with Rucio's own images, wherever they are mirrored and whatever a site puts before their name."""
    containers = (workload.template.get("spec") or {}).get("containers") or ()
    return (container for container in containers if "rucio" in image_name(str(container.get("image") or "")))


@lru_cache(256)
def image_name(image: str) -> str:
    """``rucio-server`` of ``registry:5000/rucio/rucio-server:41.5.1``."""
    return re.split(r"[:@]", image.rpartition("/")[2])[0]


def loads_policies(image: str) -> bool:
    """Whether an image is one of Rucio's that import a policy package: not the web UI of Node.js, nor the probes."""
    name = image_name(image)
    return "rucio" in name and "webui" not in name and any(kind in name for kind in IMAGES)


def runs_rucio(image: str) -> bool:
    """Whether an image has Rucio's server or daemons in it, by its name.

    The web UI is Node.js; probes, exporters, clients and what renews proxies load no policy package.
    """
    name = image_name(image)
    return "rucio" in name and not _WITHOUT_POLICY.search(name)


def _tag(image: str) -> str:
    match = re.match(r"[^:@]*:([^@]+)", image.rpartition("/")[2])
    return match[1] if match else ""


def is_search_path(variable: str) -> bool:
    """Whether an image's entrypoint may make a part of ``PYTHONPATH`` of this variable, by its name.

    Rucio's documentation on policy packages has the example ``POLICY_PKG_PATH``.
    """
    return (
        variable != "PYTHONPATH" and re.fullmatch(r".*(PYTHON|POLICY|PKG|PACKAGE)S?_?(PATH|DIR)", variable) is not None
    )
