"""Ages and dates as kubectl writes them."""

from __future__ import annotations

from datetime import datetime

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))


def age(since: datetime | None, now: datetime) -> str:
    """``4d``, ``3h``, ``12m``, ``40s``; ``-`` where it is not known."""
    if since is None:
        return "-"
    seconds = max(int((now - since).total_seconds()), 0)
    for unit, length in _UNITS:
        if seconds >= length * (2 if unit == "d" else 1):
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def date(when: datetime | None) -> str:
    """``2026-11-25 14:03`` in UTC; ``-`` where it is not known."""
    return f"{when:%Y-%m-%d %H:%M}" if when else "-"
