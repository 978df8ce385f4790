"""Measuring one command: how long it took, how much memory it needed, and when it did what."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

IMPORTS = "import click, packaging, pydantic, structlog, yaml, kubernetes.client.api_client, kubernetes.config"
"""The floor: what an idle pass needs of others, imported as everybody does."""


@dataclass(frozen=True)
class Cost:
    """*seconds* of wall time, and *cpu* of the command and all its children, in user and system mode.

    *mebibytes* is the largest resident set of the command or of any of its children; as Linux counts, it is never less
    than that of this process when it started the command.
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
    began, clock = datetime.now(UTC), time.monotonic()
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - clock
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, said.decode(errors="replace"))
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, began)


def median(costs: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    return statistics.median(map(of, costs))
