"""What a plan injects into pod templates, and what it takes out: once for all workloads that get the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from secretsync.plan.restarts import Restart
from secretsync.plan.rewiring import Difference

_MARKS = {"added": "+", "removed": "-", "changed": "~"}


def wiring(restarts: Sequence[Restart]) -> Iterable[str]:
    """Lines for a person, entry by entry."""
    alike: dict[tuple[str, tuple[Difference, ...]], list[Restart]] = {}
    for one in restarts:
        if one.rewiring and one.rewiring.differences:
            alike.setdefault((one.rewiring.manager, one.rewiring.differences), []).append(one)
    for (manager, differences), same in alike.items():
        first = f"{same[0].workload.ref.kind} {same[0].workload.ref.name}"
        yield f"    wiring    {first}{f' and {len(same) - 1} more' if len(same) > 1 else ''}, as {manager}:"
        yield from (f"      {_MARKS[one.kind]} {_entry(one)}" for one in differences)


def _entry(one: Difference) -> str:
    """``rucio: PYTHONPATH=/opt/rucio/policy``."""
    where = f"{one.entry.container}: " if one.entry.container else ""
    match one.entry.kind:
        case "variable":
            return f"{where}{one.entry.name}" + (f"={one.value}" if one.value else "")
        case "mount":
            return f"{where}{one.entry.name}" + (f" ({one.value})" if one.value else "")
        case _:
            return f"volume {one.entry.name}" + (f" ({one.value})" if one.value else "")


def document(restart: Restart) -> dict[str, Any] | None:
    """For a program: the field manager and the part of the pod template that it applies."""
    if restart.rewiring is None:
        return None
    return {"manager": restart.rewiring.manager, "template": restart.rewiring.part}
