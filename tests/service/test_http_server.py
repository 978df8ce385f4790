"""The port, asked over real sockets."""

from __future__ import annotations

import errno
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from socketserver import TCPServer

import pytest
from structlog.testing import capture_logs

from secretsync.service import http_server
from secretsync.service.http_server import PortUnusable, Request, Response


def echo(request: Request) -> Response:
    if request.path == "/breaks":
        raise RuntimeError("a bug")
    if request.path == "/large":
        return Response(HTTPStatus.OK, "x" * 30_000_000)
    return Response(HTTPStatus.OK, f"{request.method} {request.path} {request.headers.get('x-name')} {request.body!r}")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with http_server.listening(0, echo) as port:
        yield port


def ask(
    port: int, method: str, path: str, body: bytes = b"", host: str = "127.0.0.1", **headers: str
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): told for name, told in headers.items()})
        told = connection.getresponse()
        return told.status, told.read().decode()
    finally:
        connection.close()


def test_a_question_is_handed_on_whole(port: int) -> None:
    assert ask(port, "POST", "/sync?from=forge", b"body", X_Name="a") == (200, "POST /sync a b'body'")


def test_a_head_gets_no_body(port: int) -> None:
    assert ask(port, "HEAD", "/") == (200, "")


@pytest.mark.parametrize("length", ["-1", "many", str(http_server.LARGEST_BODY + 1), "٣", "9" * 5_000])
def test_a_body_that_is_too_large_is_not_read(port: int, length: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.0\r\nContent-Length: " + length.encode() + b"\r\n\r\n")
        assert b" 413 " in connection.recv(1000)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Transfer-Encoding: chunked", b" 411 "),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 2", b" 411 "),
        (b"Content-Length: 2\r\nContent-Length: 5", b" 413 "),
        (b"Content-Length: 2, 2", b" 413 "),
        (b"Content-Length: 2\r\nContent-Length: 2", b" 200 "),
    ],
)
def test_a_body_is_as_long_as_one_header_says(port: int, header: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + header + b"\r\n\r\n{}")
        assert status in connection.recv(1000)


def test_a_broken_answer_does_not_end_the_server(port: int) -> None:
    with capture_logs() as told, pytest.raises((http.client.HTTPException, ConnectionError)):
        ask(port, "GET", "/breaks")
    assert [one["log_level"] for one in told] == ["error"]
    assert ask(port, "GET", "/")[0] == 200


def test_who_says_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(http_server._Handler, "timeout", 0.1)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        assert connection.recv(1) == b""


def test_those_who_say_nothing_do_not_use_up_threads(port: int) -> None:
    before = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(20)]
    try:
        turned_away = [one for one in silent[:12] if one.recv(1) == b""]
        assert len(turned_away) == 12
        assert threading.active_count() <= before + 8
        assert ask(port, "GET", "/")[0] == 200
    finally:
        for one in silent:
            one.close()


def test_who_lets_bytes_drip_has_no_more_time_than_who_says_nothing(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(http_server._Handler, "timeout", 0.3)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, suppress(ConnectionError):
        connection.settimeout(0.05)
        for _ in range(200):
            connection.sendall(b"G")
            with suppress(TimeoutError):
                if connection.recv(1) == b"":
                    return
        pytest.fail("it is still read after ten seconds")


def test_those_who_let_bytes_drip_keep_nobody_out(port: int) -> None:
    dripping = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(8)]
    try:
        for connection in dripping:
            connection.sendall(b"GET / HTTP/1.1\r\nX-A: ")
        assert [ask(port, "GET", "/healthz")[0] for _ in range(20)] == [200] * 20
    finally:
        for connection in dripping:
            connection.close()


def test_those_who_do_not_read_keep_nobody_out(port: int) -> None:
    readers = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(8)]
    try:
        for connection in readers:
            connection.sendall(b"GET /large HTTP/1.1\r\n\r\n")
            assert connection.recv(4) == b"HTTP"
        assert [ask(port, "GET", "/healthz")[0] for _ in range(20)] == [200] * 20
    finally:
        for connection in readers:
            connection.close()


def test_a_thread_that_cannot_be_started_costs_one_connection(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with capture_logs() as said, monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        for _ in range(10):
            with pytest.raises((http.client.HTTPException, ConnectionError)):
                ask(port, "GET", "/")
    warnings = [entry["event"] for entry in said if entry["log_level"] == "warning"]
    assert warnings == ["a connection was closed: no thread can be started for it"]
    assert ask(port, "GET", "/")[0] == 200


def test_without_a_file_descriptor_a_connection_is_tried_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    refusals = iter([OSError(errno.EMFILE, "Too many open files")] * 3)

    def accept(server: TCPServer) -> tuple[socket.socket, object]:
        for refusal in refusals:
            raise refusal
        return server.socket.accept()

    monkeypatch.setattr(TCPServer, "get_request", accept)
    monkeypatch.setattr(http_server.time, "sleep", pauses.append)
    with http_server.listening(0, echo) as port:
        assert ask(port, "GET", "/")[0] == 200
    assert len(pauses) == 3


@pytest.mark.parametrize("path", ["//sync", "/sync/", "/sync;x", "http://h/sync", "/%73ync"])
def test_a_path_is_what_was_sent(port: int, path: str) -> None:
    assert ask(port, "POST", path)[1].split()[1] == path


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/x.y\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\na: " + b"b" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\xff\xfe: \x00\r\n\r\n",
        b"GET \xff HTTP/1.1\r\n\r\n",
        b"PROPFIND / HTTP/1.1\r\n\r\n",
    ],
    ids=range(12),
)
def test_a_malformed_request_leaves_no_traceback(port: int, request_: bytes) -> None:
    with capture_logs() as said:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, suppress(ConnectionError):
            connection.sendall(request_)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 16):
                pass
        assert ask(port, "GET", "/")[0] == 200
    assert [entry for entry in said if entry["log_level"] in ("error", "critical")] == []


def test_a_port_that_is_taken_is_an_error_that_names_it(port: int) -> None:
    with pytest.raises(PortUnusable, match=f"port {port} cannot be listened on: Address already in use"):
        http_server.listening(port, echo).__enter__()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_it_answers_on_ipv6_too(port: int) -> None:
    assert ask(port, "GET", "/", host="::1")[0] == 200
