"""What a person sees while something takes time: a table or a spinner on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from secretsync.core.escape import visible
from secretsync.core.kinds.kind import State, Status
from secretsync.core.log import lines_through
from secretsync.core.model import Ref

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

log = structlog.get_logger()

EVERY = 15.0
"""Seconds between two lines in a log."""

_ROWS = 12
"""Workloads that a terminal shows at once: those that are not current come first."""

_COLORS = {State.CURRENT: "green", State.FAILED: "red", State.TIMED_OUT: "red", State.IN_PROGRESS: "yellow"}


class Progress:
    """Collects verdicts on *workloads* as they come; *show* is called at each tick, and decides how often it shows.

    *title* says what is waited for (``wave 2 of 3``), *timeout* is in seconds.
    """

    def __init__(
        self,
        workloads: Iterable[Ref],
        now: Callable[[], float],
        show: Callable[[Progress], None],
        *,
        title: str = "rollout",
        timeout: float = 0,
    ) -> None:
        self._now, self._show, self._began = now, show, now()
        self.title, self.timeout = title, timeout
        self.verdicts: dict[Ref, Status] = dict.fromkeys(workloads, Status(State.IN_PROGRESS, "restarted"))
        self._ended: dict[Ref, float] = {}

    def update(self, ref: Ref, verdict: Status) -> None:
        """A verdict that is new; those that are final are logged."""
        self.verdicts[ref] = verdict
        if verdict.ended:
            self._ended[ref] = self.elapsed
            (log.error if verdict.bad else log.info)(str(verdict.state), workload=str(ref), why=verdict.message)

    def tick(self) -> None:
        """Time passes."""
        self._show(self)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._now() - self._began

    def age(self, ref: Ref) -> float:
        """Seconds from the restart of a workload to its verdict, or until now."""
        return self._ended.get(ref, self.elapsed)

    def line(self) -> str:
        """``12 of 29 current; Deployment rucio/judge: 0 of 1 replicas updated``."""
        current = sum(verdict.state is State.CURRENT for verdict in self.verdicts.values())
        waiting = next(((ref, verdict) for ref, verdict in self.verdicts.items() if not verdict.ended), None)
        count = f"{current} of {len(self.verdicts)} current"
        return count + (f"; {waiting[0]}: {waiting[1].message}" if waiting else "")


def now_and_then(show: Callable[[str], None], every: float = EVERY) -> Callable[[Progress], None]:
    """Shows the line of a progress at most once in *every* seconds."""
    last_shown = [0.0]

    def tick(progress: Progress) -> None:
        if progress.elapsed - last_shown[0] >= every:
            last_shown[0] = progress.elapsed
            show(progress.line())

    return tick


@contextmanager
def rollout_progress(
    workloads: Iterable[Ref], now: Callable[[], float], *, title: str = "rollout", timeout: float = 0
) -> Iterator[Progress]:
    """Shows the progress of a rollout for as long as the context lasts."""
    if not _has_terminal():
        line = now_and_then(lambda line: log.info("waiting", what=title, why=line))
        yield Progress(workloads, now, line, title=title, timeout=timeout)
        return
    from rich.live import Live  # slow to import, and only a terminal needs it

    console = _console()
    with Live(console=console, transient=True, refresh_per_second=4) as live, lines_through(_printer(console)):
        yield Progress(workloads, now, lambda progress: live.update(_table(progress)), title=title, timeout=timeout)


@contextmanager
def working(activity: str) -> Iterator[None]:
    """A spinner with the elapsed time for as long as the context lasts; nothing where there is no terminal."""
    if not _has_terminal():
        yield
        return
    from rich.progress import Progress as Bar  # slow to import, and only a terminal needs it
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    console = _console()
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar, lines_through(_printer(console)):
        bar.add_task(visible(activity), total=None)
        yield


def _has_terminal() -> bool:
    """Targets side by side, in threads, share no moving part of a terminal."""
    return sys.stderr.isatty() and threading.current_thread() is threading.main_thread()


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def _printer(console: Console) -> Callable[[str], None]:
    """Prints a log line as it is, above what moves."""
    return lambda line: console.print(line, markup=False, emoji=False, soft_wrap=True)


def _table(progress: Progress) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    elapsed = f", {progress.elapsed:.0f} s of {progress.timeout:.0f} s" if progress.timeout else ""
    table = Table(
        title=f"{progress.title}: {progress.line().partition(';')[0]}{elapsed}", title_justify="left", box=None
    )
    for name in ("WORKLOAD", "STATE", "AGE"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    table.add_column("DETAIL")  # may wrap, so that rich cuts it first where the terminal is narrow
    waiting_first = sorted(progress.verdicts.items(), key=lambda item: item[1].state is State.CURRENT)
    for ref, verdict in waiting_first[:_ROWS]:
        state = Text(str(verdict.state), style=_COLORS.get(verdict.state, ""))
        age = f"{progress.age(ref):.0f}s"
        detail = Text(visible(verdict.message), no_wrap=True, overflow="ellipsis")
        table.add_row(Text(visible(f"{ref.kind} {ref.name}")), state, age, detail)
    if (more := len(waiting_first) - _ROWS) > 0:
        table.add_row(f"and {more} more")
    return table
