from __future__ import annotations

import io
import sys

import pytest

from secretsync.core.kinds.kind import State, Status
from secretsync.core.model import Ref
from secretsync.reconcile.progress import Progress, progress

SERVER, JUDGE = Ref("Deployment", "rucio", "server"), Ref("Deployment", "rucio", "judge")


def test_the_line_counts_what_is_current_and_names_one_that_is_not() -> None:
    shown = Progress(2, lambda: 0, lambda line: None, 15)
    shown.tell(SERVER, Status(State.CURRENT, "1 of 1 replicas updated"))
    shown.tell(JUDGE, Status(State.IN_PROGRESS, "0 of 1 replicas updated"))
    assert shown.line() == "1 of 2 current; Deployment rucio/judge: 0 of 1 replicas updated"


def test_a_log_gets_a_line_now_and_then() -> None:
    time, lines = [0.0], list[str]()
    shown = Progress(1, lambda: time[0], lines.append, 15)
    for second in range(46):
        time[0] = second
        shown.tick()
    assert lines == ["0 of 1 current"] * 3


def test_a_terminal_gets_a_moving_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress(1, lambda: 0) as shown:
        shown.tick()
    assert "0 of 1 current" in terminal.getvalue()
