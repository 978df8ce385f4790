"""The page of the long-running form: the report on the last pass of each target, without contents."""

from __future__ import annotations

import threading
from collections.abc import Collection

from secretsync.cli.output.report import Target
from secretsync.reconcile.all_targets import Outcome


class Page:
    """Keeps what the last pass of each target came to; it is asked by the threads of the port."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._targets: dict[str, Target] = {}

    def add(self, outcome: Outcome) -> None:
        """A pass of one target has ended."""
        from secretsync.cli.output.describe import describe_target

        with self._lock:
            self._targets[outcome.destination.name] = describe_target(outcome, dry_run=False)

    def html(self, names: Collection[str]) -> str:
        """The page on the targets with these *names*: those that are in the configuration now."""
        from secretsync.cli.output import html
        from secretsync.cli.output.describe import report_on_targets

        with self._lock:
            targets = tuple(target for name, target in self._targets.items() if name in names)
        return html.render(report_on_targets(targets, "run"))
