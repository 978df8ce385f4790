"""The one table of a result: what secretsync costs, and how many times what stands beside it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Numbers = Mapping[str, Mapping[str, float]]
"""By what ran (``idle``, ``change``, ``imports``, ``shell``, ``git2kube``, ``restart``), what it cost."""

_LEASE_WRITES = 2
"""The Lease is taken and released once; it is renewed each ten seconds beside that."""


def _ratio(one: str, other: str, key: str) -> Callable[[Numbers, int], float]:
    return lambda found, _: found[one][key] / found[other][key]


def _value(one: str, key: str) -> Callable[[Numbers, int], float | None]:
    """What was counted; None in results from before it was."""
    return lambda found, _: found[one].get(key)


def _renewals(found: Numbers) -> float:
    return max(found["change"]["lease"] - _LEASE_WRITES, 0)


def _writes_of_a_run(found: Numbers, workloads: int) -> float:
    return found["change"]["writes"] - _renewals(found) - workloads


ROWS: Mapping[str, tuple[Callable[[Numbers, int], float | None], float | None]] = {
    "idle: CPU, times importing its libraries": (_ratio("idle", "imports", "cpu"), 1.2),
    "idle: CPU, times the shell job (clone, diff)": (_ratio("idle", "shell", "cpu"), None),
    "idle: CPU, times git2kube's way (clone, patch)": (_ratio("idle", "git2kube", "cpu"), None),
    "idle: memory, times the shell job": (_ratio("idle", "shell", "mebibytes"), None),
    "idle: CPU seconds": (_value("idle", "cpu"), 1.1),
    "idle: MiB": (_value("idle", "mebibytes"), None),
    "idle: calls": (_value("idle", "calls"), None),
    "change: time, times kubectl rollout restart": (_ratio("change", "restart", "seconds"), 3),
    "change: CPU, times kubectl rollout restart": (_ratio("change", "restart", "cpu"), None),
    "change: CPU seconds": (_value("change", "cpu"), 8),
    "change: MiB": (_value("change", "mebibytes"), 120),
    "change: reads beside lists": (_value("change", "gets"), 40),
    "change: lists": (_value("change", "lists"), None),
    "change: writes beside one a workload and renewals": (_writes_of_a_run, 12),
}
"""Each row's text, its number, and the most that it may be."""


def table(record: Mapping[str, Any]) -> Iterator[str]:
    """The lines of Markdown; what is above its goal is marked."""
    fleets = {int(count): numbers for count, numbers in record["workloads"].items()}
    yield f"| {record['date']}, commit {record['commit']} | {' | '.join(f'{n:,} workloads' for n in fleets)} | goal |"
    yield f"|---|{'---|' * (len(fleets) + 1)}"
    for text, (number, goal) in ROWS.items():
        cells = (_cell(number(found, count), goal) for count, found in fleets.items())
        yield f"| {text} | {' | '.join(cells)} | {f'≤ {goal:g}' if goal else ''} |"
    repository = record.get("repository") or {}
    for state in ("merged", "request open"):
        if state in repository:
            ratio = repository[state] / repository["git ls-remote"]
            cells = (_cell(ratio, 3), *([""] * (len(fleets) - 1)))
            yield f"| target in git, {state}: idle time, times git ls-remote | {' | '.join(cells)} | ≤ 3 |"


def _cell(value: float | None, goal: float | None) -> str:
    if value is None:
        return ""
    text = f"{value:.2f}" if value < 10 else f"{value:,.0f}"
    return f"**{text}, over**" if goal and value > goal else text
