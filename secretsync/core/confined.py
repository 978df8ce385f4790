"""Runs a function on foreign bytes in a process of its own, for libraries whose memory and time nothing else limits.

The child is this very file: it limits itself before it reads anything, and answers in JSON.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the child imports nothing of secretsync but what it is asked to run
    from secretsync.core.foreign import Refusal

MEMORY = 96 * 1024 * 1024
"""Bytes of address space that the child may have, the interpreter and the library included."""

SECONDS = 5
"""Processor time that the child may take."""

_MOST_SECONDS_BY_THE_CLOCK = 60
"""A busy machine gives it only a share of its processors."""

_MOST_ANSWERED = 8 * 1024 * 1024
_OUT_OF_MEMORY, _DAMAGED, _NESTED = 3, 4, 5


def call(function: str, data: bytes, refusal: Refusal) -> Any:
    """What *function*, named ``module:name``, returns for *data*, as JSON brings it over.

    Raises the refusal where it takes more than MEMORY or SECONDS, or raises anything.
    """
    memory, seconds = MEMORY, SECONDS
    process = subprocess.Popen(
        [sys.executable, "-I", str(Path(__file__)), function, str(memory), str(seconds)],
        env={"HOME": os.devnull},  # libraries look for a home when imported, and a user may have no account to give one
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(data, timeout=_MOST_SECONDS_BY_THE_CLOCK)
    except subprocess.TimeoutExpired:
        raise refusal(f"it takes more than {_MOST_SECONDS_BY_THE_CLOCK} s to read on this machine") from None
    finally:
        process.kill()
        process.communicate()
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise refusal(f"it takes more than {seconds} s to read")
    if process.returncode == _OUT_OF_MEMORY:
        raise refusal(f"it takes more than {memory // 1024 // 1024} MiB of memory to read")
    if process.returncode == _NESTED:
        raise refusal("it is nested too deeply")
    if process.returncode != 0:
        raise refusal("it is damaged")
    return json.loads(output)


def main(arguments: Sequence[str]) -> int:
    """The child's exit code: what went wrong, without a word of what was read."""
    function, memory, seconds = arguments[0], int(arguments[1]), int(arguments[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    try:
        module, _, name = function.partition(":")
        output = json.dumps(getattr(import_module(module), name)(sys.stdin.buffer.read()))
    except MemoryError:
        return _OUT_OF_MEMORY
    except RecursionError:
        return _NESTED
    except Exception:  # noqa: BLE001 - its kind and its text are the library's, and of foreign origin
        return _DAMAGED
    if len(output) > _MOST_ANSWERED:
        return _OUT_OF_MEMORY
    sys.stdout.write(output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
