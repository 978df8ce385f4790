"""Many names in a sentence: the first of them, and how many more there are. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def listed(names: Sequence[object], most: int = 3) -> str:
    """``a, b, c and 2 more``: the first *most* of *names*, and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(map(str, names[:most]))}{more}"
