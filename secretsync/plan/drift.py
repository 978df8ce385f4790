"""Live Secrets that somebody changed since they were written: they tell that they hold what they do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from secretsync.core import packing, revision_numbers
from secretsync.core.log import foreign_text
from secretsync.core.model import Placement, Secret
from secretsync.plan import ownership
from secretsync.plan.diff import Desired, file_changes
from secretsync.plan.state import PackageState

_SOURCE_ANNOTATIONS = (packing.REVISION, packing.RECIPE)
"""What says which files a Secret was written with; its digest may have been edited together with them."""

_LONGEST = 40
"""Characters of an annotation that are shown."""


def edited_files(desired: Desired, live: Mapping[str, Secret]) -> tuple[str, ...]:
    """Paths of the files that somebody changed; none where a Secret is missing, or is to hold something else now."""
    pairs = [(live.get(secret.name), secret) for secret in desired.secrets]
    if not all(live and _has_same_source(live, secret) for live, secret in pairs):
        return ()
    return tuple(change.path for live, secret in pairs for change in file_changes(live, secret))


def keep_edits(desired: Desired, live: Mapping[str, Secret]) -> Desired:
    """*desired* with what somebody changed in place of what was written."""
    paths = edited_files(desired, live)
    if not paths:
        return desired
    secrets = tuple(replace(secret, data=live[secret.name].data) for secret in desired.secrets)
    return replace(desired, secrets=secrets, left=paths)


def is_cut_off(live: Sequence[Secret], package_state: PackageState) -> bool:
    """Whether *live* are of several writes, as a run ended, or still is, between two of them: nobody changed those."""
    return not package_state.finished and len({secret.annotations.get(packing.DIGEST) for secret in live}) > 1


def _has_same_source(live: Secret, desired: Secret) -> bool:
    return all(live.annotations.get(key) == desired.annotations.get(key) for key in _SOURCE_ANNOTATIONS)


def damage(
    live: Sequence[Secret], missing: Sequence[str], revision_number: int, placement: Placement
) -> tuple[str, ...]:
    """What is wrong with the live Secrets of a package beside their files, a sentence each.

    *missing* are the names of those that were written and are gone; *revision_number* is the newest one that the state
    object knows.
    """
    return (
        *(f"Secret {name} was deleted: no pod that mounts it can start" for name in missing),
        *(sentence for secret in live for sentence in _damaged_annotations(secret, revision_number)),
        *(sentence for secret in live for sentence in _damaged_form(secret, placement)),
        *(_misplaced(secret) for secret in packing.misplaced(live, placement) if _says_a_directory(secret)),
        *_different_numbers(live, revision_number),
    )


def unusable(secret: Secret) -> str:
    """What is wrong with a Secret that was written for a package, and that no longer counts as one of it."""
    return f"Secret {secret.name} no longer has the labels of this installation: delete it"


def _damaged_annotations(secret: Secret, revision_number: int) -> Iterator[str]:
    number = secret.annotations.get(packing.REVISION_NUMBER)
    if not revision_numbers.is_counted(revision_numbers.parse(number), revision_number):
        yield _damaged(secret, packing.REVISION_NUMBER, number, "revision number")
    if not _says_a_directory(secret):
        yield _damaged(secret, packing.DIRECTORY, secret.annotations.get(packing.DIRECTORY), "directory of a package")


def _says_a_directory(secret: Secret) -> bool:
    return secret.annotations.get(packing.DIRECTORY) == packing.directory_of(secret)


def _damaged_form(secret: Secret, placement: Placement) -> Iterator[str]:
    if secret.type != ownership.TYPE:
        shown = foreign_text(secret.type, _LONGEST)
        yield f"Secret {secret.name} has the type {shown!r}, which no run can change: delete it"
    if was_frozen(secret, placement):
        yield f"Secret {secret.name} was made immutable, so that no run can change it: delete it"


def was_frozen(secret: Secret, placement: Placement) -> bool:
    """Whether somebody made a Secret immutable that changes in place: those that never change are named by digest."""
    return secret.immutable and not ownership.named_by_digest(placement.secret).fullmatch(secret.name)


def _misplaced(secret: Secret) -> str:
    return (
        f"Secret {secret.name}: its annotation {packing.DIRECTORY} is "
        f"{foreign_text(packing.directory_of(secret), _LONGEST)!r}, which is not the directory of that name"
    )


def _damaged(secret: Secret, key: str, value: str | None, expected: str) -> str:
    if value is None:
        return f"Secret {secret.name}: its annotation {key} is missing"
    return f"Secret {secret.name}: its annotation {key} is {foreign_text(value, _LONGEST)!r}, which is no {expected}"


def _different_numbers(live: Sequence[Secret], revision_number: int) -> Iterator[str]:
    parsed = {revision_numbers.parse(secret.annotations.get(packing.REVISION_NUMBER)) for secret in live}
    numbers = sorted(number for number in parsed if revision_numbers.is_counted(number, revision_number))
    if len(numbers) > 1 and not any(secret.immutable for secret in live):
        yield f"its Secrets carry different revision numbers ({', '.join(map(str, numbers))})"
