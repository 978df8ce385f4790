"""A report as one HTML page that needs nothing else: no script, no request. Values are escaped by jinja2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING

from secretsync.cli.output.report import FileChange, Outcome, Report, SecretChange, Target, WorkloadStatus
from secretsync.cli.output.sentences import count
from secretsync.cli.output.style import readable

if TYPE_CHECKING:
    from jinja2 import Environment

    from secretsync.cli.output.live import LivePage

_OUTCOMES = {
    Outcome.UP_TO_DATE: "good",
    Outcome.APPLIED: "good",
    Outcome.PENDING: "pending",
    Outcome.WAITING: "warning",
    Outcome.DEGRADED: "warning",
}
_STATES = {"current": "good", "failed": "bad", "timed out": "bad"}
_SEVERITIES = {"error": "bad", "warning": "warning"}
_LABELS, _WIDTH, _ROW, _TOP = 300, 1_000, 22, 24
"""Of the drawing, in its own units: the column of names, all, one row, and the axis above the rows."""

_LONGEST_LABEL = 42
_WHOLE_SECONDS = 20
"""An axis that is shorter has fractions at its marks."""


@dataclass(frozen=True)
class Row:
    """A line of a diff, side by side; None where a side has none. *heading* stands above a hunk."""

    before: str | None = None
    after: str | None = None
    changed: bool = False
    heading: str = ""


@dataclass(frozen=True)
class Bar:
    """A workload in the drawing, from its restart to its verdict."""

    label: str
    kind: str
    x: float
    y: int
    width: float


@dataclass(frozen=True)
class Tick:
    """A mark of the time axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Drawing:
    """The rollout by waves on an axis of *seconds*."""

    seconds: float
    height: int
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    width: int = _WIDTH


def render(report: Report) -> str:
    """The page on one command. Control characters are shown as escapes."""
    return _environment().get_template("report.html.j2").render(report=readable(report)) + "\n"


def render_live(page: LivePage) -> str:
    """The page of the long-running form."""
    return _environment().get_template("live.html.j2").render(page=readable(page)) + "\n"


@cache
def _environment() -> Environment:
    # imported here: other formats do not pay for it
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("secretsync.cli.output"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=False,
    )
    environment.globals.update(
        at=lambda time: time.strftime("%Y-%m-%d %H:%M:%S UTC"),
        short=lambda time: time.strftime("%Y-%m-%d %H:%M"),
        count=count,
        kind=lambda target: _OUTCOMES.get(target.outcome, "bad"),
        severity=lambda name: _SEVERITIES.get(name, "quiet"),
        state=_state,
        changed_files=changed_files,
        rows=lambda file: list(rows(file)),
        drawing=drawing,
        verdicts=lambda target: list(verdicts(target)),
    )
    return environment


def _state(status: WorkloadStatus) -> str:
    return _STATES.get(status.state, "warning")


def changed_files(target: Target) -> Sequence[tuple[SecretChange, FileChange]]:
    """The files that change, each with its Secret."""
    return [(secret, file) for package in target.packages for secret in package.secrets for file in secret.files]


def rows(file: FileChange) -> Iterator[Row]:
    """The hunks of a unified diff, side by side: lines removed stand beside those that are added next."""
    removed: list[str] = []
    added: list[str] = []
    for line in file.diff or ():
        if line.startswith("-"):
            if added:
                yield from _paired(removed, added)
            removed.append(line[1:])
        elif line.startswith("+"):
            added.append(line[1:])
        else:
            yield from _paired(removed, added)
            yield Row(heading=line) if line.startswith("@@") else Row(line[1:], line[1:])
    yield from _paired(removed, added)


def _paired(removed: list[str], added: list[str]) -> Iterator[Row]:
    """The lines beside each other; both lists are empty then."""
    for before, after in zip_longest(removed, added):
        yield Row(before, after, changed=True)
    removed.clear()
    added.clear()


def verdicts(target: Target) -> Iterator[tuple[str, WorkloadStatus]]:
    """The verdicts in the order of their waves, those of a rollback last, with the name of the wave."""
    for status in sorted(target.rollout, key=lambda status: status.wave):
        yield str(status.wave or "-"), status
    if target.undo:
        yield from ((f"rollback {wave}", verdict) for wave, verdict in verdicts(target.undo))


def drawing(target: Target) -> Drawing | None:
    """The rollout as bars on a time axis; None where there was none."""
    rows = list(verdicts(target))
    if not rows:
        return None
    seconds = max(1.0, *(status.ended or 0 for _, status in rows))
    scale = (_WIDTH - _LABELS - 40) / seconds

    def position(at: float) -> float:
        return round(_LABELS + at * scale, 1)

    bars = tuple(
        Bar(
            _label(wave, status),
            _state(status),
            position(status.began or 0),
            _TOP + row * _ROW,
            round(max(3.0, ((status.ended or 0) - (status.began or 0)) * scale), 1),
        )
        for row, (wave, status) in enumerate(rows)
    )
    digits = 0 if seconds >= _WHOLE_SECONDS else 2
    ticks = tuple(
        Tick(position(seconds * quarter / 4), f"{seconds * quarter / 4:.{digits}f} s") for quarter in range(5)
    )
    return Drawing(seconds, _TOP + len(bars) * _ROW, bars, ticks)


def _label(wave: str, status: WorkloadStatus) -> str:
    name = f"{wave}: {status.workload} ({status.state})"
    half = _LONGEST_LABEL // 2  # names of workloads differ at their ends
    return name if len(name) <= _LONGEST_LABEL else f"{name[: half - 1]}…{name[-half:]}"
