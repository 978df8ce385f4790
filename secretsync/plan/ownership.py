"""Nothing is owned by accident: which live Secrets must not be touched, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from secretsync.core.model import Placement, Secret
from secretsync.core.packing import INSTALLATION, MANAGED_BY, MODULE, has_same_files, owner_labels

TYPE = "Opaque"
"""The type of the Secrets that hold a package, live or kept."""


def is_ours(live: Secret, placement: Placement) -> bool:
    """Whether *live* is a Secret that this installation wrote for the package: by its name, labels, type and owner."""
    return (
        can_be_named(live.name, placement)
        and owner_labels(placement).items() <= live.labels.items()
        and live.type == TYPE
        and not _controller(live)
    )


def can_be_named(name: str, placement: Placement) -> bool:
    """Whether a Secret of the package may be called *name*, wired or not; whoever remembers another is mistaken."""
    return bool(re.fullmatch(rf"{re.escape(placement.secret)}(-[0-9a-f]{{12}}(\.zip)?)?(-[a-z0-9-]+)?", name))


@cache
def named_by_digest(*secrets: str) -> re.Pattern[str]:
    """The names of the immutable Secrets of packages that go to *secrets*."""
    return re.compile("|".join(rf"{re.escape(secret)}-[0-9a-f]{{12}}(?:\.zip|-.+)?" for secret in secrets) or "(?!)")


def problems(live: Secret, desired: Secret, placement: Placement, *, adopt: bool) -> Iterable[str]:
    """Why *live* may not be replaced by *desired*, one sentence each; none where it may."""
    name = f"Secret {live.namespace}/{live.name}"
    if controller := _controller(live):
        yield f"{name} is controlled by {controller}, which would put its own content back: choose another secretName"
    elif live.labels.get(MANAGED_BY) != "secretsync" or INSTALLATION not in live.labels:
        if not adopt:
            yield f"{name} {_owner(live)}: choose another secretName, or take it over with 'adopt: true' on the target"
    elif live.labels[INSTALLATION] != placement.installation:
        installation = live.labels[INSTALLATION]
        yield f"{name} belongs to the installation {installation!r} of secretsync: choose another secretName"
    elif live.labels.get(MODULE) != placement.module:
        installation = live.labels.get(MODULE, "something else")
        yield f"{name} holds the package {installation!r}, not {placement.module!r}: choose another secretName"
    if live.type != desired.type:
        yield (
            f"{name} has the type {live.type!r} and Kubernetes never changes a type: "
            f"delete it, so that it is made anew as {desired.type!r}, or choose another secretName"
        )
    if live.immutable and not has_same_files(live, desired):
        yield f"{name} is immutable: delete it, so that it is made anew, or choose another secretName"


def _controller(live: Secret) -> str:
    owners = live.metadata.get("ownerReferences") or ()
    owner = next((owner for owner in owners if owner.get("controller")), None)
    return f"{owner['kind']} {owner['name']}" if owner else ""


def puts_back(live: Secret) -> str:
    """A sentence where another tool owns a Secret that is taken over; empty where none is known."""
    owner = _known_owner(live)
    if not owner:
        return ""
    return (
        f"Secret {live.namespace}/{live.name} {owner[0]}, which puts its own content back when it runs next: "
        f"{owner[1]} before secretsync takes the Secret over"
    )


def describe_owner(live: Secret, placement: Placement) -> str:
    """Who manages a Secret that is not this installation's, in words."""
    if live.labels.get(MANAGED_BY) == "secretsync" and INSTALLATION in live.labels:
        if live.labels[INSTALLATION] != placement.installation:
            return f"belongs to the installation {live.labels[INSTALLATION]!r} of secretsync"
        return f"holds the package {live.labels.get(MODULE, 'something else')!r}"
    controller = _controller(live)
    return f"is controlled by {controller}" if controller else _owner(live)


def _owner(live: Secret) -> str:
    """Who seems to look after a Secret, by the marks that the common tools leave."""
    owner = _known_owner(live)
    return owner[0] if owner else "exists and secretsync did not make it"


_HELM = "take it out of the chart and annotate it 'helm.sh/resource-policy: keep'"
_ARGO = "take it out of the application without pruning it (Prune=false)"
_FLUX = "take it out of Flux's source, annotated 'kustomize.toolkit.fluxcd.io/prune: disabled'"
_SEALED = "delete the SealedSecret with '--cascade=orphan'"
_MANAGERS = {
    "helm": ("belongs to a Helm release", _HELM),
    "helm-controller": ("belongs to a Helm release of Flux", _HELM),
    "argocd-controller": ("belongs to an Argo CD application", _ARGO),
    "argocd-application-controller": ("belongs to an Argo CD application", _ARGO),
    "kustomize-controller": ("belongs to Flux", _FLUX),
    "sealed-secrets-controller": ("belongs to a SealedSecret", _SEALED),
}
"""Field managers of tools that put their own content back."""


def _known_owner(live: Secret) -> tuple[str, str] | None:
    """What a tool's marks say of a Secret, and how its owner gives it up; None without such a mark."""
    for owner in live.metadata.get("ownerReferences") or ():
        if owner.get("kind") == "SealedSecret":
            return f"belongs to SealedSecret {owner['name']}", _SEALED
    release = live.annotations.get("meta.helm.sh/release-name")
    if release or live.labels.get(MANAGED_BY) == "Helm":
        return (f"belongs to the Helm release {release!r}" if release else "belongs to a Helm chart"), _HELM
    tracked = live.annotations.get("argocd.argoproj.io/tracking-id", "").partition(":")[0]
    if application := tracked or live.labels.get("argocd.argoproj.io/instance"):
        return f"belongs to the Argo CD application {application!r}", _ARGO
    if flux := live.labels.get("kustomize.toolkit.fluxcd.io/name") or live.labels.get("helm.toolkit.fluxcd.io/name"):
        return f"belongs to Flux ({flux!r})", _FLUX
    return next((_MANAGERS[name] for name in _managers_of_data(live) if name in _MANAGERS), None)


def _managers_of_data(live: Secret) -> Iterable[str]:
    """The field managers that own a file of the Secret."""
    for entry in live.metadata.get("managedFields") or ():
        if "f:data" in (entry.get("fieldsV1") or {}):
            yield str(entry.get("manager") or "")
