"""A port that answers: the standard library's server, with limits. What is answered is decided elsewhere."""

from __future__ import annotations

import io
import logging
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
_RETRY = 0.1
"""Seconds until a connection is accepted again where the process has no file descriptor left."""

_LONGEST_LENGTH = 12
_SELDOM = 60.0


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


class RateLimitedLog:
    """Logs what requests cause, and how often, at most once in some seconds: who sends them cannot fill the log."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, threading.Lock()
        self._next: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def add(self, event: str, *, level: int = logging.WARNING, seconds: float = _SELDOM, **facts: Any) -> None:
        """One more request to which *event* happened; *facts* are of this one."""
        with self._lock:
            count = self._unsaid.get(event, 0) + 1
            is_due = self._now() >= self._next.get(event, 0)
            self._unsaid[event] = 0 if is_due else count
            if is_due:
                self._next[event] = self._now() + seconds
        if is_due:
            log.log(level, event, requests=count, **facts)


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
        self._log = RateLimitedLog()
        self.waited_for: dict[int, socket.socket] = {}
        """Those who have not sent their request, or not read the response, the oldest first, by their thread."""

        if socket.has_dualstack_ipv6():
            self.address_family = socket.AF_INET6
        super().__init__(("", port), _Handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            with suppress(OSError):
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)  # HTTPServer's asks DNS for our own name, which may take long
        self.server_port = self.server_address[1]

    def get_request(self) -> Any:
        try:
            return super().get_request()
        except OSError:
            time.sleep(_RETRY)  # the connection is still there: without a pause it would be tried all the time
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self._hang_up_on_the_slowest()
            if not self._free.acquire(timeout=_A_MOMENT):
                self.shutdown_request(request)  # who is turned away comes again
                return
        try:
            super().process_request(request, client_address)
        except RuntimeError as error:  # no thread can be started: a limit of the machine, or of the pod
            self._free.release()
            self.shutdown_request(request)
            self._log.add("a connection was closed: no thread can be started for it", why=str(error))

    def _hang_up_on_the_slowest(self) -> None:
        """A probe asks and reads at once; who lets a byte drip now and then does not keep it out."""
        for slowest in list(self.waited_for.values())[:1]:
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
            event = "a request could not be answered; please report it"
            self._log.add(event, level=logging.ERROR, client=client_address[0], exc_info=True)


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
        self._client_is_slow()

    def finish(self) -> None:
        self._client_is_served()
        super().finish()

    def _client_is_slow(self) -> None:
        self.server.waited_for[threading.get_ident()] = self.connection

    def _client_is_served(self) -> None:
        self.server.waited_for.pop(threading.get_ident(), None)

    def _respond(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self._send(Response(HTTPStatus.LENGTH_REQUIRED, "send the body with a Content-Length, not in chunks\n"))
            return
        lengths = set(self.headers.get_all("Content-Length", ["0"]))
        length = lengths.pop()
        has_length = not lengths and length.isascii() and length.isdigit() and len(length) <= _LONGEST_LENGTH
        if not has_length or int(length) > LARGEST_BODY:
            sentence = f"the Content-Length has to be one number of at most {LARGEST_BODY}\n"
            self._send(Response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence))
            return
        body = self.rfile.read(int(length))
        self._client_is_served()
        headers = {name.lower(): value for name, value in self.headers.items()}
        # as it was sent: the standard library's own path has '/sync' for '//sync'
        path = self.requestline.split()[1].partition("?")[0]
        self._send(self.server.answer(Request(self.command, path, headers, body, self.client_address[0])))

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _respond

    def _send(self, response: Response) -> None:
        body = response.text.encode()
        self._client_is_slow()
        self.connection.settimeout(self.timeout)
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
