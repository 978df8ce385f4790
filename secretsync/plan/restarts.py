"""Which workloads run something else than their Secrets hold, or will hold: stamping one is its restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from secretsync.core.model import Manifest, Ref, Workload
from secretsync.core.packing import stamp_key
from secretsync.plan.diff import PackagePlan, stamped_revision_number
from secretsync.plan.rewiring import Rewiring
from secretsync.plan.rollout_status import pods_of
from secretsync.plan.state import State


@dataclass(frozen=True)
class Restart:
    """A workload whose pods do not run what its Secrets hold, or will hold; *reason* says why.

    It is *provisional* while only its pods' ages, not yet read, could show that it need not be restarted. By a
    *rewiring* more than the annotations is applied.
    """

    workload: Workload
    annotations: Mapping[str, str]
    reason: str
    provisional: bool = False
    rewiring: Rewiring | None = None

    @property
    def unwires(self) -> bool:
        """Whether the workload gets back what it was before it was wired."""
        return self.rewiring is not None and not self.rewiring.part


def mounted(workload: Workload, packages: Sequence[PackagePlan]) -> list[PackagePlan]:
    """The packages whose Secrets a workload's pods refer to."""
    referenced = workload.referenced_secrets
    return [package for package in packages if referenced & package.mounted]


def restarts(
    workloads: Sequence[Workload],
    packages: Sequence[PackagePlan],
    pods: Sequence[Manifest] | None,
    state: State,
) -> tuple[Restart, ...]:
    """The restarts that are due; *pods* is None as long as nobody has asked for them."""
    planned = (_restart(workload, mounted(workload, packages), pods, state) for workload in workloads)
    return tuple(restart for restart in planned if restart)


def unfinished_restarts(
    workloads: Sequence[Workload], packages: Sequence[PackagePlan], state: State
) -> dict[Ref, dict[str, str]]:
    """Workloads that carry the stamp of a rollout which nobody has seen to a good end."""
    open_packages = [package for package in packages if not state.of(package.placement.secret).finished]
    stamps = {
        workload.ref: {
            package.key: package.stamp
            for package in mounted(workload, open_packages)
            if workload.template_annotations.get(package.key) == package.stamp
        }
        for workload in workloads
    }
    return {ref: stamp for ref, stamp in stamps.items() if stamp}


def forgotten_restarts(workloads: Sequence[Workload], packages: Sequence[PackagePlan], state: State) -> tuple[str, ...]:
    """Sentences on workloads that were restarted for a write and whose owner took the annotation away."""
    return tuple(
        f"{workload.ref} lost the annotation of revision {package.revision_number}: another tool replaces its template "
        "without it; it is not restarted again, and its pods may run older files"
        for workload in workloads
        for package in mounted(workload, packages)
        if _was_restarted(workload, package, state) and workload.template_annotations.get(package.key) != package.stamp
    )


def _restart(
    workload: Workload, packages: Sequence[PackagePlan], pods: Sequence[Manifest] | None, state: State
) -> Restart | None:
    due = [
        (package, reason)
        for package in packages
        if not _was_restarted(workload, package, state) and (reason := _staleness(workload, package, pods))
    ]
    if not due:
        return None
    provisional = pods is None and all(_is_decided_by_age(workload, package) for package, _ in due)
    return Restart(workload, _annotations(workload, packages, state), due[0][1], provisional)


def _staleness(workload: Workload, package: PackagePlan, pods: Sequence[Manifest] | None) -> str:
    """Why the workload's pods may run something else; empty where they run what the Secrets hold."""
    stamp = workload.template_annotations.get(package.key)
    if stamp == package.stamp:
        return ""
    if package.content:
        return _change_of(workload, package) or f"new revision {package.revision_number}"
    if stamp is not None:
        return _change_of(workload, package)
    if pods is not None and _all_born_after(workload, package, pods):
        return ""
    return f"its pods may be older than revision {package.revision_number}"


def _change_of(workload: Workload, package: PackagePlan) -> str:
    """``revision 1 -> 2``; empty for a workload that carries none."""
    carried = stamped_revision_number(workload, package.placement.secret)
    return f"revision {carried} -> {package.revision_number}" if carried else ""


def _is_decided_by_age(workload: Workload, package: PackagePlan) -> bool:
    return package.key not in workload.template_annotations and not package.content


def _was_restarted(workload: Workload, package: PackagePlan, state: State) -> bool:
    return state.of(package.placement.secret).restarts.get(str(workload.ref)) == package.revision_number


def _all_born_after(workload: Workload, package: PackagePlan, pods: Sequence[Manifest]) -> bool:
    """Whether all its pods were created in a later second than anybody's newest write to the data they mount."""
    referenced = workload.referenced_secrets
    live = [change.live for change in package.changes if change.live and change.desired.name in referenced]
    times = [secret.data_written for secret in live if secret.data_written]
    if len(times) < len(live):
        return False
    return all(_created(pod) > max(times) for pod in pods_of(workload, pods))


def _created(pod: Manifest) -> datetime:
    return datetime.fromisoformat(pod["metadata"]["creationTimestamp"])


def _annotations(workload: Workload, packages: Sequence[PackagePlan], state: State) -> dict[str, str]:
    """All that our field manager owns on a template: what an apply leaves out is dropped."""
    stamp_keys = {stamp_key(secret) for secret in state.packages}
    stamps = {key: value for key, value in workload.template_annotations.items() if key in stamp_keys}
    return {**stamps, **{package.key: package.stamp for package in packages}}
