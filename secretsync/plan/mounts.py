"""Which workloads are wired otherwise than they should be: wiring one is its restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from secretsync.core.deferred_imports import deferred_imports
from secretsync.core.model import Manifest, Ref, Workload
from secretsync.core.pod_references import secrets_referenced
from secretsync.plan import ownership
from secretsync.plan.diff import PackagePlan, stamped_revision_number
from secretsync.plan.managed_fields import (
    Entry,
    conflicts,
    contains_part,
    entries,
    is_wired,
    owned,
    was_wired,
    wiring_manager,
)
from secretsync.plan.refused import Refused
from secretsync.plan.restarts import Restart
from secretsync.plan.rewiring import rewiring
from secretsync.plan.state import PackageState, State

# few sites have 'wire: true'
with deferred_imports("secretsync.plan.mount_patch"):
    from secretsync.plan.mount_patch import merge_template, mount_patch_of, template_part, with_mounts


@dataclass(frozen=True)
class WiringPlan:
    """What our field *manager* shall have in the templates of workloads; in those that have no part, nothing.

    *packages* are all that go to the namespace; those that are *wired* make up the parts.
    """

    manager: str
    packages: Sequence[PackagePlan]
    parts: Mapping[Ref, Manifest] = field(default_factory=dict, repr=False)

    @property
    def wired(self) -> Sequence[PackagePlan]:
        """The packages that secretsync mounts itself."""
        return [package for package in self.packages if package.placement.wired]


def plan_wiring(packages: Sequence[PackagePlan], selected: Sequence[Workload]) -> WiringPlan:
    """What is to be injected into the *selected* workloads: nothing, where no package is wired.

    Without packages, as when no source can be read, it is nobody's: what is wired stays as it is.
    """
    intent = WiringPlan(wiring_manager(next((package.placement.installation for package in packages), "")), packages)
    if not intent.wired:
        return intent
    patch = mount_patch_of([package.desired for package in intent.wired])
    stamps = {package.key: package.stamp for package in intent.wired}
    return replace(
        intent, parts={workload.ref: template_part(patch, workload.template, stamps) for workload in selected}
    )


def concerns(intent: WiringPlan, workload: Workload, state: State) -> bool:
    """Whether a workload gets its packages from us, or did until now."""
    return workload.ref in intent.parts or _still_wired(intent, workload, state)


def restarts(intent: WiringPlan, workloads: Sequence[Workload], state: State) -> tuple[Restart, ...]:
    """The workloads that are to be wired, wired otherwise, or unwired. Raises Refused where somebody is in the way."""
    needed = [restart for workload in workloads if (restart := _restart(intent, workload, state))]
    problems = [problem for restart in needed if not restart.unwires for problem in _problems(intent, restart.workload)]
    if problems:
        raise Refused(problems)
    return tuple(needed)


def put_back(intent: WiringPlan, workloads: Sequence[Workload], state: State) -> tuple[Workload, ...]:
    """The workloads whose template somebody put back: they are held by hand."""
    return tuple(workload for workload in workloads if _is_put_back(intent, workload, state))


def held_by_hand(intent: WiringPlan, workloads: Sequence[Workload]) -> tuple[str, ...]:
    """A sentence for each package that a workload which was put back does not have."""
    return tuple(
        f"suspended: somebody put back the template of {workload.ref}, which was wired for revision "
        f"{package.revision_number} of {package.placement.module} and now {_carries(package, workload)}: "
        "it stays so until there is new content, or 'secretsync resume'"
        for workload in workloads
        for package in _differing(intent, workload)
    )


def stripped_again(intent: WiringPlan, held: Sequence[Workload]) -> tuple[str, ...]:
    """A sentence for each workload of *held* whose wiring was stripped twice, with what its owner is to do."""
    return tuple(
        f"somebody replaced the template of {workload.ref}, which was wired, by one without the wiring, and did so "
        "again: let that tool leave our fields alone (no Replace=true, no --force), or write 'secretsync values' into "
        "its files; then 'secretsync resume'"
        for workload in held
        if is_stripped(intent, workload)
    )


def as_wired(intent: WiringPlan, workloads: Sequence[Workload]) -> tuple[Workload, ...]:
    """The workloads with the templates that they get."""
    return tuple(
        _with_template(workload, intent.parts[workload.ref]) if workload.ref in intent.parts else workload
        for workload in workloads
    )


def _with_template(workload: Workload, part: Manifest) -> Workload:
    template = merge_template(workload.template, part)
    manifest = {**workload.manifest, "spec": {**workload.manifest["spec"], "template": template}}
    return replace(workload, manifest=manifest)


def _restart(intent: WiringPlan, workload: Workload, state: State) -> Restart | None:
    part = intent.parts.get(workload.ref)
    if part is None:
        return _unwiring(intent, workload) if _still_wired(intent, workload, state) else None
    if _is_as_desired(workload, part, intent.manager) or _is_put_back(intent, workload, state):
        return None
    change = rewiring(workload, part, intent.manager, _put_back_by_others(intent, workload))
    return Restart(workload, part["metadata"]["annotations"], _reason(intent, workload), rewiring=change)


def _unwiring(intent: WiringPlan, workload: Workload) -> Restart:
    reason = "it is to be wired no longer: without another mount its pods have no package"
    change = rewiring(workload, {}, intent.manager, _put_back_by_others(intent, workload))
    return Restart(workload, {}, reason, rewiring=change)


def _still_wired(intent: WiringPlan, workload: Workload, state: State) -> bool:
    """Whether a template has what we injected, also where somebody put it back: as long as we have not unwired it."""
    if is_wired(workload, intent.manager):
        return True
    return bool(_put_back_by_others(intent, workload)) and any(
        str(workload.ref) in state.of(package.placement.secret).restarts for package in intent.packages
    )


def _is_as_desired(workload: Workload, part: Manifest, manager: str) -> bool:
    return contains_part(workload.template, part) and owned(workload, manager).keys() <= entries(part).keys()


def was_put_back(workload: Workload, secret: str, package_state: PackageState, manager: str) -> bool:
    """Whether a template was wired for the write of the package in *secret* that is remembered, and carries another.

    One that was made anew has never been wired: it is, but not twice for one write, as a tool that makes it anew on
    each of its syncs would go on for ever.
    """
    name = str(workload.ref)
    if package_state.restarts.get(name) != package_state.revision_number:
        return False
    if stamped_revision_number(workload, secret) == package_state.revision_number:
        return False
    return was_wired(workload, manager) or name in package_state.rewired


def is_stripped(intent: WiringPlan, workload: Workload) -> bool:
    """Whether a template has nothing of ours any more, as after ``helm upgrade --force`` or Argo CD's Replace=true."""
    stamped = any(package.key in workload.template_annotations for package in intent.wired)
    return not stamped and not with_mounts(workload.template, [package.placement for package in intent.wired])


