"""Live Secrets that somebody changed since they were written: they tell that they hold what they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from secretsync.core import packing
from secretsync.core.model import Secret
from secretsync.plan.diff import Desired, file_changes

_TOLD = (packing.REVISION, packing.RECIPE)
"""What says which files a Secret was written with; its digest may have been edited together with them."""


def edited_files(desired: Desired, live: Mapping[str, Secret]) -> tuple[str, ...]:
    """Paths of the files that somebody changed; none where a Secret is missing, or is to hold something else now."""
    pairs = [(live.get(secret.name), secret) for secret in desired.secrets]
    if not all(there and _tells_the_same(there, secret) for there, secret in pairs):
        return ()
    return tuple(change.path for there, secret in pairs for change in file_changes(there, secret))


def keep_edits(desired: Desired, live: Mapping[str, Secret]) -> Desired:
    """*desired* with what somebody changed in place of what was written."""
    paths = edited_files(desired, live)
    if not paths:
        return desired
    secrets = tuple(replace(secret, data=live[secret.name].data) for secret in desired.secrets)
    return replace(desired, secrets=secrets, left=paths)


def _tells_the_same(there: Secret, desired: Secret) -> bool:
    return all(there.annotations.get(key) == desired.annotations.get(key) for key in _TOLD)
