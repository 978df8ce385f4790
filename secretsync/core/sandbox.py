"""Runs a program of strangers: with an environment made for it, apart from this machine, bounded, and to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MOST_OUTPUT = 64 * 1024
"""Bytes of what the program prints that are kept."""

MOST_WRITTEN = 2 * 1024**3
"""Bytes that the files in its folder may take together."""

NOT_FOUND = 127
"""The exit code where there is no such program, as a shell has it."""

_INIT = Path(__file__).with_name("sandbox_init.py")
_SECONDS_TO_END = 10.0
_LOOK = 1.0


@dataclass(frozen=True)
class Completed:
    """How a program ended: its exit code, negative for a signal, None where the time was up; what it said on stderr.

    The signal is SIGXFSZ for what wrote more than MOST_WRITTEN, or too large a file.
    """

    code: int | None
    complaint: bytes


def run(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, *, seconds: float, network: bool
) -> Completed:
    """Run *command* in *folder*, the one place to which it should write, for at most *seconds*.

    All that it left behind is killed. Raises OSError where it cannot be started.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", str(_INIT), str(folder), "network" if network else "none", *command],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    beginning = bytearray()
    reader = threading.Thread(target=_keep_beginning, args=(process.stderr, beginning), daemon=True)
    reader.start()
    try:
        code = _wait(process, folder, time.monotonic() + seconds)
    finally:
        _end(process)
    reader.join(_SECONDS_TO_END)
    if process.stderr and not reader.is_alive():
        process.stderr.close()
    return Completed(code, bytes(beginning))


def _wait(process: subprocess.Popen[bytes], folder: Path, deadline: float) -> int | None:
    """The exit code; None where the time was up, SIGXFSZ where more was written than one may."""
    while (remaining := deadline - time.monotonic()) > 0:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(min(remaining, _LOOK))
        if _written(folder) > MOST_WRITTEN:
            return -signal.SIGXFSZ
    return None


def _written(folder: Path) -> int:
    """Bytes of the disk that the files below *folder* take, as far as they can be seen."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(f"{path}/{name}").st_blocks * 512
    return total


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM lets it kill what is below it; where it does not, its namespaces end with it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
    process.kill()
    process.wait()


def _keep_beginning(stream: IO[bytes] | None, beginning: bytearray) -> None:
    """Read all, so that nobody waits for a full pipe, and keep the begin of it."""
    while stream and (piece := stream.read1(MOST_OUTPUT)):  # type: ignore[attr-defined]  # a BufferedReader
        beginning += piece[: MOST_OUTPUT - len(beginning)]
