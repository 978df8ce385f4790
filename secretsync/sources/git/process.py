"""One git command: hermetic, bounded in time and output, its whole process group ended with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import structlog

from secretsync.core import shutdown
from secretsync.core.errors import SourceError
from secretsync.core.log import GIT_CALL
from secretsync.sources.environment import passed_on

log = structlog.get_logger()

# Answers are listings and the package's own files; nothing larger is read into memory.
LARGEST_ANSWER = 256 * 1024 * 1024
_LARGEST_COMPLAINT = 64 * 1024
_TICK = 0.2
_IN_ENGLISH: Mapping[str, str] = {"LANGUAGE": "C", "LC_ALL": "C"}
"""What git says is read."""


class GitMissing(SourceError):
    """There is no git command."""

    code = "git_missing"

    def __str__(self) -> str:
        return "there is no 'git' on PATH; install git to use git+… requirements"


@dataclass(eq=False)
class GitTimedOut(SourceError):
    """A git command did not end in time; it and its children were ended."""

    code = "git_timed_out"

    verb: str
    seconds: float

    def __str__(self) -> str:
        return (
            f"git {self.verb} did not end within {self.seconds:g} s and was ended; "
            "check the server, or raise 'timeout' of the package or target"
        )


@dataclass(eq=False)
class AnswerTooLarge(SourceError):
    """A git command wrote more than anything that belongs to a policy package."""

    code = "answer_too_large"

    verb: str
    limit: int

    def __str__(self) -> str:
        return f"git {self.verb} wrote more than {self.limit:,} bytes and was ended; is this the right repository?"


@dataclass(frozen=True)
class GitResult:
    """What a command wrote, and its exit code; *complaint* is its stderr."""

    status: int
    stdout: bytes = field(repr=False)
    complaint: str = field(repr=False)


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: float,
    text: bytes = b"",
    keep_open: Sequence[int] = (),
    watch: Callable[[], None] = lambda: None,
    largest: int = LARGEST_ANSWER,
) -> GitResult:
    """Run ``git`` with *arguments*, *text* on its stdin, for at most *timeout* seconds and *largest* bytes of answer.

    The descriptors in *keep_open* stay open in it: a lock then lasts as long as the command, even if we are killed.
    *watch* is called now and then and may raise. Raises GitMissing, GitTimedOut, AnswerTooLarge.
    """
    verb = next(argument for argument in arguments if not argument.startswith("-"))
    started_at = time.monotonic()
    with tempfile.TemporaryFile() if text else Path(os.devnull).open("w+b") as stdin:
        stdin.write(text)
        stdin.seek(0)
        process = _start(arguments, environment, stdin.fileno(), keep_open)
    with ThreadPoolExecutor(2, "git") as readers:
        stdout = readers.submit(_first, cast(IO[bytes], process.stdout), largest + 1, drain=False)
        complaint = readers.submit(_first, cast(IO[bytes], process.stderr), _LARGEST_COMPLAINT, drain=True)
        try:
            _wait_for((stdout, complaint), verb, timeout, watch, largest)
        finally:
            status = _end(process)
            log.debug(GIT_CALL, verb=verb, status=status, seconds=round(time.monotonic() - started_at, 2))
    if len(stdout.result()) > largest:
        raise AnswerTooLarge(verb, largest)
    return GitResult(status, stdout.result(), complaint.result().decode(errors="replace"))


def _start(
    arguments: Sequence[str], environment: Mapping[str, str], stdin: int, keep_open: Sequence[int]
) -> subprocess.Popen[bytes]:
    if not shutil.which("git"):
        raise GitMissing
    return subprocess.Popen(
        ["git", *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=os.sep,
        env={**passed_on(), **_IN_ENGLISH, **environment},
        # a session of its own can be ended as a whole
        start_new_session=True,
        pass_fds=tuple(keep_open),
    )


def _wait_for(
    readers: tuple[Future[bytes], Future[bytes]],
    verb: str,
    timeout: float,
    watch: Callable[[], None],
    largest: int,
) -> None:
    deadline = time.monotonic() + timeout
    while wait(readers, timeout=min(_TICK, timeout)).not_done:
        shutdown.stop_if_asked()
        watch()
        if readers[0].done() and len(readers[0].result()) > largest:
            return
        if time.monotonic() > deadline:
            raise GitTimedOut(verb, timeout)


def _first(stream: IO[bytes], limit: int, *, drain: bool) -> bytes:
    """The first *limit* bytes; draining reads and drops what follows, so that the writer never waits."""
    first = stream.read(limit)
    while drain and stream.read(limit):
        pass
    return first


def _end(process: subprocess.Popen[bytes]) -> int:
    """Its exit code; whatever still runs of it is killed first."""
    with suppress(subprocess.TimeoutExpired):
        return process.wait(_TICK)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()
