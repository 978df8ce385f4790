"""What the servers of the tests share: an answer, and a server that gives one to each request."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    lines: tuple[tuple[str, str], ...] = ()
    """The lines of the headers, those of one name apart."""


@dataclass(frozen=True)
class Answer:
    """*length* is what Content-Length says, where that is not the truth; *pace* the seconds that each byte takes.

    *raw* is sent in place of all of it, and is no HTTP.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    pace: float = 0
    raw: bytes = b""


class Service(Protocol):
    def answer(self, request: Request) -> Answer | None:
        """The answer to a request; None to reset the connection."""


@contextlib.contextmanager
def serving(service: Service) -> Iterator[str]:
    """*service* on a free port of the loopback interface; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle_one_request()

        def finish(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().finish()

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = service.answer(
                Request(self.command, self.path, dict(self.headers), body, (*self.headers.items(),))
            )
            if answer is None:
                reset(self.connection)
                self.close_connection = True
                return
            if answer.raw:
                self.wfile.write(answer.raw)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
            self.end_headers()
            for block in [answer.body[n : n + 1] for n in range(len(answer.body))] if answer.pace else [answer.body]:
                self.wfile.write(block)
                self.wfile.flush()
                time.sleep(answer.pace)
            if answer.length is not None:
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond

        def log_message(self, *arguments: object) -> None:
            """Nothing: pytest's output is for results."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN, as a crashed peer does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
