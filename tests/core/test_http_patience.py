"""A server that answers without end is waited for no longer than it may take."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Iterator

import pytest
import urllib3

from secretsync.core.http_patience import PatientRetry, TooManyPieces, all_within, pieces_of

pytestmark = pytest.mark.slow


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

ENDLESS = {
    "100 Continue again and again": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a header's line": (HEAD + b"X-Long: ", b"a"),
    "headers": (HEAD, b"X-Many: a\r\n"),
    "trailers": (CHUNKED + b"0\r\n", b"X-Many: a\r\n"),
    "an extension of a chunk": (CHUNKED + b"1;", b"a"),
    "a body": (HEAD + b"\r\n", b"a"),
}


@contextlib.contextmanager
def endless(begin: bytes, more: bytes) -> Iterator[str]:
    """A server that says *begin*, then *more* again and again."""
    stopped = threading.Event()

    def answer() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(begin)
                while not stopped.wait(0.01):
                    connection.sendall(more)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopped.set()
            thread.join()


@pytest.mark.parametrize(("begin", "more"), ENDLESS.values(), ids=ENDLESS)
def test_whatever_a_server_sends_without_end_its_answer_ends(begin: bytes, more: bytes) -> None:
    with endless(begin, more) as url, pytest.raises((urllib3.exceptions.HTTPError, TimeoutError)):
        read_within(0.3, url)


def read_within(seconds: float, url: str) -> None:
    with all_within(seconds):
        response = urllib3.PoolManager().request("GET", url, timeout=5, retries=False, preload_content=False)
        for _ in pieces_of(response):
            pass


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("99999999999999999999", 30),
        ("9" * 5_000, 0),
        ("soon", 0),
        ("-1", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 30),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", 0),
    ],
)
def test_a_server_may_ask_for_seconds_and_no_more_than_it_is_given(header: str, seconds: float) -> None:
    assert PatientRetry(retry_after_max=30).parse_retry_after(header) == seconds


@pytest.mark.parametrize(
    ("number", "size", "is_read"), [(20_000, 1, True), (20_001, 1, False), (30_000, 255, False), (30_000, 256, True)]
)
def test_a_body_in_very_many_pieces_of_a_few_bytes_is_not_read_to_its_end(
    number: int, size: int, is_read: bool
) -> None:
    class Drips(io.RawIOBase):
        left = number

        def readable(self) -> bool:
            return True

        def read(self, most: int = -1) -> bytes:
            self.left -= 1
            return bytes(size) if self.left >= 0 else b""

        def read1(self, most: int = -1) -> bytes:
            return self.read(most)

    response = urllib3.HTTPResponse(Drips(), preload_content=False)
    if is_read:
        assert sum(map(len, pieces_of(response))) == number * size
    else:
        with pytest.raises(TooManyPieces):
            list(pieces_of(response))