def _is_to_be_wired_again(intent: WiringPlan, workload: Workload, state: State) -> bool:
    """Whether a template was stripped for the first time since the newest revision: that is drift, and no intent."""
    rewired = {name for package in intent.wired for name in state.of(package.placement.secret).rewired}
    return is_stripped(intent, workload) and str(workload.ref) not in rewired


def _is_put_back(intent: WiringPlan, workload: Workload, state: State) -> bool:
    differing = _differing(intent, workload) if workload.ref in intent.parts else []
    if not differing or _is_to_be_wired_again(intent, workload, state):
        return False
    return all(
        package.revision_number == (package_state := state.of(secret := package.placement.secret)).revision_number
        and was_put_back(workload, secret, package_state, intent.manager)
        for package in differing
    )


def _put_back_by_others(intent: WiringPlan, workload: Workload) -> frozenset[Entry]:
    """What comes from us and is somebody else's now, as after an undo of an undo."""
    placements = [package.placement for package in intent.packages]
    named = ownership.named_by_digest(*(placement.secret for placement in placements))
    if not any(map(named.fullmatch, workload.referenced_secrets)):
        return frozenset()
    return with_mounts(workload.template, placements) - owned(workload, intent.manager).keys()


def _differing(intent: WiringPlan, workload: Workload) -> list[PackagePlan]:
    """The packages whose stamp a template does not carry."""
    return [package for package in intent.wired if workload.template_annotations.get(package.key) != package.stamp]


def _reason(intent: WiringPlan, workload: Workload) -> str:
    differing = _differing(intent, workload)
    if not is_wired(workload, intent.manager):
        return "it is not wired yet"
    if not differing:
        return "its volumes, mounts and environment are not those that it should have"
    if differing[0].content:
        return f"revision {differing[0].revision_number} has other files"
    return f"it {_carries(differing[0], workload)}, not {differing[0].revision_number}"


def _carries(package: PackagePlan, workload: Workload) -> str:
    revision_number = stamped_revision_number(workload, package.placement.secret)
    return f"carries revision {revision_number}" if revision_number else "carries none"


def _problems(intent: WiringPlan, workload: Workload) -> Iterator[str]:
    """Why a workload cannot be wired: somebody else mounts the package there, or has what we would inject."""
    part, put_back = intent.parts[workload.ref], _put_back_by_others(intent, workload)
    differs = bool(_differing(intent, workload))
    problems = [
        *conflicts(workload, part, intent.manager, ours_again=differs, put_back=put_back),
        *_mounted_by_others(intent, workload, put_back),
    ]
    for problem in problems:
        yield f"{problem}: remove it there, or set 'wire: false' and let 'secretsync values' write the mounts"


def _mounted_by_others(intent: WiringPlan, workload: Workload, put_back: frozenset[Entry]) -> Iterator[str]:
    names = {change.desired.name for package in intent.wired for change in package.changes}
    names |= {package.placement.secret for package in intent.wired}
    own_entries = {*owned(workload, intent.manager), *put_back}
    for volume in (workload.template.get("spec") or {}).get("volumes") or ():
        mounted = secrets_referenced({"spec": {"volumes": [volume]}}) & names
        if mounted and Entry("", "volume", volume["name"]) not in own_entries:
            yield f"{workload.ref} mounts Secret {min(mounted)} already, by the volume {volume['name']}"
