"""In which order workloads are restarted: a few first, so that a bad package meets few."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from secretsync.core.kinds.kind import State
from secretsync.core.model import Ref, Workload
from secretsync.plan.diff import PackagePlan
from secretsync.plan.restarts import Restart, mounted
from secretsync.plan.rollout_status import status

Selects = Callable[[Mapping[str, str]], bool]
"""Whether an object with these labels belongs to a wave."""


@dataclass(frozen=True)
class Wave:
    """Workloads that are restarted together. One that does not *decide* says nothing about the package.

    *watched* were restarted by an earlier run, with these annotations.
    """

    restarts: tuple[Restart, ...]
    decides: bool = True
    watched: Mapping[Ref, Mapping[str, str]] = field(default_factory=dict)


def split_into_waves(
    restarts: Sequence[Restart],
    *,
    selectors: Sequence[Selects] = (),
    max_parallel: int = 0,
    unhealthy: Collection[str] = (),
    first: Sequence[Restart] = (),
    watched: Mapping[Ref, Mapping[str, str]] | None = None,
) -> list[Wave]:
    """The waves, in their order: *watched*, *first*, the others, and last what is *ailing*, which decides nothing.

    Without *selectors*: one daemon of Rucio, then its servers, then the rest, by the labels of Rucio's charts.
    *max_parallel* is how many workloads a wave may hold, 0 for any number.
    """
    to_watch = watched or {}
    unhealthy_restarts = [restart for restart in restarts if str(restart.workload.ref) in unhealthy]
    leading = [restart for restart in first if restart not in unhealthy_restarts]
    healthy = [restart for restart in restarts if restart not in unhealthy_restarts and restart not in leading]
    groups = [leading, *(_selected(healthy, selectors) if selectors else _by_role(healthy))]
    waves = [
        Wave((), watched={ref: stamp for ref, stamp in to_watch.items() if str(ref) not in unhealthy}),
        *(Wave(part) for group in groups for part in _parts(group, max_parallel)),
        Wave((), decides=False, watched={ref: stamp for ref, stamp in to_watch.items() if str(ref) in unhealthy}),
        *(Wave(part, decides=False) for part in _parts(unhealthy_restarts, max_parallel)),
    ]
    return [wave for wave in waves if wave.restarts or wave.watched]


def unhealthy_workloads(workloads: Sequence[Workload], package: PackagePlan) -> tuple[str, ...]:
    """Workloads that mount a package and are not current now, for reasons of their own.

    One whose pods wait for a Secret that is still to be created is not ill, nor is one of which nothing is known, as in
    a directory of manifests.
    """
    missing = {
        change.desired.name for change in package.changes if change.live is None and not change.desired.immutable
    }
    return tuple(
        sorted(
            str(workload.ref)
            for workload in workloads
            if "status" in workload.manifest
            and mounted(workload, [package])
            and not is_healthy(workload)
            and not missing & workload.referenced_secrets
        )
    )


def is_healthy(workload: Workload) -> bool:
    """Whether all pods of a workload are up, as far as it is its rollout that tells."""
    return status(workload).state not in (State.IN_PROGRESS, State.FAILED)


def _by_role(restarts: Sequence[Restart]) -> list[list[Restart]]:
    daemons = [restart for restart in restarts if restart.workload.labels.get("app-group") == "rucio-daemons"]
    servers = [restart for restart in restarts if restart.workload.labels.get("app") == "rucio-server"]
    first = daemons[:1]
    remaining = [restart for restart in restarts if restart not in first and restart not in servers]
    return [first, servers, remaining]


def _selected(restarts: Sequence[Restart], selectors: Sequence[Selects]) -> list[list[Restart]]:
    remaining = list(restarts)
    groups: list[list[Restart]] = []
    for selects in selectors:
        groups.append([restart for restart in remaining if selects(restart.workload.labels)])
        remaining = [restart for restart in remaining if restart not in groups[-1]]
    return [*groups, remaining]


def _parts(restarts: Sequence[Restart], max_parallel: int) -> list[tuple[Restart, ...]]:
    size = max_parallel or len(restarts) or 1
    return [tuple(restarts[start : start + size]) for start in range(0, len(restarts), size)]
