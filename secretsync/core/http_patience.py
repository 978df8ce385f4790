"""How long an HTTP server is waited for, whatever it sends.

A timeout of urllib3 is that of one read. So who sends a byte now and then, "100 Continue" again and again, or trailers
without end is waited for without end: the head and the trailers are read by the library, before and after the body.
"""

from __future__ import annotations

import http.client
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

_LARGEST_PIECE = 1 << 16
_MOST_PIECES, _SMALLEST_PIECE = 20_000, 256
"""A network's packets, and an honest server's chunks, have a thousand bytes and more on average."""

_of_thread = threading.local()


@contextmanager
def all_within(seconds: float) -> Iterator[None]:
    """Answers that this thread reads in here end within *seconds*, or their reading raises TimeoutError.

    urllib3 and requests make of it what they make of each timeout.
    """
    before = getattr(_of_thread, "deadline", None)
    _of_thread.deadline = time.monotonic() + seconds
    try:
        yield
    finally:
        _of_thread.deadline = before


class TooManyPieces(HTTPError):
    """Reading the body costs more than what it holds."""


def pieces_of(response: BaseHTTPResponse, *, decode: bool = True) -> Iterator[bytes]:
    """The body of *response* as its pieces come: ``read`` would wait for a whole one, however slowly it drips in.

    With *decode* the coding is undone that the answer says it has. Raises HTTPError, TooManyPieces for one.
    """
    count = length = 0
    while piece := response.read1(_LARGEST_PIECE, decode_content=decode):
        count, length = count + 1, length + len(piece)
        if count > _MOST_PIECES and length < count * _SMALLEST_PIECE:
            raise TooManyPieces("the answer comes in pieces of a few bytes")
        yield piece


class PatientRetry(Retry):
    """A Retry for which a ``Retry-After`` that is no time is none; urllib3 raises what it likes."""

    def parse_retry_after(self, retry_after: str) -> float:
        """The seconds that a server wants; 0 where that is no time."""
        try:
            return super().parse_retry_after(retry_after)
        except (InvalidHeader, ValueError, OverflowError):
            return 0.0


class _TimedReader(io.RawIOBase):
    """What a socket gives, up to the deadline of the thread that reads it."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        deadline = getattr(_of_thread, "deadline", None)
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError("the answer did not end in time")
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: Any, *further: Any, **named: Any) -> None:
        super().__init__(sock, *further, **named)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach()))


# of all connections, encrypted ones and proxies' too
HTTPConnection.response_class = _TimedResponse
