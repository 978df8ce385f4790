"""Standard output and error that no work depends on: a full disk, or a reader that went away, stops no apply."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast


class LastingStream:
    """A text stream that drops what follows the first *failure* to write; a stream that was closed drops all."""

    def __init__(self, stream: TextIO | None) -> None:
        # Python has None where the descriptor was closed; opened now, it is not that of a file of ours
        self._stream = stream or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write *text*, or drop it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._drop(error)
            return len(text)

    def flush(self) -> None:
        """Write what is buffered, or drop it."""
        try:
            self._stream.flush()
        except OSError as error:
            self._drop(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _drop(self, error: OSError) -> None:
        self.failure = self.failure or error
        # what is still buffered goes nowhere as well: the interpreter would fail on it at exit
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


@contextmanager
def lasting_streams() -> Iterator[LastingStream]:
    """In here both streams of this process last. The value is standard output."""
    streams = sys.stdout, sys.stderr
    output = LastingStream(streams[0])
    sys.stdout, sys.stderr = cast("TextIO", output), cast("TextIO", LastingStream(streams[1]))
    try:
        yield output
    finally:
        sys.stdout, sys.stderr = streams


def output_is_lost() -> bool:
    """Whether what is written to standard output is dropped."""
    return isinstance(sys.stdout, LastingStream) and sys.stdout.failure is not None
