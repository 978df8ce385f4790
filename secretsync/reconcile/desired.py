"""Asking the source of a package what it holds now, as little as that takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from secretsync.core import packing
from secretsync.core.deferred_imports import deferred_imports
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Bundle, Revision, Secret
from secretsync.plan.state import Hold, PackageState
from secretsync.reconcile.destination import Delivery
from secretsync.sources.git.refs import check_moved_tag, check_older_tag

# most passes read no files
with deferred_imports("secretsync.sources.index.replaced"):
    from secretsync.sources.index.replaced import check_replaced_release

log = structlog.get_logger()


@dataclass(eq=False)
class RejectedBeforeFirst(SecretSyncError):
    """What the source holds was rejected, and no earlier revision of the package was ever deployed."""

    code = "rejected_before_first"

    module: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.module} was never deployed: {self.reason}. "
            "Other content is tried as soon as the source has it; 'secretsync resume' tries the same content again"
        )


@dataclass(frozen=True)
class Resolved:
    """What a source holds now; no *bundle* where it need not be read."""

    revision: Revision
    bundle: Bundle | None = None


def resolve_source(delivery: Delivery, live: Sequence[Secret], package: PackageState) -> Resolved | None:
    """What the source of a package holds; None where that is not followed. What is live or was rejected is not read.

    What live Secrets say of themselves counts only where their files are known elsewhere too.
    """
    if package.hold and (package.hold.by_hand or not package.finished):
        return None
    revision = delivery.source.resolve()
    notes = _check_tag(delivery, live_revision(live), revision)
    changed = package.changed_write
    rejected = package.hold is not None and package.hold.revision == revision.id
    rejected = rejected or (changed is not None and changed.is_of(revision.id, delivery.recipe))
    untouched = is_as_deployed(delivery, live, package)
    if rejected or (untouched and packing.matches_source(live, revision, delivery.recipe, delivery.placement)):
        return Resolved(revision)
    bundle = delivery.source.fetch(revision)
    if delivery.fetched:
        delivery.fetched.remember(revision, delivery.recipe, bundle.digest)
    log.debug("fetched", module=bundle.module, revision=revision.short, files=len(bundle.files))
    if untouched:
        notes += check_replaced_release(bundle, packing.live_bundle(live), delivery.tag_moved)
    # the source may have noticed it as well
    return Resolved(revision, replace(bundle, notes=tuple(dict.fromkeys((*bundle.notes, *notes)))))


def is_as_deployed(delivery: Delivery, live: Sequence[Secret], package: PackageState) -> bool:
    """Whether *live* Secrets are what was written, by the state object and by what was fetched.

    Somebody may have changed files together with the digest that their Secrets carry, and with the state object.
    """
    if not live or packing.misplaced(live, delivery.placement):
        return False
    bundle = packing.live_bundle(live)
    # a revision that was brought back may hold what somebody had edited, which no source has
    fetched = "" if package.hold and package.hold.kept else _fetched(delivery, live, bundle)
    return (
        package.is_as_written(bundle.digest)
        and package.is_described(packing.description(packing.drop_emptied(live)))
        and fetched in ("", bundle.digest)
    )


def was_edited(delivery: Delivery, live: Sequence[Secret], package: PackageState) -> bool:
    """Whether somebody changed *live* Secrets; earlier releases remembered no digest of them, which does not count.

    Nor does a write that was cut off.
    """
    if not package.finished and not packing.is_intact(live):
        return False
    recorded = replace(package, digest=package.digest or packing.live_bundle(live).digest)
    return not is_as_deployed(delivery, live, recorded)


def _fetched(delivery: Delivery, live: Sequence[Secret], bundle: Bundle) -> str:
    """The digest of what was fetched of the revision that live Secrets tell; empty where that is not known."""
    recipe = live[0].annotations.get(packing.RECIPE, "")
    return delivery.fetched.digest_of(bundle.revision, recipe) if delivery.fetched else ""


def _check_tag(delivery: Delivery, live: Revision | None, latest: Revision) -> tuple[str, ...]:
    """What is live tells what a tag was, however fresh the cache is. Raises TagMoved, RolledBack."""
    if live is None:
        return ()
    if (live.source, live.ref) != (latest.source, latest.ref):
        return check_older_tag(latest, live, delivery.tag_prefix, delivery.rollback)
    return check_moved_tag(latest, live.id.partition(":")[2], delivery.tag_moved)


def is_rejected(resolved: Resolved, hold: Hold | None) -> bool:
    """Whether what the source holds is what was tried before, and is not to come again."""
    if hold is None:
        return False
    return resolved.revision.id == hold.revision or (
        resolved.bundle is not None and resolved.bundle.digest == hold.digest
    )


def live_revision(live: Sequence[Secret]) -> Revision | None:
    """What live Secrets of a package tell that they hold."""
    return packing.live_bundle(live).revision if live else None
