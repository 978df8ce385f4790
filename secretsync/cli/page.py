"""The page of the long-running form: what is live at each target, and its last passes, without contents."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from secretsync.reconcile.all_targets import Outcome

if TYPE_CHECKING:
    from secretsync.cli.output.live import LiveTarget


class Page:
    """Keeps what the passes of each target came to; it is asked by the threads of the port."""

    def __init__(self, utc: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._lock, self._utc = threading.Lock(), utc
        self._targets: dict[str, LiveTarget] = {}

    def add(self, outcome: Outcome) -> None:
        """A pass of one target has ended."""
        # imported here: without this page nothing of it is needed
        from secretsync.cli.output.live import describe_live

        name = outcome.destination.name
        with self._lock:
            self._targets[name] = describe_live(outcome, self._utc(), self._targets.get(name))

    def html(self, names: Collection[str]) -> str:
        """The page on the targets with these *names*: those that are in the configuration now."""
        from secretsync.cli.output import html
        from secretsync.cli.output.live import LivePage

        with self._lock:
            targets = tuple(self._targets[name] for name in names if name in self._targets)
        return html.render_live(LivePage(time=self._utc(), targets=targets))
