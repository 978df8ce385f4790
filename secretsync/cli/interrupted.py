"""What a command that was interrupted had written by then, and what the next run does about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from secretsync.cli.output.sentences import count
from secretsync.core import instrumentation, shutdown
from secretsync.core.instrumentation import ApplyBegan, ObjectWritten, Signal

NOTHING = "no Secret and no workload was changed"


@dataclass
class TargetWrites:
    """What was to be written at a target, and what was: names of Secrets and workloads."""

    planned: ApplyBegan
    secrets: list[str] = field(default_factory=list)
    workloads: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """What was written of what was planned, and what the next run does."""
        name = f"{self.planned.target}: the rollback" if self.planned.restores else self.planned.target
        if not self.secrets and not self.workloads:
            return f"{name}: {NOTHING}; the next apply {self._all()}"
        return f"{name}: {self._written()}; the next apply {self._rest()}"

    def _all(self) -> str:
        nothing_planned = not self.planned.secrets and not self.planned.restarts
        return "waits until every pod is ready" if nothing_planned else "does it all"

    def _written(self) -> str:
        secrets = f"wrote {len(self.secrets)} of {count(self.planned.secrets, 'Secret')} ({', '.join(self.secrets)})"
        workloads = f"restarted {len(self.workloads)} of {count(self.planned.restarts, 'workload')}"
        parts = [secrets] if self.planned.secrets else []
        return " and ".join([*parts, workloads] if self.planned.restarts else parts)

    def _rest(self) -> str:
        secrets = self.planned.secrets - len(self.secrets)
        restarts = self.planned.restarts - len(self.workloads)
        steps = [f"writes the other {count(secrets, 'Secret')}"] if secrets else []
        steps += [f"restarts the other {count(restarts, 'workload')}"] if restarts else []
        steps += ["waits until every pod is ready"] if self.planned.restarts else []
        return ", ".join(steps) or "has nothing left to write"


class Writes:
    """What this process writes, by target, as it happens; targets that came to their end are not kept."""

    def __init__(self) -> None:
        self._targets: dict[str, TargetWrites] = {}

    def record(self, signal: Signal) -> None:
        """A listener of `instrumentation`."""
        if isinstance(signal, ApplyBegan):
            self._targets[signal.target] = TargetWrites(signal)
        elif isinstance(signal, ObjectWritten) and signal.target in self._targets:
            written = self._targets[signal.target]
            (written.secrets if signal.kind == "Secret" else written.workloads).append(signal.name)

    def ended(self, target: str) -> None:
        """The outcome of *target* is known, and was reported."""
        self._targets.pop(target, None)

    def sentence(self) -> str:
        """What was written at each target that did not come to its end."""
        return ". ".join(target.sentence() for target in self._targets.values()) or NOTHING


@contextmanager
def said_when_interrupted() -> Iterator[Writes]:
    """Where a signal ends what happens in here, it says what was written by then."""
    writes = Writes()
    with instrumentation.listening_to(writes.record):
        try:
            yield writes
        except shutdown.Stopped as stopped:
            stopped.state = writes.sentence()
            raise
