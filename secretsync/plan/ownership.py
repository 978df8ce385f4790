"""Nothing is owned by accident: which live Secrets must not be touched, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Placement, Secret
from secretsync.core.packing import INSTALLATION, MANAGED_BY, MODULE, holds_the_same, labels

TYPE = "Opaque"
"""The type of the Secrets that hold a package, live or kept."""


@dataclass(eq=False)
class Refused(SecretSyncError):
    """Live objects stand in the way; *problems* has a sentence for each, with its remedy."""

    code = "refused"

    problems: Sequence[str]

    def __str__(self) -> str:
        return "\n".join(self.problems)


def is_ours(live: Secret, placement: Placement) -> bool:
    """Whether *live* is a Secret that this installation wrote for the package: by its name, labels, type and owner."""
    return (
        can_be_named(live.name, placement)
        and labels(placement).items() <= live.labels.items()
        and live.type == TYPE
        and not _controller(live)
    )


def can_be_named(name: str, placement: Placement) -> bool:
    """Whether a Secret of the package may be called *name*, wired or not; whoever remembers another is mistaken."""
    return bool(re.fullmatch(rf"{re.escape(placement.secret)}(-[0-9a-f]{{12}}(\.zip)?)?(-[a-z0-9-]+)?", name))


def problems(live: Secret, desired: Secret, placement: Placement, *, adopt: bool) -> Iterable[str]:
    """Why *live* may not be replaced by *desired*, one sentence each; none where it may."""
    name = f"Secret {live.namespace}/{live.name}"
    if controller := _controller(live):
        yield f"{name} is controlled by {controller}, which would put its own content back: choose another secretName"
    elif live.labels.get(MANAGED_BY) != "secretsync" or INSTALLATION not in live.labels:
        if not adopt:
            yield f"{name} {_owner(live)}: choose another secretName, or take it over with 'adopt: true' on the target"
    elif live.labels[INSTALLATION] != placement.installation:
        other = live.labels[INSTALLATION]
        yield f"{name} belongs to the installation {other!r} of secretsync: choose another secretName"
    elif live.labels.get(MODULE) != placement.module:
        other = live.labels.get(MODULE, "something else")
        yield f"{name} holds the package {other!r}, not {placement.module!r}: choose another secretName"
    if live.type != desired.type:
        yield (
            f"{name} has the type {live.type!r} and Kubernetes never changes a type: "
            f"delete it, so that it is made anew as {desired.type!r}, or choose another secretName"
        )
    if live.immutable and not holds_the_same(live, desired):
        yield f"{name} is immutable: delete it, so that it is made anew, or choose another secretName"


def _controller(live: Secret) -> str:
    owners = live.metadata.get("ownerReferences") or ()
    owner = next((owner for owner in owners if owner.get("controller")), None)
    return f"{owner['kind']} {owner['name']}" if owner else ""


def _owner(live: Secret) -> str:
    """Who seems to look after a Secret, by the marks that the common tools leave."""
    release = live.annotations.get("meta.helm.sh/release-name")
    if release or live.labels.get(MANAGED_BY) == "Helm":
        return f"belongs to the Helm release {release!r}" if release else "belongs to a Helm chart"
    tracked = live.annotations.get("argocd.argoproj.io/tracking-id", "").partition(":")[0]
    if application := tracked or live.labels.get("argocd.argoproj.io/instance"):
        return f"belongs to the Argo CD application {application!r}"
    if flux := live.labels.get("kustomize.toolkit.fluxcd.io/name") or live.labels.get("helm.toolkit.fluxcd.io/name"):
        return f"belongs to Flux ({flux!r})"
    return "exists and secretsync did not make it"
