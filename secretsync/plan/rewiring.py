"""How one pod template gets its wiring, or loses it: what is applied, and what that changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from secretsync.core.errors import SecretSyncError
from secretsync.core.kinds import KINDS
from secretsync.core.model import Manifest, Ref, Workload
from secretsync.core.secret_codec import contains
from secretsync.plan.managed_fields import Entry, entries, owned, reclaimed_fields


@dataclass(eq=False)
class NotWirable(SecretSyncError):
    """Server-side apply would replace whole lists of the pod template, other people's containers included."""

    code = "not_wirable"

    ref: Ref

    def __str__(self) -> str:
        return (
            f"{self.ref} is selected by a target with 'wire: true', but mounts cannot be merged into a "
            f"{self.ref.kind}: let the target's selector leave it out, and write the mounts into its manifest "
            "('secretsync values --patch')"
        )


def refuse_unwirable(workloads: Sequence[Workload]) -> None:
    """Raises NotWirable for the first of *workloads* whose kind cannot be wired."""
    for workload in workloads:
        if not KINDS[workload.ref.kind].wirable:
            raise NotWirable(workload.ref)


@dataclass(frozen=True)
class Difference:
    """An entry that is ``added``, ``changed`` or ``removed``, and what it says after that."""

    kind: str
    entry: Entry
    value: str = ""


@dataclass(frozen=True)
class Rewiring:
    """*part* is all that *manager* applies to a pod template: what he applied before and is not in it goes.

    *managed_fields* come first, where entries that somebody else put back must be taken back; else there are none.
    """

    manager: str
    part: Manifest = field(repr=False)
    differences: tuple[Difference, ...] = ()
    managed_fields: Sequence[Manifest] = field(default=(), repr=False)


def rewiring(workload: Workload, part: Manifest, manager: str, put_back: frozenset[Entry] = frozenset()) -> Rewiring:
    """*put_back* are entries that come from *manager*, though he does not have them now."""
    managed_fields = reclaimed_fields(workload, put_back, manager) if put_back else ()
    return Rewiring(manager, part, tuple(_differences(workload, part, manager, put_back)), managed_fields)


def _differences(workload: Workload, part: Manifest, manager: str, put_back: frozenset[Entry]) -> Iterator[Difference]:
    live, desired = entries(workload.template), entries(part)
    for entry, value in sorted(desired.items(), key=lambda item: item[0]):
        if entry not in live:
            yield Difference("added", entry, _described(entry, value))
        elif not contains(live[entry], value):
            yield Difference("changed", entry, _described(entry, value))
    for entry in sorted({*owned(workload, manager), *put_back} - desired.keys()):
        if entry in live:
            yield Difference("removed", entry)


def _described(entry: Entry, value: Manifest) -> str:
    match entry.kind:
        case "volume":
            return f"Secret {value['secret']['secretName']}"
        case "mount":
            return f"volume {value['name']}"
        case _:
            return str(value["value"])
