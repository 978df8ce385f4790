"""Which workloads will not load a package although its Secrets are there: judged by their templates alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from secretsync.core.listed import listed
from secretsync.core.model import Ref, Workload
from secretsync.plan.diff import Desired
from secretsync.rucio.conditions.judge import Condition, Deployed, Verdict, View, judge
from secretsync.rucio.conditions.workloads import RucioContainer, contents, deployed_package, rucio_containers, view_of
from secretsync.rucio.workload_context import loads_policies


@dataclass(frozen=True)
class NotInForce:
    """A container that certainly does not load *module*: the first of the three conditions that fails, and its fix."""

    workload: Ref
    container: str
    module: str
    verdict: Verdict


def not_in_force(packages: Sequence[Desired], workloads: Sequence[Workload]) -> tuple[NotInForce, ...]:
    """The containers with Rucio that do not load a package. What depends on objects that were not read counts as well.

    The files of sub-directories are left to the check, which knows whether Rucio asks for them.
    """
    by_module = {package.placement.module: package for package in packages}
    faults: dict[tuple[str, str], Verdict | None] = {}
    found = []
    for container, package, view in _meant(packages, workloads):
        key = container.seen, package.module
        if key not in faults:
            faults[key] = _fault(package, view, by_module[package.module])
        if fault := faults[key]:
            found.append(NotInForce(container.workload.ref, container.manifest["name"], package.module, fault))
    return tuple(found)


def undecided(packages: Sequence[Desired], workloads: Sequence[Workload]) -> tuple[NotInForce, ...]:
    """The containers that mount a package, of which an object that was not read decides whether they load it."""
    return tuple(
        NotInForce(container.workload.ref, container.manifest["name"], package.module, unknown)
        for container, package, view in _meant(packages, workloads)
        if package.secrets & _mounted(container)
        for verdicts in [judge(package, view)]
        if not any(verdict.fails for verdict in verdicts)
        for unknown in [next((verdict for verdict in verdicts if verdict.unknown), None)]
        if unknown
    )


def _meant(
    packages: Sequence[Desired], workloads: Sequence[Workload]
) -> Iterator[tuple[RucioContainer, Deployed, View]]:
    """Each container with Rucio, each package that it is meant to load, and what the container sees of it."""
    sources = contents(secret for package in packages for secret in package.secrets)
    deployed = [deployed_package(package.placement, package.secrets, {""}) for package in packages if package.secrets]
    names = {name for package in deployed for name in package.secrets}
    views: dict[str, View] = {}
    for container in rucio_containers(workloads, names):
        for package in deployed:
            if _is_meant_for(package, container, names):
                if container.seen not in views:
                    views[container.seen] = view_of(container, sources)
                yield container, package, views[container.seen]


def _fault(package: Deployed, view: View, desired: Desired) -> Verdict | None:
    """The first condition that fails. What the package imports is looked at only where a file is not mounted."""
    failing = next((verdict for verdict in judge(package, view) if verdict.fails), None)
    if failing is None or failing.condition is not Condition.CODE:
        return failing
    # imported here: nearly all sites mount whole directories, and a pass then needs no rules
    from secretsync.rucio.check.rules.live import imported_files

    deployed = replace(package, imported=imported_files(desired.bundle))
    return next((verdict for verdict in judge(deployed, view) if verdict.fails), None)


def _is_meant_for(package: Deployed, container: RucioContainer, names: set[str]) -> bool:
    """Whether a container mounts the package; or runs Rucio, and mounts no package of the target at all."""
    mounted = _mounted(container)
    if mounted & package.secrets:
        return True
    return not mounted & names and loads_policies(container.manifest.get("image") or "")


def _mounted(container: RucioContainer) -> set[str]:
    return {mount.name for mount in container.mounts if mount.kind == "Secret"}


def unmounted(packages: Sequence[Desired], workloads: Sequence[Workload]) -> tuple[Desired, ...]:
    """The packages that no workload mounts."""
    mounted = {name for workload in workloads for name in workload.referenced_secrets}
    return tuple(package for package in packages if not mounted & {secret.name for secret in package.secrets})


def sentences(mismatches: Sequence[NotInForce]) -> Iterator[str]:
    """One for each fault, whatever the number of workloads that have it."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for mismatch in mismatches:
        key = (mismatch.module, mismatch.verdict.wrong, mismatch.verdict.remedy)
        groups.setdefault(key, []).append(f"{mismatch.workload.kind} {mismatch.workload.name}")
    for (module, problem, remedy), workloads in groups.items():
        yield f"{_named(list(dict.fromkeys(workloads)))} {module}: {problem}; fix: {remedy}"


def _named(workloads: Sequence[str]) -> str:
    if len(workloads) == 1:
        return f"{workloads[0]} does not load"
    return f"{len(workloads)} workloads ({listed(workloads)}) do not load"
