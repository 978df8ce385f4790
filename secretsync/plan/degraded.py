"""Packages that stay as they are live: a source could not be read, or a package cannot be deployed. A calculation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from secretsync.core import packing
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Placement, Ref, Revision, Secret, Workload
from secretsync.plan.diff import Desired


@dataclass(frozen=True)
class Degraded:
    """A package to which nothing is done, and why; *live* is what is deployed of it, None where nothing is.

    *source_failed* says that a source could not be read, this package's or that of one it goes out with; otherwise
    what is live, or what the source holds, does not allow a deployment.
    """

    placement: Placement
    error: SecretSyncError
    live: Revision | None
    source_failed: bool = True

    @property
    def source_is_away(self) -> bool:
        """Whether its source could not be read, though what the configuration names for that is there."""
        return self.source_failed and self.error.category != "configuration"

    @property
    def reason(self) -> str:
        """Why, as one of `reconcile.reasons.REASONS`."""
        return "source" if self.source_is_away else self.error.category

    def __str__(self) -> str:
        state = f"stays at {self.live.short}" if self.live else "is not deployed"
        return f"{self.placement.module} {state}: {self.error}"


@dataclass(eq=False)
class WaitsForAnother(SecretSyncError):
    """New content of a package would restart a workload that also mounts one that cannot be deployed just now."""

    code = "waits_for_another"

    workload: Ref
    module: str

    def __str__(self) -> str:
        return f"{self.workload} mounts {self.module} as well, which cannot be deployed just now: both go out together"


@dataclass(eq=False)
class LiveBundleDamaged(SecretSyncError):
    """What is live of a package that cannot be deployed is not whole: neither wiring it nor unwiring it is right."""

    code = "not_whole"

    module: str

    def __str__(self) -> str:
        return (
            f"the live Secrets of {self.module} are not whole, and it cannot be deployed just now: "
            "the wiring of the workloads waits for it"
        )


def waits_for_degraded(
    desired: Sequence[Desired],
    degraded: Sequence[Degraded],
    names: Mapping[Placement, Collection[str]],
    secrets: Mapping[str, Secret],
    workloads: Sequence[Workload],
) -> dict[Placement, WaitsForAnother]:
    """The packages whose new content has to wait, and for whom; what puts back never does.

    *names* tell which Secrets may hold a package; *secrets* and *workloads* are those that are live.
    """
    waiting = {}
    for package in desired:
        own_names = {secret.name for secret in package.secrets} | set(names[package.placement])
        if (
            not package.hold
            and _is_new(package, secrets)
            and (reason := _shared(own_names, degraded, names, workloads))
        ):
            waiting[package.placement] = reason
    return waiting


def _shared(
    own_names: Collection[str],
    degraded: Sequence[Degraded],
    names: Mapping[Placement, Collection[str]],
    workloads: Sequence[Workload],
) -> WaitsForAnother | None:
    for workload in workloads:
        referenced = workload.referenced_secrets
        for target in degraded:
            if referenced & set(own_names) and referenced & set(names[target.placement]):
                return WaitsForAnother(workload.ref, target.placement.module)
    return None


def _is_new(desired: Desired, live: Mapping[str, Secret]) -> bool:
    """Whether pods would see another package than the one that is live."""
    pairs = [(live.get(secret.name), secret) for secret in desired.secrets]
    return any(
        live is None
        or not packing.has_same_files(live, secret)
        or live.annotations.get(packing.DIGEST) != secret.annotations.get(packing.DIGEST)
        for live, secret in pairs
    )
