"""What secretsync itself stands on: its permissions, its sources, the clock, room in the Secrets, and others' hands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from secretsync.cluster.rbac import Access, summarize
from secretsync.core import packing
from secretsync.core.model import Ref, Secret, Workload

_SKEW = timedelta(seconds=5)
_FULL = 0.8
_RELOADERS = ("reloader.stakater.com/auto", "secret.reloader.stakater.com/auto")
_RELOADED = "secret.reloader.stakater.com/reload"
_TRACKED = ("argocd.argoproj.io/instance", "argocd.argoproj.io/tracking-id", "kustomize.toolkit.fluxcd.io/name")
_REPLACED = "Replace=true"


@dataclass(frozen=True)
class Remark:
    """Something an operator should know; a *failure* keeps secretsync from its work.

    *lacking* are the rights that it is about.
    """

    text: str
    failure: bool = False
    lacking: tuple[Access, ...] = ()


def permissions(lacking: Sequence[Access], surplus: Sequence[Access]) -> Iterator[Remark]:
    """What this account lacks, and what it may do beyond need."""
    if lacking:
        text = "this account lacks rights that secretsync needs: apply the Role that 'secretsync rbac' prints"
        yield Remark(text, failure=True, lacking=tuple(lacking))
    if surplus:
        yield Remark(
            f"this account may do more than secretsync needs: {summarize(surplus)}; 'secretsync rbac' prints the least"
        )


def clock(local_time: datetime, server_time: datetime | None) -> Iterator[Remark]:
    """Whether this machine's clock is the cluster's: Leases and the ages of pods are told by clocks."""
    if server_time and abs(local_time - server_time) > _SKEW:
        yield Remark(
            f"this machine's clock is {abs(local_time - server_time).total_seconds():.0f} s off the cluster's: set it"
        )


def failing_pods(failing: Mapping[Ref, str]) -> Iterator[Remark]:
    """Pods that do not come up, whatever their manifests say."""
    for ref, failure in failing.items():
        text = f"{ref} does not run: {failure}; see its log; 'secretsync rollback' goes back to the revision before"
        yield Remark(text, failure=True)


def nearly_full(secrets: Sequence[Secret]) -> Iterator[Remark]:
    """Secrets that are nearly full."""
    for secret in secrets:
        if secret.size > _FULL * packing.LIMIT:
            yield Remark(
                f"Secret {secret.name} holds {secret.size:,} of {packing.LIMIT:,} bytes: leave files out with exclude, "
                "or choose layout: zip"
            )


def other_controllers(workloads: Sequence[Workload], secrets: Collection[str], *, wired: bool) -> Iterator[Remark]:
    """Other programs whose hands are in the same workloads."""
    if wired:
        # what our field manager has of a container would stay behind as a container without an image
        yield Remark("before the owner of a wired workload renames its container, write 'wire: false' and run a pass")
    for workload in workloads:
        metadata = workload.manifest["metadata"]
        annotations = {**(metadata.get("annotations") or {}), **workload.template_annotations}
        if any(annotations.get(key) == "true" for key in _RELOADERS) or _names(annotations.get(_RELOADED)) & set(
            secrets
        ):
            yield Remark(
                f"{workload.ref}: Reloader restarts it too when a Secret changes, all at once and without a check: "
                f"leave the packages' Secrets out of its annotations"
            )
        labels = metadata.get("labels") or {}
        owner = next((key for key in _TRACKED if key in annotations or key in labels), "")
        if owner and _REPLACED in annotations.get("argocd.argoproj.io/sync-options", ""):
            yield Remark(f"{workload.ref}: its owner syncs with {_REPLACED}, which drops our annotation: it restarts")
        elif owner and wired:
            yield Remark(
                f"{workload.ref}: a GitOps tool ({owner}) owns it and may revert what 'wire: true' puts in: let it "
                "ignore the fields of our manager, or write 'secretsync values' into its repository"
            )


def _names(text: str | None) -> set[str]:
    return {name.strip() for name in (text or "").split(",")}
