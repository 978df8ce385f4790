"""A port that answers: the standard library's server, with limits. What is answered is decided elsewhere."""

from __future__ import annotations

import io
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

import structlog

from secretsync.core.errors import ConfigError

log = structlog.get_logger()

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes. Forges may send more, of a push with thousands of commits: those are found by the next pass."""

_AT_ONCE = 8
_SECONDS = 10.0
"""Within which a request has to be there, whole."""

_A_MOMENT = 1.0
_LONGEST_LENGTH = 12


@dataclass(eq=False)
class PortUnusable(ConfigError):
    """The port cannot be listened on."""

    code = "port_unusable"

    port: int
    reason: str

    def __str__(self) -> str:
        return f"port {self.port} cannot be listened on: {self.reason}; choose another in the configuration"


@dataclass(frozen=True)
class Request:
    """What somebody asks; headers by their lower-case names."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    client: str


@dataclass(frozen=True)
class Response:
    """The response to a request: status, body and media type."""

    status: HTTPStatus
    text: str
    content_type: str = "text/plain; charset=utf-8"


@contextmanager
def listening(port: int, respond: Callable[[Request], Response]) -> Iterator[int]:
    """Answer on *port* (0: one that is free) until the end of this; yields the port. Raises PortUnusable."""
    try:
        server = _Server(port, respond)
    except OSError as error:
        raise PortUnusable(port, error.strerror or str(error)) from None
    thread = threading.Thread(target=server.serve_forever, name=f"port {port}", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    """IPv6 and IPv4 at once, and never more than a few questions at a time."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, port: int, respond: Callable[[Request], Response]) -> None:
        self.answer = respond
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self.incomplete: dict[int, socket.socket] = {}
        """Those whose request is not there yet, the oldest first, by the thread that reads it."""

        if socket.has_dualstack_ipv6():
            self.address_family = socket.AF_INET6
        super().__init__(("", port), _Handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            with suppress(OSError):
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)  # HTTPServer's asks DNS for our own name, which may take long
        self.server_port = self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self._hang_up_on_the_slowest()
            if not self._free.acquire(timeout=_A_MOMENT):
                self.shutdown_request(request)  # who is turned away comes again
                return
        super().process_request(request, client_address)

    def _hang_up_on_the_slowest(self) -> None:
        """A probe's request is there at once; who lets a byte drip now and then does not keep it out."""
        for slowest in list(self.incomplete.values())[:1]:
            with suppress(OSError):
                slowest.shutdown(socket.SHUT_RDWR)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, _request: Any, client_address: Any) -> None:
        if isinstance(sys.exception(), OSError):
            log.debug("a connection broke", client=client_address[0])
        else:
            log.exception("a request could not be answered; please report it", client=client_address[0])


class _Until(io.RawIOBase):
    """What comes on a socket until a moment of the monotonic clock; then a TimeoutError."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline = connection, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(max(0.001, self._deadline - time.monotonic()))
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    """One question, one answer. A client that says nothing for some seconds has nothing to ask."""

    timeout = _SECONDS
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_Until(self.connection, time.monotonic() + self.timeout))
        self.server.incomplete[threading.get_ident()] = self.connection

    def finish(self) -> None:
        self._is_complete()
        super().finish()

    def _is_complete(self) -> None:
        self.server.incomplete.pop(threading.get_ident(), None)

    def _respond(self) -> None:
        length = self.headers.get("Content-Length", "0")
        has_length = length.isascii() and length.isdigit() and len(length) <= _LONGEST_LENGTH
        if not has_length or int(length) > LARGEST_BODY:
            self._send(Response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large\n"))
            return
        body = self.rfile.read(int(length))
        self._is_complete()
        headers = {name.lower(): value for name, value in self.headers.items()}
        # as it was sent: the standard library's own path has '/sync' for '//sync'
        path = self.requestline.split()[1].partition("?")[0]
        self._send(self.server.answer(Request(self.command, path, headers, body, self.client_address[0])))

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _respond

    def _send(self, response: Response) -> None:
        body = response.text.encode()
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return "secretsync"

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name in the standard library
        """Nothing: probes and scrapes come all the time."""
