"""The containers of live workloads in which Rucio runs, and what is seen in each of them."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from secretsync.core import packing
from secretsync.core.model import Manifest, Placement, Ref, Secret, Workload
from secretsync.rucio.conditions import container, rucio_cfg
from secretsync.rucio.conditions.container import Mount, Sources
from secretsync.rucio.conditions.judge import Deployed, Verdict, View
from secretsync.rucio.workload_context import image_name, runs_rucio


@dataclass(frozen=True)
class RucioContainer:
    """One container that runs Rucio, or mounts a package, and what is mounted into it.

    Containers whose *seen* is the same see the same, as far as the conditions ask.
    """

    workload: Workload
    manifest: Manifest
    mounts: tuple[Mount, ...]
    seen: str = field(repr=False)


@dataclass(frozen=True)
class Diagnosis:
    """The three verdicts on one package in one container."""

    workload: Ref
    container: str
    module: str
    verdicts: tuple[Verdict, ...]

    @property
    def well(self) -> bool:
        """Whether all conditions hold."""
        return all(verdict.holds for verdict in self.verdicts)


def rucio_containers(workloads: Iterable[Workload], secrets: Collection[str]) -> Iterator[RucioContainer]:
    """Containers whose image is Rucio's by its name, and all that mount one of *secrets*."""
    mounts_of: dict[str, tuple[Mount, ...]] = {}
    for workload in workloads:
        for manifest in (workload.template.get("spec") or {}).get("containers") or ():
            seen = container.seen(workload.template, manifest)
            if seen not in mounts_of:
                mounts_of[seen] = container.mounts(workload.template, manifest)
            mounts = mounts_of[seen]
            if runs_rucio(manifest.get("image") or "") or any(mount.name in secrets for mount in mounts):
                yield RucioContainer(workload, manifest, mounts, seen)


def view_of(found: RucioContainer, sources: Sources, behind: str = "") -> View:
    """What a container sees, as far as *sources* were read; *behind* says why its pods may run older files."""
    variables = container.environment(found.manifest, sources)
    return View(
        image=found.manifest.get("image") or "",
        mounts=found.mounts,
        shown=_shown(found.mounts, sources),
        variables=variables,
        policy=rucio_cfg.policy(found.mounts, variables, sources),
        behind=behind,
        unread=container.unread_sources(found.manifest, sources),
        user=_user(found),
    )


def _user(found: RucioContainer) -> str:
    """Who reads the files: the user that the manifest sets; else ``apache`` in a server, and root in a daemon."""
    pod = (found.workload.template.get("spec") or {}).get("securityContext") or {}
    set_by_manifest = (found.manifest.get("securityContext") or {}).get("runAsUser", pod.get("runAsUser"))
    if set_by_manifest:
        return f"user {set_by_manifest}"
    return "root" if "daemons" in image_name(found.manifest.get("image") or "") else "apache"


def deployed_package(placement: Placement, secrets: Sequence[Secret], directories: Collection[str]) -> Deployed:
    """The package that *secrets* hold, less the files of directories that are not in *directories*."""
    zipped = next(iter(secrets[0].data)) if placement.layout == "zip" else ""
    files: dict[str, tuple[str, str]] = {}
    top = placement.secret
    for secret in secrets:
        directory = secret.annotations.get(packing.DIRECTORY, ".").removeprefix(".")
        top = secret.name if not directory else top
        if directory in directories:
            files |= {posixpath.join(directory, key): (secret.name, key) for key in secret.data}
    return Deployed(placement.module, placement.vo, top, {} if zipped else files, zipped, wired=placement.wired)


def _shown(mounts: Iterable[Mount], sources: Sources) -> dict[str, tuple[str, str, int, bool]]:
    """The files of Secrets, by their path. A mount covers what one above it has there: runtimes mount parents first."""
    shown: dict[str, tuple[str, str, int, bool]] = {}
    places: dict[str, list[Mount]] = {}
    for mount in mounts:
        places.setdefault(mount.place, []).append(mount)
    for place in sorted(places, key=lambda place: place.count("/")):
        for path in [path for path in shown if path == place or path.startswith(f"{place}/")]:
            del shown[path]
        for mount in places[place]:
            if mount.kind == "Secret":
                for file, key in container.files(mount, sources).items():
                    if key in (sources.get(("Secret", mount.name)) or {}):
                        shown[posixpath.join(mount.path, file)] = (mount.name, key, mount.mode, mount.single)
    return shown


def contents(secrets: Iterable[Secret]) -> dict[tuple[str, str], Mapping[str, bytes] | None]:
    """What is known of Secrets that were read, as *sources* of a view."""
    return {("Secret", secret.name): secret.data for secret in secrets}
