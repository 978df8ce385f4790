"""What happens to the Secrets of one package: desired against live, file by file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Literal

from secretsync.core import packing, revision_numbers
from secretsync.core.model import Bundle, File, Placement, Secret, Workload
from secretsync.plan import ownership
from secretsync.plan.state import Hold, PackageState


class Action(StrEnum):
    """What a plan does to a Secret."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a Secret, before and after; None where it is not there."""

    path: str
    before: File | None = field(repr=False)
    after: File | None = field(repr=False)

    @property
    def kind(self) -> Literal["added", "changed", "removed"]:
        """What happened to the file: ``added``, ``removed`` or ``changed``."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


@dataclass(frozen=True)
class Change:
    """What happens to one Secret; *files* is empty where only labels, annotations or the form of the data change.

    An immutable Secret is made anew for each revision: its *files* are what differs from the revision before.
    """

    action: Action
    desired: Secret
    live: Secret | None
    files: tuple[FileChange, ...] = ()

    @property
    def pending(self) -> bool:
        """Whether anything is to be written or deleted."""
        return self.action is not Action.KEEP

    @property
    def content(self) -> bool:
        """Whether pods would see the difference."""
        return self.live is None or bool(self.files) or self._keys_or_digest_differ(self.live)

    def _keys_or_digest_differ(self, live: Secret) -> bool:
        if live.encrypted:
            return not packing.has_same_files(live, self.desired)
        return live.data.keys() != self.desired.data.keys()


@dataclass(frozen=True)
class Desired:
    """One package as it should be in one namespace; *hold* says why that is not what its source holds.

    *left* are files that somebody changed in the live Secrets and that shall stay so.
    """

    placement: Placement
    bundle: Bundle
    secrets: tuple[Secret, ...]
    hold: Hold | None = None
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class PackagePlan:
    """What happens to the Secrets of one package; *write* is the id that its pods shall carry.

    *returns* says that its Secrets are there from an earlier revision; *outdated* names immutable ones of others.
    """

    desired: Desired
    changes: tuple[Change, ...]
    revision_number: int
    returns: bool = False
    outdated: tuple[str, ...] = ()

    @property
    def placement(self) -> Placement:
        """Where the package goes."""
        return self.desired.placement

    @cached_property
    def mounted(self) -> frozenset[str]:
        """The names of its Secrets, less those of another time, when it was wired by us or when it was not."""
        wired = self.placement.wired
        return frozenset(change.desired.name for change in self.changes if change.desired.immutable == wired)

    @property
    def key(self) -> str:
        """The annotation's key that restarts a workload for this package."""
        return packing.stamp_key(self.placement.secret)

    @property
    def stamp(self) -> str:
        """The annotation's value that restarts a workload: the revision number and the files' digest."""
        return f"{self.revision_number} sha256:{self.desired.bundle.digest}"

    @property
    def description(self) -> str:
        """A digest of the annotations that describe the package in its Secrets once the plan is carried out."""
        kept = {change.desired.name: change.live for change in self.changes if change.action is Action.KEEP}
        return packing.description(kept.get(secret.name) or secret for secret in self.desired.secrets)

    @property
    def writes(self) -> tuple[Change, ...]:
        """Creates, then updates: whoever mounts a new directory finds it before the old files change."""
        writes = [change for change in self.changes if change.action in (Action.CREATE, Action.UPDATE)]
        return tuple(sorted(writes, key=lambda change: change.action is Action.UPDATE))

    @property
    def deletes(self) -> tuple[Change, ...]:
        """The Secrets that are to be deleted."""
        return tuple(change for change in self.changes if change.action is Action.DELETE)

    @property
    def content(self) -> bool:
        """Whether what is still to be written differs in what pods would see."""
        return self.returns or any(change.content for change in self.writes)

    @property
    def live(self) -> tuple[Secret, ...]:
        """The live Secrets that hold what was written last; none where nothing was."""
        return packing.newest_revision([change.live for change in self.changes if change.live])


def stamped_revision_number(workload: Workload, secret: str) -> int:
    """Which write of the package in *secret* a workload's template carries; 0 for none."""
    return revision_numbers.of_stamp(workload.template_annotations.get(packing.stamp_key(secret)))


def plan_package(
    desired: Desired,
    live: Mapping[str, Secret],
    package_state: PackageState,
    stamped: Sequence[int],
    referrers: Mapping[str, Sequence[str]] | None,
) -> PackagePlan:
    """Compare one package's Secrets with those that are *live*, by name.

    *stamped* are the writes that workloads carry; *referrers* tell who could still start a pod with a Secret, and are
    None where nobody asked: what is outdated then stays.
    """
    names = {secret.name for secret in desired.secrets}
    known_names = (
        package_state.secrets if referrers is None else dict.fromkeys((*package_state.secrets, *package_state.outdated))
    )
    removed = [
        live[name]
        for name in known_names
        if name not in names and name in live and ownership.is_ours(live[name], desired.placement)
    ]
    known = [live[secret.name] for secret in desired.secrets if secret.name in live]
    as_written = package_state.is_described(packing.description(known))
    desired_changes = [
        _change(secret, live.get(secret.name), _earlier(secret, removed), as_written=as_written)
        for secret in desired.secrets
    ]
    removals = [_removal(secret, desired, referrers or {}) for secret in removed]
    revision_number = _write_id(desired_changes, removals, desired, package_state, stamped)
    remaining = (
        package_state.outdated
        if referrers is None
        else (removal.desired.name for removal in removals if _is_left(removal))
    )
    return PackagePlan(
        desired,
        tuple(
            _with_write(change, revision_number)
            for change in (*(_renumbered(change, revision_number) for change in desired_changes), *removals)
        ),
        revision_number,
        returns=any(_returns(change, revision_number) for change in desired_changes),
        outdated=tuple(name for name in remaining if name not in names),
    )


