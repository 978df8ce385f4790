from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
import structlog

from secretsync.core import log
from secretsync.core.kinds.kind import State, Status
from secretsync.core.model import Ref
from secretsync.reconcile.progress import Progress, now_and_then, rollout_progress, working

SERVER, JUDGE = Ref("Deployment", "rucio", "server"), Ref("Deployment", "rucio", "judge")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def words(self) -> str:
        """What was written, without escape sequences, on one line."""
        return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue()).split())


@pytest.fixture
def become_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Terminal]:
    """To be called in the test: pytest puts its own stderr back after a fixture."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")

    def become() -> Terminal:
        monkeypatch.setattr(sys, "stderr", terminal := Terminal())
        return terminal

    return become


def test_the_line_counts_what_is_current_and_names_one_that_is_not() -> None:
    shown = Progress([SERVER, JUDGE], lambda: 0, lambda _: None)
    shown.update(SERVER, Status(State.CURRENT, "1 of 1 replicas updated"))
    shown.update(JUDGE, Status(State.IN_PROGRESS, "0 of 1 replicas updated"))
    assert shown.line() == "1 of 2 current; Deployment rucio/judge: 0 of 1 replicas updated"


def test_a_log_gets_a_line_now_and_then() -> None:
    time, lines = [0.0], list[str]()
    shown = Progress([SERVER], lambda: time[0], now_and_then(lines.append, 15))
    for second in range(46):
        time[0] = second
        shown.tick()
    assert lines == ["0 of 1 current; Deployment rucio/server: restarted"] * 3


def test_a_table_has_the_wave_the_timeout_and_each_workloads_state(
    become_terminal: Callable[[], Terminal],
) -> None:
    terminal = become_terminal()
    time = [0.0]
    with rollout_progress([SERVER, JUDGE], lambda: time[0], title="wave 2 of 3", timeout=600) as shown:
        time[0] = 7
        shown.update(SERVER, Status(State.CURRENT, "all 1 replicas updated"))
        time[0] = 42
        shown.tick()
    assert "wave 2 of 3: 1 of 2 current, 42 s of 600 s" in terminal.words
    assert "Deployment server current 7s" in terminal.words
    assert "Deployment judge in progress 42s" in terminal.words


def test_a_log_line_stands_above_the_table_on_a_line_of_its_own(become_terminal: Callable[[], Terminal]) -> None:
    terminal = become_terminal()
    log.configure("text", verbosity=0)
    with rollout_progress([SERVER], lambda: 0) as shown:
        shown.tick()
        structlog.get_logger().info("restarted [bold]", workload="Deployment rucio/judge")
    (line,) = [line for line in terminal.getvalue().splitlines() if "restarted [bold]" in line]
    assert line.endswith("restarted [bold]  workload=Deployment rucio/judge")


def test_a_terminal_gets_a_spinner_with_the_elapsed_time(become_terminal: Callable[[], Terminal]) -> None:
    terminal = become_terminal()
    with working("reading the sources [x]"):
        pass
    assert "reading the sources [x] 0:00:00" in terminal.words


def test_control_characters_of_a_pods_words_do_not_reach_the_terminal(become_terminal: Callable[[], Terminal]) -> None:
    terminal = become_terminal()
    with rollout_progress([SERVER], lambda: 0) as shown:
        shown.update(SERVER, Status(State.IN_PROGRESS, "\x1b]0;owned\x07"))
        shown.tick()
    assert "\x1b]0" not in terminal.getvalue()
    assert r"\x1b]0;owned\x07" in terminal.words


def test_an_idle_run_without_a_terminal_does_not_import_what_draws_it() -> None:
    code = (
        "import sys; from secretsync.reconcile.progress import rollout_progress, working\n"
        "with rollout_progress([], lambda: 0), working('x'): pass\n"
        "import secretsync.cli.commands.passes, secretsync.cli.output\n"
        "sys.exit(not {'rich.live', 'rich.progress'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.PIPE).returncode == 0


def test_a_long_detail_is_cut_and_no_name_state_or_age(become_terminal: Callable[[], Terminal]) -> None:
    terminal = become_terminal()
    time = [0.0]
    with rollout_progress([SERVER], lambda: time[0], title="wave 1 of 1", timeout=600) as shown:
        shown.update(SERVER, Status(State.IN_PROGRESS, "0 of 2 replicas updated; " + "pod server-1 waits " * 9))
        time[0] = 42
        shown.tick()
    assert "Deployment server in progress 42s 0 of 2" in terminal.words
    assert "…" in terminal.words
