"""Measuring one command: how long it took, how much memory it needed, and when it did what."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

IMPORTS = "import click, packaging, pydantic, structlog, yaml, kubernetes.client.api_client, kubernetes.config"
"""The floor: what an idle pass needs of others, imported as everybody does."""


_RUNNER = """
import json, os, sys, time
began, clock = time.time(), time.monotonic()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
seconds = time.monotonic() - clock
with open(sys.argv[1], "w") as out:
    json.dump([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, began], out)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Linux counts as a process's memory what the process had that started it: this one is small."""


@dataclass(frozen=True)
class Cost:
    """*seconds* of wall time, and *cpu* of the command and all its children, in user and system mode.

    *mebibytes* is the largest resident set of the command or of any of its children.
    """

    seconds: float
    cpu: float
    mebibytes: float
    began: datetime


def cost(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """Run *command* to its end. Raises CalledProcessError when it fails, with what it said.

    Python keeps what it compiles, as the image has it: compiling all anew would cost more than what is measured.
    """
    environment = {**(os.environ if environment is None else environment)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.NamedTemporaryFile() as usage:
        process = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _RUNNER, usage.name, *command],
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if process.returncode:
            said = process.stdout.decode(errors="replace")
            raise subprocess.CalledProcessError(process.returncode, command, said)
        seconds, cpu, mebibytes, began = json.load(usage)
    return Cost(seconds, cpu, mebibytes, datetime.fromtimestamp(began, UTC))


def median(costs: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    return statistics.median(map(of, costs))