def file_changes(live: Secret | None, desired: Secret | None) -> tuple[FileChange, ...]:
    """Which files of a Secret differ, in the order of their paths; none where what is live is encrypted."""
    if live and live.encrypted:
        return ()
    before = {file.path: file for file in packing.unpack([live])} if live else {}
    after = {file.path: file for file in packing.unpack([desired])} if desired else {}
    return tuple(
        FileChange(path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    )


def _earlier(desired: Secret, removed: Sequence[Secret]) -> Secret | None:
    """Of immutable Secrets the one of the revision before that held the same directory, where that can be read."""
    directory = packing.directory_of(desired)
    before = [
        secret
        for secret in removed
        if secret.immutable and not secret.encrypted and packing.directory_of(secret) == directory
    ]
    return max(before, key=_write_of, default=None)


def _change(desired: Secret, live: Secret | None, earlier: Secret | None, *, as_written: bool) -> Change:
    """What happens to a Secret; the files of one that is made anew are compared with those of the *earlier* one.

    *as_written* says that nobody edited the annotations, as far as that is remembered.
    """
    if live is None:
        return Change(Action.CREATE, desired, None, file_changes(earlier, desired))
    files = file_changes(live, desired)
    change = Change(Action.UPDATE, desired, live, files)
    freezes = desired.immutable and not live.immutable
    recoded = live.encrypted and packing.ENCRYPTION not in desired.annotations
    metadata = _our_metadata(desired)
    if as_written and packing.SUBJECT not in live.annotations:
        metadata.pop(packing.SUBJECT, None)  # 0.1.0 wrote none: it comes with the next commit
    if change.content or freezes or recoded or metadata != _metadata_written_by_us(live, desired):
        return change
    return Change(Action.KEEP, desired, live)


def _our_metadata(secret: Secret) -> dict[str, str]:
    """The labels and annotations by which a Secret tells what it holds; the revision number is the plan's to choose."""
    return {
        **secret.labels,
        **{key: value for key, value in secret.annotations.items() if key != packing.REVISION_NUMBER},
    }


def _metadata_written_by_us(live: Secret, desired: Secret) -> dict[str, str]:
    """Labels and annotations that others, as an admission policy, add do not count."""
    desired_annotations, live_annotations = _our_metadata(desired), _our_metadata(live)
    ours = {*desired_annotations, *packing.DESCRIBING}
    return {key: value for key, value in live_annotations.items() if key in ours}


def _removal(live: Secret, desired: Desired, referrers: Mapping[str, Sequence[str]]) -> Change:
    """A Secret no longer desired goes; it is only emptied where a pod that needs it could still be started."""
    if live.name not in referrers:
        return Change(Action.DELETE, live, live, file_changes(live, None))
    if live.immutable:
        return Change(Action.KEEP, live, live)
    top = desired.secrets[0]
    annotations = {**top.annotations, packing.DIRECTORY: packing.directory_of(live)}
    emptied = replace(live, data={}, labels=top.labels, annotations=annotations, encrypted=False)
    return _change(emptied, live, None, as_written=False)


def _is_left(removal: Change) -> bool:
    """Whether an immutable Secret of an earlier revision stays, as some pod may need it."""
    return removal.desired.immutable and removal.action is Action.KEEP


def _returns(change: Change, revision_number: int) -> bool:
    """Whether an immutable Secret that is there already becomes part of another write."""
    return change.desired.immutable and change.live is not None and _write_of(change.live) != revision_number


def _write_id(
    changes: Sequence[Change],
    removals: Sequence[Change],
    desired: Desired,
    package_state: PackageState,
    stamped: Sequence[int],
) -> int:
    """A new number whenever pods would see a difference; one more than any ever seen, so that none is used twice.

    A number that nobody counted to, as somebody wrote it, is none: the Secret gets that of the others again.
    """

    def counted(numbers: Iterable[int]) -> list[int]:
        return [number for number in numbers if revision_numbers.is_counted(number, package_state.revision_number)]

    live_numbers = counted(_write_of(change.live) for change in (*changes, *removals) if change.live)
    relevant = [*changes, *(removal for removal in removals if _changes_in_place(removal, desired))]
    carried = counted(_write_of(change.live) for change in relevant if change.live)
    digests = {change.live.annotations.get(packing.DIGEST) for change in relevant if change.live}
    newest = max([package_state.revision_number, *live_numbers, *counted(stamped)], default=0)
    unchanged = digests == {desired.bundle.digest} and not any(change.content for change in relevant)
    number = max(carried, default=package_state.revision_number)
    if unchanged and number and (not desired.placement.wired or {*carried, number} == {newest}):
        return number
    return 1 + newest


def _changes_in_place(removal: Change, desired: Desired) -> bool:
    """Whether a Secret that is no longer desired belongs to this write: immutable ones are each of their own."""
    return not removal.desired.immutable and not desired.placement.wired


def _write_of(secret: Secret) -> int:
    return revision_numbers.parse(secret.annotations.get(packing.REVISION_NUMBER))


def _renumbered(change: Change, revision_number: int) -> Change:
    """All Secrets of a package carry one number: one that stays as it is otherwise is told of it too."""
    if change.action is Action.KEEP and change.live and _write_of(change.live) != revision_number:
        return replace(change, action=Action.UPDATE)
    return change


def _with_write(change: Change, revision_number: int) -> Change:
    if change.action not in (Action.CREATE, Action.UPDATE):
        return change
    return replace(change, desired=packing.with_revision_number([change.desired], revision_number)[0])
