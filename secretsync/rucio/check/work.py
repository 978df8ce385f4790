"""How much is calculated of one package: a hostile file must fill neither the time nor the memory."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 1_000_000
"""Parts of values that are read for one package: a second or so. The largest published one needs a fiftieth of it."""

COPYING = 10
"""A part that is copied costs as much as so many that are read."""

CALLING = 100
"""A call that is followed, beside what it reads."""


class TooMuchWork(Exception):
    """The package has used up what may be calculated of it."""


@dataclass
class Work:
    """What is *left* of it, for all modules and functions of a package together."""

    left: int = MOST

    def spend(self, parts: int) -> None:
        """Raises TooMuchWork, from then on at every call."""
        self.left -= parts
        if self.left < 0:
            raise TooMuchWork
