"""One pass over all destinations: each comes to an outcome, and a broken one does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from secretsync.destination import Destination, Report
from secretsync.errors import CHANGES_PENDING, FAILED, ROLLOUT_FAILED, SecretSyncError


@dataclass(frozen=True)
class Outcome:
    """What became of one destination: a *report*, or the *error* for which there is none."""

    destination: Destination
    report: Report | None = None
    error: SecretSyncError | None = None

    @property
    def exit_code(self) -> int:
        if self.error:
            return self.error.exit_code
        assert self.report  # noqa: S101 - one of the two is there
        if self.report.refused:
            return FAILED
        if self.report.failed:
            return ROLLOUT_FAILED
        if self.report.plan.degraded:
            return FAILED
        return CHANGES_PENDING if self.report.pending else 0


def outcomes(destinations: Iterable[Destination], act: Callable[[Destination], Report]) -> Iterator[Outcome]:
    """What *act*, `preview` or `sync`, comes to at each."""
    for destination in destinations:
        try:
            yield Outcome(destination, act(destination))
        except SecretSyncError as error:
            yield Outcome(destination, error=error)


def worst(codes: Iterable[int]) -> int:
    """The exit code of several outcomes: a failure says more than changes that are pending."""
    order = [0, CHANGES_PENDING, FAILED, 2, ROLLOUT_FAILED]
    return max(codes, key=order.index, default=0)
