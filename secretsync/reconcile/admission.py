"""What admission makes of a write: asked before the first one, and compared with what was sent after each.

See https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from secretsync.core.errors import ClusterError
from secretsync.core.instrumentation import timed_stage
from secretsync.core.model import Placement, Ref, Secret, Workload
from secretsync.plan.diff import Change
from secretsync.plan.plan import Plan
from secretsync.plan.state import ChangedWrite
from secretsync.reconcile.destination import Destination

_SHOWN = 5


@dataclass(eq=False)
class ChangedByAdmission(ClusterError):
    """The API stores something else than was sent; *fields* are paths in the Secret.

    *written* says that no dry run showed it: the write was put back, and the same files are not written again.
    """

    code = "changed_by_admission"

    namespace: str
    secret: str
    fields: Sequence[str]
    written: bool = False

    def __str__(self) -> str:
        names = ", ".join(self.fields[:_SHOWN])
        more = f" and {len(self.fields) - _SHOWN} more" if len(self.fields) > _SHOWN else ""
        return (
            f"the API server stores Secret {self.namespace}/{self.secret} otherwise than it was sent ({names}{more}), "
            "probably because of a mutating admission webhook or policy; no workload was restarted for it: "
            "exempt Secrets with the label app.kubernetes.io/managed-by=secretsync from it, "
            + (
                "and run 'secretsync resume': the same files are not written again before"
                if self.written
                else "and run again"
            )
        )


@dataclass(eq=False)
class StampChanged(ClusterError):
    """The API stores the pod template of a workload without the stamp that was sent, which is what restarts it."""

    code = "stamp_changed"

    ref: Ref
    keys: Sequence[str]

    def __str__(self) -> str:
        names = ", ".join(self.keys)
        return (
            f"the API server stores {self.ref} otherwise than it was sent (annotation {names} of its pod template), "
            "probably because of a mutating admission webhook or policy: exempt the annotation from it; its pods may "
            "run older files until somebody restarts them ('kubectl rollout restart')"
        )


def refuse_changed_stamp(destination: Destination, sent: Mapping[str, str], stored: Workload) -> None:
    """Raises StampChanged where *stored* has not the annotations that were sent for its pod template.

    An answer may have been damaged on its way, so what is stored is asked for first.
    """
    if _lacking(sent, stored):
        live = destination.cluster.workloads(destination.namespace)
        stored = next((workload for workload in live if workload.ref == stored.ref), stored)
        if keys := _lacking(sent, stored):
            raise StampChanged(stored.ref, keys)


def _lacking(sent: Mapping[str, str], stored: Workload) -> list[str]:
    return [key for key, value in sent.items() if stored.template_annotations.get(key) != value]


@timed_stage("admission")
def dry_run_writes(destination: Destination, plan: Plan) -> None:
    """Try every write of *plan* as a dry run, so that a refusal of any comes before the first.

    Raises Refusal, ChangedByAdmission, and Conflict where a Secret is not what was read.
    """
    for package in plan.packages:
        for change in package.writes:
            stored = destination.cluster.dry_run(
                change.desired, change.live, manager=field_manager(destination, change)
            )
            if stored:
                refuse_changed(change.desired, stored)


def known_change(
    revision: str, recipe: str, placement: Placement, changed: ChangedWrite | None
) -> ChangedByAdmission | None:
    """What admission made of the files of *revision* when they were written; None where they were not changed.

    A webhook may behave otherwise in a dry run, so that its change is met by a write alone, which is made once.
    """
    if changed is None or not changed.is_of(revision, recipe):
        return None
    return ChangedByAdmission(placement.namespace, changed.secret, changed.fields, written=True)


def field_manager(destination: Destination, change: Change) -> str:
    """A manager of its own for labels and annotations: the time at which data was last written then stays true."""
    return destination.manager if change.live is None or change.content else f"{destination.manager}-notes"


def refuse_changed(sent: Secret, stored: Secret) -> None:
    """Labels and annotations that admission adds are its own matter. Raises ChangedByAdmission for all else."""
    if fields := changed_fields(sent, stored):
        raise ChangedByAdmission(sent.namespace, sent.name, fields)


def refuse_changed_write(destination: Destination, sent: Secret, stored: Secret) -> None:
    """The same of a write: an answer may have been damaged on its way, so what is stored is asked for first."""
    if changed_fields(sent, stored):
        refuse_changed(sent, destination.cluster.secret(stored.namespace, stored.name) or stored)


def changed_fields(sent: Secret, stored: Secret) -> tuple[str, ...]:
    """Paths of what *stored* has otherwise than *sent*: any of the data, and labels and annotations that were sent.

    A type never changes again, nor does anything of what is immutable.
    """
    return (
        *(["type"] if sent.type != stored.type else []),
        *(["immutable"] if sent.immutable != stored.immutable else []),
        *_differing("data", sent.data, stored.data, sent.data.keys() | stored.data.keys()),
        *_differing("metadata.labels", sent.labels, stored.labels, sent.labels),
        *_differing("metadata.annotations", sent.annotations, stored.annotations, sent.annotations),
    )


def _differing(path: str, sent: Mapping[str, object], stored: Mapping[str, object], keys: Collection[str]) -> list[str]:
    return [f"{path}[{key!r}]" for key in sorted(keys) if sent.get(key) != stored.get(key)]
