"""In which order workloads are restarted: a few first, so that a bad package meets few."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from secretsync.model import Workload
from secretsync.rollout import State, status
from secretsync.stale import Restart

Selects = Callable[[Mapping[str, str]], bool]
"""Whether an object with these labels belongs to a wave."""


@dataclass(frozen=True)
class Wave:
    """Workloads that are restarted together. One that does not *decide* says nothing about the package."""

    restarts: tuple[Restart, ...]
    decides: bool = True


def in_waves(
    restarts: Sequence[Restart],
    *,
    selectors: Sequence[Selects] = (),
    max_parallel: int = 0,
    judge_health: bool = True,
    first: Sequence[Restart] = (),
) -> list[Wave]:
    """The waves, in their order: *first*, the others, and last what was not current before, which decides nothing.

    Without *selectors*: one daemon of Rucio, then its servers, then the rest, by the labels of Rucio's charts.
    *max_parallel* is how many workloads a wave may hold, 0 for any number.
    """
    later = [restart for restart in restarts if restart not in first]
    healthy = [restart for restart in later if not judge_health or is_healthy(restart.workload)]
    ill = [restart for restart in later if restart not in healthy]
    groups = [list(first), *(_selected(healthy, selectors) if selectors else _by_role(healthy))]
    waves = [Wave(part) for group in groups for part in _parts(group, max_parallel)]
    return waves + [Wave(part, decides=False) for part in _parts(ill, max_parallel)]


def is_healthy(workload: Workload) -> bool:
    """Whether all pods of a workload are up, as far as it is its rollout that tells."""
    return status(workload).state not in (State.IN_PROGRESS, State.FAILED)


def _by_role(restarts: Sequence[Restart]) -> list[list[Restart]]:
    daemons = [restart for restart in restarts if restart.workload.labels.get("app-group") == "rucio-daemons"]
    servers = [restart for restart in restarts if restart.workload.labels.get("app") == "rucio-server"]
    first = daemons[:1]
    rest = [restart for restart in restarts if restart not in first and restart not in servers]
    return [first, servers, rest]


def _selected(restarts: Sequence[Restart], selectors: Sequence[Selects]) -> list[list[Restart]]:
    left = list(restarts)
    groups: list[list[Restart]] = []
    for selects in selectors:
        groups.append([restart for restart in left if selects(restart.workload.labels)])
        left = [restart for restart in left if restart not in groups[-1]]
    return [*groups, left]


def _parts(restarts: Sequence[Restart], max_parallel: int) -> list[tuple[Restart, ...]]:
    size = max_parallel or len(restarts) or 1
    return [tuple(restarts[start : start + size]) for start in range(0, len(restarts), size)]
