"""What was live before: bundles kept as Secrets of our own, compressed, in a ring of fixed names.

Fixed names, so that a Role can list them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from secretsync.core import packing, revision_numbers
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Bundle, Placement, Secret
from secretsync.core.secret_codec import OURS
from secretsync.core.times import iso_time
from secretsync.plan.ownership import TYPE
from secretsync.plan.state import PackageState

KEPT = OURS + "kept"
"""The annotation that tells a kept bundle from a live one; its value is the revision number under which it was live."""

WRITTEN = OURS + "written"
"""The annotation with the time at which the data of a kept bundle were written, while it was live."""

EARLIER = OURS + "earlier-revisions"
"""The annotation of a kept bundle that was live before under other revision numbers, as a rollback brought it back."""

EDITED = OURS + "edited"
"""The annotation of a kept bundle that somebody had edited while it was live: it is not what its commit holds."""


@dataclass(eq=False)
class KeptBundleChanged(SecretSyncError):
    """A Secret of the history does not hold what was kept in it."""

    code = "kept_bundle_changed"

    namespace: str
    name: str

    def __str__(self) -> str:
        return (
            f"Secret {self.namespace}/{self.name} does not hold what secretsync kept in it: somebody changed it, so it "
            "is not put back. Choose another with 'secretsync history' and 'secretsync rollback', or follow the source "
            "again with 'secretsync resume'"
        )


@dataclass(eq=False)
class HistoryNamesTaken(SecretSyncError):
    """Secrets of others have all the names under which bundles are kept."""

    code = "history_names_taken"

    namespace: str
    names: Sequence[str]

    def __str__(self) -> str:
        return (
            f"the Secrets {', '.join(self.names)} in namespace {self.namespace} are not secretsync's, and have "
            "the names of its history: delete one of them, or choose another secretName"
        )


@dataclass(frozen=True)
class KeptBundle:
    """A bundle in the history: the Secret that holds it, and the revision number under which it was live."""

    secret: Secret
    revision_number: int

    @property
    def earlier_numbers(self) -> tuple[int, ...]:
        """The revision numbers under which the same files were live before that, oldest first."""
        texts = self.secret.annotations.get(EARLIER, "").split(",")
        return tuple(sorted({number for text in texts if (number := revision_numbers.parse(text))}))

    @property
    def bundle(self) -> Bundle:
        """The files that it keeps. Raises UnreadableSecret."""
        return packing.live_bundle([self.secret])

    @property
    def edited(self) -> bool:
        """Whether somebody had edited it while it was live."""
        return EDITED in self.secret.annotations

    @property
    def written(self) -> datetime | None:
        """When it was written, while it was live; earlier releases remembered only when it was kept."""
        return iso_time(self.secret.annotations.get(WRITTEN)) or self.secret.data_written


def history_names(secret: str, limit: int) -> tuple[str, ...]:
    """The names of a package's ring: as many as bundles are kept."""
    return tuple(f"{secret}-history-{number}" for number in range(1, limit + 1))


def is_history_name(name: str, secret: str) -> bool:
    """Whether the Secret *name* is one of the ring of the package in *secret*."""
    return bool(re.fullmatch(rf"{re.escape(secret)}-history-[1-9][0-9]{{0,3}}", name))


def is_kept_bundle(secret: Secret, placement: Placement) -> bool:
    """Whether *secret* is a kept bundle of the package that this installation wrote: by its name, labels and type."""
    return (
        is_history_name(secret.name, placement.secret)
        and packing.owner_labels(placement).items() <= secret.labels.items()
        and secret.type == TYPE
        and KEPT in secret.annotations
    )


def usable_names(secrets: Mapping[str, Secret | None], placement: Placement) -> dict[str, Secret | None]:
    """Of the names of a ring those that are free or ours; what others made there is never replaced nor shown.

    Raises HistoryNamesTaken where that is none.
    """
    usable = {name: secret for name, secret in secrets.items() if secret is None or is_kept_bundle(secret, placement)}
    if not usable:
        raise HistoryNamesTaken(placement.namespace, list(secrets))
    return usable


def refuse_changed(secret: Secret, placement: Placement, package_state: PackageState) -> None:
    """Raises KeptBundleChanged where *secret* is not the bundle that was kept, by a digest from elsewhere than there.

    Earlier releases remembered no digest; what they kept is judged by its own.
    """
    digest = packing.live_bundle([secret]).digest
    expected_digest = package_state.kept.get(secret.name) or secret.annotations.get(packing.DIGEST)
    if not is_kept_bundle(secret, placement) or digest != expected_digest:
        raise KeptBundleChanged(secret.namespace, secret.name)


def kept_bundles(secrets: Mapping[str, Secret | None]) -> tuple[KeptBundle, ...]:
    """The bundles that are kept, newest first."""
    bundles = [
        KeptBundle(secret, _write(secret)) for secret in secrets.values() if secret and KEPT in secret.annotations
    ]
    return tuple(sorted(bundles, key=lambda entry: entry.revision_number, reverse=True))


def history_secret(live: Sequence[Secret], placement: Placement, name: str, existing: Secret | None = None) -> Secret:
    """The Secret called *name* that keeps what is live now. Raises SecretTooLarge where it does not fit.

    Where *existing* keeps the same files, the revision numbers that they had before stay known.
    """
    compressed = replace(placement, secret=name, layout="zip", wired=False)
    bundle = replace(packing.live_bundle(live), module=placement.module)
    (secret,) = packing.pack(bundle, compressed, live[0].annotations.get(packing.RECIPE, ""))
    facts = {KEPT: live[0].annotations.get(packing.REVISION_NUMBER, "0")}
    if written := max((secret.data_written for secret in live if secret.data_written), default=None):
        facts[WRITTEN] = written.isoformat()
    if is_edited(live):
        facts[EDITED] = "true"
    if earlier := _earlier_numbers(existing, bundle.digest) - {revision_numbers.parse(facts[KEPT])}:
        facts[EARLIER] = ",".join(map(str, sorted(earlier)))
    return replace(secret, annotations={**secret.annotations, **facts})


def _earlier_numbers(existing: Secret | None, digest: str) -> set[int]:
    if existing is None or KEPT not in existing.annotations or not _is(existing, digest):
        return set()
    kept = KeptBundle(existing, _write(existing))
    return {kept.revision_number, *kept.earlier_numbers} - {0}


def is_edited(live: Sequence[Secret]) -> bool:
    """Whether live Secrets of ours hold other files than were written there."""
    return packing.DIGEST in live[0].annotations and not packing.is_intact(live)


def candidate_names(secrets: Mapping[str, Secret | None], digest: str, needed: Sequence[str]) -> tuple[str, ...]:
    """Where the bundle with *digest* may go, the best first: where it is already, an empty place, the oldest entry's.

    An entry whose name is in *needed* never gives way.
    """
    same_content = [
        name for name, secret in secrets.items() if secret and KEPT in secret.annotations and _is(secret, digest)
    ]
    empty = [name for name, secret in secrets.items() if secret is None]
    oldest = [entry.secret.name for entry in reversed(kept_bundles(secrets)) if entry.secret.name not in needed]
    return (*same_content, *empty[:1], *oldest)


def _is(secret: Secret, digest: str) -> bool:
    return secret.annotations.get(packing.DIGEST) == digest


def _write(secret: Secret) -> int:
    return revision_numbers.parse(secret.annotations[KEPT])
