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
    """A container that does not load *module*, or of which that is not known: the first such of the three conditions.

    Where it is known, the verdict has the fix.
    """

    workload: Ref
    container: str
    module: str
    verdict: Verdict


@dataclass(frozen=True)
class Judged:
    """The containers that certainly do not load a package, and those of which an object that was not read decides."""

    not_in_force: tuple[NotInForce, ...] = ()
    undecided: tuple[NotInForce, ...] = ()


def judge_workloads(packages: Sequence[Desired], workloads: Sequence[Workload]) -> Judged:
    """Judge each container with Rucio. Only one that mounts a package can be undecided.

    The files of sub-directories are left to the check, which knows whether Rucio asks for them.
    """
    by_module = {package.placement.module: package for package in packages}
    judged: dict[tuple[str, str], tuple[Verdict | None, Verdict | None]] = {}
    not_in_force, undecided = [], []
    for container, package, view in _meant(packages, workloads):
        subject = container.workload.ref, container.manifest["name"], package.module
        key = container.seen, package.module
        if key not in judged:
            verdicts = judge(package, view)
            unknown = next((verdict for verdict in verdicts if verdict.unknown), None)
            judged[key] = _fault(verdicts, package, view, by_module[package.module]), unknown
        fault, unknown = judged[key]
        if fault:
            not_in_force.append(NotInForce(*subject, fault))
        elif unknown and package.secrets & _mounted(container):
            undecided.append(NotInForce(*subject, unknown))
    return Judged(tuple(not_in_force), tuple(undecided))


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


def _fault(verdicts: Sequence[Verdict], package: Deployed, view: View, desired: Desired) -> Verdict | None:
    """The first condition that fails. What the package imports is looked at only where a file is not mounted."""
    failing = next((verdict for verdict in verdicts if verdict.fails), None)
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


def undecided_sentences(mismatches: Sequence[NotInForce]) -> Iterator[str]:
    """One for each package, with the workloads of which it is not known whether they load it."""
    groups: dict[str, list[str]] = {}
    for mismatch in mismatches:
        groups.setdefault(mismatch.module, []).append(f"{mismatch.workload.kind} {mismatch.workload.name}")
    for module, workloads in groups.items():
        yield undecided_sentence(module, list(dict.fromkeys(workloads)))


def undecided_sentence(module: str, workloads: Sequence[object]) -> str:
    """That only an object that was not read decides whether *workloads* load the package."""
    return (
        f"{module}: not known whether Rucio loads it in {listed(workloads)}: a Secret, a ConfigMap or the image "
        "decides, which only 'secretsync doctor' reads"
    )


def _named(workloads: Sequence[str]) -> str:
    if len(workloads) == 1:
        return f"{workloads[0]} does not load"
    return f"{len(workloads)} workloads ({listed(workloads)}) do not load"
