"""What the servers of the tests share: an answer, and a server that gives one to each request."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
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


@contextlib.contextmanager
def listening(
    handler: type[BaseHTTPRequestHandler],
    port: int = 0,
    *,
    certificate: tuple[Path, Path] | None = None,
    client_ca: Path | None = None,
) -> Iterator[str]:
    """A server whose requests *handler* answers; gives its URL.

    *certificate* is a chain and its key, and makes it https; *client_ca* then asks for client certificates.
    """
    server = _Server(("127.0.0.1", port), handler)
    # a client may go away between select and accept, which would then wait for the next one
    server.socket.settimeout(1)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"{'https' if certificate else 'http'}://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away, or that do not trust us, are what the tests are about."""


def free_port() -> int:
    """One of the loopback interface that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def answered(request: urllib.request.Request | str) -> tuple[int, str]:
    """The status and the text of the answer; status 0 while nobody listens."""
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""
