"""Thousands of passes with faults on the way: nothing grows, every failure is counted once, and all ends well.

On demand: SECRETSYNC_TEST_ALL=1; SECRETSYNC_SOAK_PASSES says how many passes, by default 2000.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.long_running import Process, started
from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import Site, until
from tests.on_demand import ON_DEMAND
from tests.servers import api_proxy, git_http
from tests.servers.api_proxy import Fault, Proxy
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.slow, ON_DEMAND]

PASSES = int(os.environ.get("SECRETSYNC_SOAK_PASSES", "2000"))
ROUND = 50
"""Passes in which each fault comes once."""


@dataclass(frozen=True)
class Held:
    """What a process holds of the machine; *memory* in KiB."""

    memory: int
    files: int
    threads: int
    children: int

    @classmethod
    def by(cls, pid: int) -> Held:
        proc = Path("/proc") / str(pid)
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        children = [one for task in (proc / "task").iterdir() for one in (task / "children").read_text().split()]
        files = list((proc / "fd").iterdir())
        return cls(int(status["VmRSS"].split()[0]), len(files), int(status["Threads"]), len(children))


def at_rest(process: Process) -> Held:
    """What it holds when nobody asks it anything: the least of a few looks."""
    looks = []
    for _ in range(10):
        time.sleep(0.2)
        looks.append(Held.by(process.process.pid))
    return min(looks, key=lambda held: (held.children, held.threads, held.files))


class Soak:
    """A process, the world around it, and what may go wrong there."""

    def __init__(self, process: Process, proxy: Proxy, git: git_http.Behaviour, repository: Repository) -> None:
        self.process, self.proxy, self.git, self.repository = process, proxy, git, repository
        self.good = process.configuration.read_text()
        self.files = dict(PACKAGE)

    @property
    def passes(self) -> float:
        return self.process.metric("secretsync_stage_duration_seconds_count", stage="pass")

    def one_pass(self, number: int) -> None:
        """Ask for a pass, with what goes wrong in it."""
        before = self.passes
        self._spoil(number)
        self.process.process.send_signal(signal.SIGUSR1)
        until(lambda: self.passes > before, f"pass {number} ends", seconds=120)
        self._mend()

    def _spoil(self, number: int) -> None:
        faults: dict[int, Callable[[], None]] = {
            5: lambda: self._spoil_next_call(api_proxy.answers(429)),
            10: lambda: self._spoil_next_call(api_proxy.answers(500)),
            15: lambda: self._spoil_next_call(api_proxy.reset_before),
            20: lambda: setattr(self.git, "garbage", b"not what git says"),
            25: lambda: self._configure(self.good + f"# edited before pass {number}\n"),
            30: lambda: self._configure("packages:\n"),
            35: self._sleep,
            40: lambda: self._spoil_next_call(api_proxy.answers(403)),
            45: lambda: self._push(number) if number % (4 * ROUND) == 45 else None,
        }
        faults.get(number % ROUND, lambda: None)()

    def _mend(self) -> None:
        self.git.garbage = b""
        self.proxy.spoils = lambda request: None
        if self.process.configuration.read_text() != self.good:
            self._configure(self.good)

    def _spoil_next_call(self, fault: Fault) -> None:
        number = len(self.proxy.calls) + 1
        self.proxy.spoils = lambda request: fault if len(self.proxy.calls) == number else None

    def _configure(self, text: str) -> None:
        self.process.configuration.write_text(text)

    def _sleep(self) -> None:
        self.process.process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        self.process.process.send_signal(signal.SIGCONT)

    def _push(self, number: int) -> None:
        self.files["rules.py"] = f"ALL = {number}\n".encode()
        self.repository.push(self.files)


def test_nothing_grows_and_every_failure_is_counted_once(
    control_plane: ControlPlane, namespace: str, proxy: Proxy, through_proxy: Path, tmp_path: Path
) -> None:
    repository, git = Repository(tmp_path), git_http.Behaviour()
    repository.push(PACKAGE)
    with git_http.serve(repository.bare.parent, behaviour=git) as url:
        requirement = f"git+{url}/{repository.bare.name}"
        site = Site(control_plane, namespace, tmp_path, MODULE, requirement, "site-policy", imports=(MODULE,))
        site.add("rucio-server", probe=True)
        site.add("rucio-judge", probe=True)
        with started(site, "soak", {"interval": 3600, "jitter": 0}, through_proxy) as process:
            until(lambda: process.ready, "the first pass ends", seconds=120)
            soak = Soak(process, proxy, git, repository)
            for number in range(4 * ROUND):  # until everything that can go wrong went wrong, rollouts included
                soak.one_pass(number)
            warm = at_rest(process)
            for number in range(4 * ROUND, PASSES):
                soak.one_pass(number)
            ended = at_rest(process)
            print(f"after {soak.passes:.0f} passes: {warm} became {ended}")

            soak.files["rules.py"] = b"ALL = 'the end'\n"
            repository.push(soak.files)
            soak.one_pass(0)
            failures = process.metric("secretsync_failures_total")
            source_errors = process.metric("secretsync_source_errors_total")
            left = [process.metric(f"secretsync_{what}") for what in ("pending", "degraded")]
            said = process.log.read_text()

    assert (ended.threads, ended.children) == (warm.threads, 0)
    assert ended.files <= warm.files + 3  # a connection that was reset waits for the garbage collector
    assert ended.memory < 1.1 * warm.memory
    assert failures == len(re.findall(r"^(?:FAILED|degraded:)", said, re.MULTILINE))
    assert failures >= 2 * (PASSES // ROUND)
    assert source_errors >= PASSES // ROUND
    assert left == [0, 0]  # its workloads name no policy to Rucio, so that "in sync" stays 0
    assert site.every_pod_runs(soak.files)
