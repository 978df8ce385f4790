"""The long-running form in this very process, where a test can make a pass hang or break."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from secretsync.core import shutdown
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Destination, Report
from secretsync.service import daemon
from tests.servers.http import answered, free_port

pytestmark = pytest.mark.usefixtures("signal_handlers")
CONFIGURATION = """
packages: [{moduleName: pol, requirement: ./source}]
targets: [{cluster: {directory: ./cluster}, namespace: rucio}]
interval: 3600
health: {port: %d}
"""


@pytest.fixture
def port() -> int:
    return free_port()


def answer(port: int, path: str) -> tuple[int, str]:
    return answered(f"http://127.0.0.1:{port}{path}")


def serve_until(condition: Callable[[], bool], folder: Path, port: int) -> None:
    """Run the long-running form until *condition* holds, and stop it then as Kubernetes does."""
    (folder / "secretsync.yaml").write_text(CONFIGURATION % port)
    held: list[bool] = []

    def watch() -> None:
        deadline = time.monotonic() + 60
        while not held and time.monotonic() < deadline:
            if condition():
                held.append(True)
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    watching = threading.Thread(target=watch)
    watching.start()
    with pytest.raises(shutdown.Stopped):
        daemon.Service(folder / "secretsync.yaml", ignore).run()
    watching.join()
    assert held


def ignore(outcome: Outcome) -> None:
    """Nobody reads the reports here."""


def test_a_pass_that_hangs_is_told_by_healthz_and_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, port: int
) -> None:
    def hang(destination: Destination) -> Report:
        threading.Event().wait()
        raise AssertionError

    monkeypatch.setattr(daemon, "sync", hang)
    monkeypatch.setattr(daemon, "stuck_after", lambda configuration: 0.1)
    serve_until(lambda: answer(port, "/healthz")[0] == 503, tmp_path, port)


def test_a_bug_is_counted_once_and_does_not_end_the_loop(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, port: int
) -> None:
    def broken(destination: Destination) -> Report:
        raise RuntimeError("a bug")

    monkeypatch.setattr(daemon, "sync", broken)
    counted = 'secretsync_failures_total{reason="bug",target="directory cluster, namespace rucio"} 1.0'
    serve_until(lambda: counted in answer(port, "/metrics")[1], tmp_path, port)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))
