"""The long-running form in this very process, where a test can make a pass hang or break."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secretsync.core import shutdown
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Destination, Report
from secretsync.service import daemon

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGUSR1)
CONFIGURATION = """
packages: [{moduleName: pol, requirement: ./source}]
targets: [{cluster: {directory: ./cluster}, namespace: rucio}]
interval: 3600
health: {port: %d}
"""


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    shutdown.install_signal_handlers()
    yield
    shutdown.restore_signal_handlers()
    shutdown.install_signal_handlers()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def answer(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as told:
            return told.status, told.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


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
