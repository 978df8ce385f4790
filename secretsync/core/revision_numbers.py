"""Revision numbers of a package, as Secrets and pod templates carry them. Anybody may have edited those."""

from __future__ import annotations

from collections.abc import Mapping

LEAP = 10**6
"""A number that is ahead of what is known by more than this was not counted: somebody wrote it."""

_LONGEST = 12


def parse(text: str | None) -> int:
    """The number that an annotation tells; 0 where it tells none."""
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else 0


def of_stamp(stamp: str | None) -> int:
    """The number in a stamp, ``7 sha256:…``; 0 where there is none."""
    return parse((stamp or "").partition(" ")[0])


def is_counted(number: int, newest: int) -> bool:
    """Whether *number* can have been reached by counting on from *newest*."""
    return 0 < number <= newest + LEAP


def has_newer_stamp(live: Mapping[str, str], desired: Mapping[str, str]) -> bool:
    """Whether one of the stamps in *desired* would replace a newer one that is *live*."""
    pairs = ((of_stamp(live.get(key)), of_stamp(stamp)) for key, stamp in desired.items())
    return any(
        live_number > desired_number > 0 and is_counted(live_number, desired_number)
        for live_number, desired_number in pairs
    )
