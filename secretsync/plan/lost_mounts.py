"""Workloads that mounted a package when a rollout of it ended, and mount it no longer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from secretsync.core.listed import listed
from secretsync.core.model import Ref, Workload
from secretsync.plan.diff import PackagePlan
from secretsync.plan.state import PackageState, State


@dataclass(frozen=True)
class LostMounts:
    """The *workloads* whose template mounted the package *module* and now has none of its Secrets."""

    module: str
    workloads: tuple[Ref, ...]

    def __str__(self) -> str:
        verb = "mounts" if len(self.workloads) == 1 else "mount"
        return (
            f"{listed(self.workloads)} no longer {verb} {self.module}, so new pods run without it: mount it again as "
            "'secretsync values' prints it, or confirm that this is meant with 'secretsync status --accept'"
        )


def lost_mounts(
    module: str, package_state: PackageState, names: Collection[str], workloads: Sequence[Workload]
) -> LostMounts | None:
    """Those of *workloads* that mounted the package whose Secrets have *names*, by its *package_state*, or None."""
    lost = [
        workload.ref
        for workload in workloads
        if workload.referenced_secrets.isdisjoint(names) and str(workload.ref) in package_state.mounting
    ]
    return LostMounts(module, tuple(sorted(lost))) if lost else None


def lost_wiring(package_state: PackageState, names: Collection[str], workloads: Sequence[Workload]) -> tuple[Ref, ...]:
    """The workloads that were wired twice for the newest revision and have none of its Secrets: they are left so."""
    rewired = (workload for workload in workloads if str(workload.ref) in package_state.rewired)
    return tuple(sorted(workload.ref for workload in rewired if workload.referenced_secrets.isdisjoint(names)))


def of_plan(packages: Sequence[PackagePlan], workloads: Sequence[Workload], state: State) -> Iterator[LostMounts]:
    """What a plan finds; *workloads* are those that mount by their owner's template, not by our wiring."""
    for package in packages:
        package_state = state.of(package.placement.secret)
        names = {*package_state.secrets, *package_state.outdated, *(secret.name for secret in package.desired.secrets)}
        if lost := lost_mounts(package.placement.module, package_state, names, workloads):
            yield lost


def mounting(names: Collection[str], workloads: Iterable[Workload]) -> tuple[str, ...]:
    """The workloads whose template has one of the Secrets called *names*, as the state object has them."""
    return tuple(
        sorted(str(workload.ref) for workload in workloads if not workload.referenced_secrets.isdisjoint(names))
    )


def still_expected(
    package_state: PackageState, names: Collection[str], workloads: Sequence[Workload]
) -> tuple[str, ...]:
    """What shall be remembered when a rollout ends: who mounts the package, and who did and was not accepted yet.

    A workload that was deleted, or is selected no longer, is not expected any more.
    """
    present = {str(workload.ref) for workload in workloads}
    return tuple(sorted({*mounting(names, workloads), *(set(package_state.mounting) & present)}))
