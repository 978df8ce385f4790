"""When changes may go out: ``Mon-Fri 09:00-16:00 Europe/Zurich``. Time is an argument."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FORM = re.compile(
    r"(?P<first>[A-Z][a-z]{2})(?:-(?P<last>[A-Z][a-z]{2}))? "
    r"(?P<begins>[0-2]\d:[0-5]\d)-(?P<ends>[0-2]\d:[0-5]\d) (?P<zone>\S+)"
)


@dataclass(frozen=True)
class Window:
    """Days of the week (0 is Monday) and a span of each, on the clocks of *zone*.

    A span that ends before it begins goes on after midnight and belongs to the day on which it began.
    """

    days: frozenset[int]
    begins: time
    ends: time
    zone: ZoneInfo

    def is_open(self, moment: datetime) -> bool:
        """Whether changes may go out at *moment*, which knows its own zone."""
        local_time = moment.astimezone(self.zone)
        today, yesterday = local_time.weekday() in self.days, (local_time.weekday() - 1) % 7 in self.days
        clock = local_time.time()
        if self.begins < self.ends:
            return today and self.begins <= clock < self.ends
        return (today and clock >= self.begins) or (yesterday and clock < self.ends)

    def opens_after(self, moment: datetime) -> datetime:
        """When the window opens next."""
        local_time = moment.astimezone(self.zone)
        openings = (
            datetime.combine(local_time.date() + timedelta(days=days), self.begins, tzinfo=self.zone)
            for days in range(9)
        )
        return next(opening for opening in openings if opening.weekday() in self.days and opening > local_time)


def parse(text: str) -> Window:
    """Read a window as it is written. Raises ValueError, which says how to write one."""
    matched = _FORM.fullmatch(" ".join(text.split()))
    if matched is None or {matched["first"], matched["last"] or matched["first"]} - set(_DAYS):
        raise ValueError(f"{text!r} is not a window: write 'Mon-Fri 09:00-16:00 Europe/Zurich'")
    first, last = _DAYS.index(matched["first"]), _DAYS.index(matched["last"] or matched["first"])
    days = frozenset((first + offset) % 7 for offset in range((last - first) % 7 + 1))
    try:
        begins, ends = time.fromisoformat(matched["begins"]), time.fromisoformat(matched["ends"])
    except ValueError:
        raise ValueError(f"{text!r} has a time that no clock shows") from None
    try:
        zone = ZoneInfo(matched["zone"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        name = matched["zone"]
        raise ValueError(f"{name!r} is not a time zone that this machine knows: for instance 'UTC'") from None
    return Window(days, begins, ends, zone)
