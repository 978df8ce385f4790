"""One pass over all destinations: side by side, each to its outcome, none stopped by another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial

import structlog

from secretsync.core.errors import CHANGES_PENDING, FAILED, ROLLOUT_FAILED, USAGE, SecretSyncError
from secretsync.core.machine import expected_failure
from secretsync.reconcile.destination import Destination, Report, sharing_lease

log = structlog.get_logger()

Act = Callable[[Destination], Report]
"""`preview` or `sync`."""


AT_ONCE = 8
"""Targets at a time; most of a pass is waiting for pods."""


@dataclass(eq=False)
class InternalError(SecretSyncError):
    """Something that should not happen."""

    code = "fault"
    category = "bug"

    kind: str

    def __str__(self) -> str:
        return f"a fault of secretsync itself ({self.kind}): see its traceback in the log, and please report it"


@dataclass(frozen=True)
class Outcome:
    """What became of one destination: a *report*, or the *error* for which there is none."""

    destination: Destination
    report: Report | None = None
    error: SecretSyncError | None = None

    @property
    def exit_code(self) -> int:
        """The exit code for this target, by the table in docs/reference: 0 to 4, or that of its error."""
        if self.error:
            return self.error.exit_code
        assert self.report  # noqa: S101 - one of the two is there
        if self.report.refused:
            return FAILED
        if self.report.blocked:
            return self.report.blocked.exit_code
        if self.report.failed:
            return ROLLOUT_FAILED
        if degraded := {package.error.category for package in self.report.plan.degraded}:
            return USAGE if degraded == {"configuration"} and not self.report.plan.packages else FAILED
        return CHANGES_PENDING if self.report.pending else 0


Record = Callable[[Outcome], None]


def reconcile_targets(
    destinations: Sequence[Destination], act: Act, record: Record = lambda _: None
) -> Iterator[Outcome]:
    """What *act* comes to at each, in the order in which they end; each is recorded as soon as it is known.

    Those that go after another begin when that has ended, and was recorded.
    """
    visit = partial(_visit, act=_naming(act) if len(destinations) > 1 else act, record=record)
    for stage in _stages(destinations):
        groups = _groups(stage)
        yield from map(visit, groups[0]) if len(groups) == 1 else _side_by_side(groups, visit)


def _naming(act: Act) -> Act:
    """*act*, whose log lines say at which of several destinations."""

    def named(destination: Destination) -> Report:
        with structlog.contextvars.bound_contextvars(at=destination.name):
            return act(destination)

    return named


def _stages(destinations: Sequence[Destination]) -> Iterator[list[Destination]]:
    """First those that go after nobody, then those that go after one of them, and so on."""
    for depth in sorted({destination.depth for destination in destinations}):
        yield [destination for destination in destinations if destination.depth == depth]


def _groups(destinations: Iterable[Destination]) -> list[list[Destination]]:
    """Those that go one after another: of one namespace, as they share a Lease, and of one directory of manifests."""
    groups: dict[tuple[int, str], list[Destination]] = {}
    for destination in destinations:
        place = destination.namespace if destination.cluster.runs_pods else ""
        groups.setdefault((id(destination.cluster), place), []).append(destination)
    return list(groups.values())


def _side_by_side(
    groups: Sequence[Sequence[Destination]], visit: Callable[[Destination], Outcome]
) -> Iterator[Outcome]:
    """Each group in a thread of its own. Whoever asks to stop is heard here, and by each at its next safe point."""
    with ThreadPoolExecutor(min(len(groups), AT_ONCE), "target") as pool:
        futures = [pool.submit(_one_by_one, group, visit) for group in groups]
        try:
            for completed in as_completed(futures):
                yield from completed.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _one_by_one(destinations: Iterable[Destination], visit: Callable[[Destination], Outcome]) -> list[Outcome]:
    return [visit(destination) for destination in destinations]


def _visit(destination: Destination, act: Act, record: Record) -> Outcome:
    """The outcome, recorded under the Lease that *act* took, if it took one."""
    with sharing_lease(destination) as shared:
        outcome = _outcome(shared, act)
        try:
            record(outcome)
        except Exception:
            log.exception("this is a bug in secretsync; please report it", at=destination.name)
    return replace(outcome, destination=destination)


def _outcome(destination: Destination, act: Act) -> Outcome:
    try:
        return Outcome(destination, act(destination))
    except Exception as error:
        if failure := expected_failure(error):
            return Outcome(destination, error=failure)
        log.exception("this is a bug in secretsync; please report it", at=destination.name)
        return Outcome(destination, error=InternalError(type(error).__name__))
