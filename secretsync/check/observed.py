"""The situation of a package as a cluster tells it: which Rucio its pods run, and what is live."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from secretsync import pack
from secretsync.check.situation import IMAGES, Situation
from secretsync.model import Bundle, Placement, Secret, Workload
from secretsync.wiring.references import secrets_referenced


def observed(
    bundle: Bundle, placement: Placement, live: Sequence[Secret], workloads: Iterable[Workload], *, vo: str = ""
) -> Situation:
    """Read from the package's Secrets and from the workloads that mount it.

    Versions are the tags of their Rucio images, kinds the images' names (``rucio-server``, ``rucio-daemons``,
    ``rucio-ui``); where none tells, what a Situation has by itself.
    """
    mounting = [workload for workload in workloads if placement.secret in secrets_referenced(workload.template)]
    images = [image for workload in mounting for image in _rucio_images(workload)]
    kinds = tuple(kind for kind in IMAGES if any(kind in _name(image) for image in images))
    return Situation(
        rucio=tuple(sorted({_tag(image) for image in images if _tag(image)})),
        images=kinds or Situation.images,
        vo=vo,
        mounted=_mounted(bundle, placement, mounting),
        live=replace(pack.live_bundle(live), module=placement.module) if live else None,
    )


def _mounted(bundle: Bundle, placement: Placement, mounting: Sequence[Workload]) -> frozenset[str] | None:
    """The directories whose Secrets every one of these workloads refers to."""
    if not mounting or placement.layout != "directories":
        return None
    everywhere = frozenset.intersection(*(secrets_referenced(workload.template) for workload in mounting))
    directories = {file.directory for file in bundle.files}
    return frozenset(one for one in directories if pack.secret_name(placement, one) in everywhere)


def _rucio_images(workload: Workload) -> Iterator[str]:
    containers = (workload.template.get("spec") or {}).get("containers") or ()
    images = (str(container.get("image") or "") for container in containers)
    return (image for image in images if "rucio" in _name(image))


def _name(image: str) -> str:
    return re.split(r"[:@]", image.rpartition("/")[2])[0]


def _tag(image: str) -> str:
    found = re.match(r"[^:@]*:([^@]+)", image.rpartition("/")[2])
    return found[1] if found else ""
