"""Being asked to stop while several sources are read: threads get no signals, and git must not be left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests import ROOT
from tests.servers.git_http import Behaviour, serve
from tests.sources.layouts import POLICY, below, commit, write

pytestmark = pytest.mark.slow


def test_a_run_that_reads_two_slow_sources_ends_at_once_and_leaves_no_git(tmp_path: Path) -> None:
    for module in ("one", "two"):
        write(tmp_path / "served" / module, below(module, POLICY))
        commit(tmp_path / "served" / module)
    behaviour = Behaviour(delay=300)
    with serve(tmp_path / "served", behaviour=behaviour) as address:
        packages = [{"moduleName": name, "requirement": f"git+{address}/{name}"} for name in ("one", "two")]
        target = {"cluster": {"directory": "./cluster"}, "namespace": "rucio"}
        whole = {"packages": packages, "targets": [target], "cache": "./cache"}
        (tmp_path / "secretsync.yaml").write_text(yaml.safe_dump(whole))
        process = subprocess.Popen(
            [sys.executable, "-m", "secretsync", "--once"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for_requests(behaviour, 2)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "stopped by SIGTERM" in told
    assert "Traceback" not in told
    assert children_speaking_to(address) == []


def wait_for_requests(behaviour: Behaviour, number: int) -> None:
    deadline = time.monotonic() + 60
    while len(behaviour.requests) < number and time.monotonic() < deadline:
        time.sleep(0.05)


def children_speaking_to(address: str) -> list[str]:
    commands = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it may end meanwhile
            commands.append(process.read_text().replace("\0", " "))
    return [command for command in commands if address in command]
