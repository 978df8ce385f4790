"""Which workloads will not load a package although its Secrets are there: judged by their templates alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from secretsync.core.listed import listed
from secretsync.core.model import Ref, Workload
from secretsync.core.pod_references import secrets_referenced
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
    fault: Verdict


def not_in_force(packages: Sequence[Desired], workloads: Sequence[Workload]) -> tuple[NotInForce, ...]:
    """The containers with Rucio that do not load a package. What depends on objects that were not read counts as well.

    The files of sub-directories are left to the check, which knows whether Rucio asks for them.
    """
    sources = contents(secret for package in packages for secret in package.secrets)
    deployed = [deployed_package(package.placement, package.secrets, {""}) for package in packages if package.secrets]
    names = {name for package in deployed for name in package.secrets}
    by_module = {package.placement.module: package for package in packages}
    return tuple(
        NotInForce(found.workload.ref, found.manifest["name"], package.module, fault)
        for found in rucio_containers(workloads, names)
        for package in deployed
        if _is_meant_for(package, found, names)
        for fault in [_fault(package, view_of(found, sources), by_module[package.module])]
        if fault
    )


def _fault(package: Deployed, view: View, desired: Desired) -> Verdict | None:
    """The first condition that fails. What the package imports is looked at only where a file is not mounted."""
    fault = next((one for one in judge(package, view) if one.fails), None)
    if fault is None or fault.condition is not Condition.CODE:
        return fault
    # imported here: nearly all sites mount whole directories, and a pass then needs no rules
    from secretsync.rucio.check.rules.live import imported_files

    known = replace(package, imported=imported_files(desired.bundle))
    return next((one for one in judge(known, view) if one.fails), None)


def _is_meant_for(package: Deployed, found: RucioContainer, names: set[str]) -> bool:
    """Whether a container mounts the package; or runs Rucio, and mounts no package of the target at all."""
    mounted = {mount.name for mount in found.mounts if mount.kind == "Secret"}
    if mounted & package.secrets:
        return True
    return not mounted & names and loads_policies(found.manifest.get("image") or "")


def unmounted(packages: Sequence[Desired], workloads: Sequence[Workload]) -> tuple[Desired, ...]:
    """The packages that no workload mounts."""
    mounted = {name for workload in workloads for name in secrets_referenced(workload.template)}
    return tuple(one for one in packages if not mounted & {secret.name for secret in one.secrets})


def sentences(found: Sequence[NotInForce]) -> Iterator[str]:
    """One for each fault, whatever the number of workloads that have it."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        key = (one.module, one.fault.wrong, one.fault.remedy)
        groups.setdefault(key, []).append(f"{one.workload.kind} {one.workload.name}")
    for (module, wrong, remedy), workloads in groups.items():
        yield f"{_named(list(dict.fromkeys(workloads)))} {module}: {wrong}; fix: {remedy}"


def _named(workloads: Sequence[str]) -> str:
    if len(workloads) == 1:
        return f"{workloads[0]} does not load"
    return f"{len(workloads)} workloads ({listed(workloads)}) do not load"
