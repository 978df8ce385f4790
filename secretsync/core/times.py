"""Times that others wrote: an annotation, a header, a Lease. What cannot be one is none. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_YEARS = range(1970, 2200)
"""Outside of them, and near the ends of what datetime holds, a difference or another zone is an OverflowError."""


def iso_time(text: object) -> datetime | None:
    """The time of an RFC 3339 timestamp, in UTC, which it is taken for where it names no zone."""
    try:
        return _in_utc(datetime.fromisoformat(str(text)))
    except ValueError:
        return None


def http_time(text: str) -> datetime | None:
    """The time of a ``Date`` header (RFC 9110), in UTC."""
    try:
        return _in_utc(parsedate_to_datetime(text))
    except (ValueError, OverflowError):
        return None


def _in_utc(time: datetime) -> datetime | None:
    if time.year not in _YEARS:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
