"""The port, asked over real sockets."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from structlog.testing import capture_logs

from secretsync.service import http_server
from secretsync.service.http_server import Answer, PortUnusable, Request


def echo(request: Request) -> Answer:
    if request.path == "/breaks":
        raise RuntimeError("a bug")
    return Answer(HTTPStatus.OK, f"{request.method} {request.path} {request.headers.get('x-name')} {request.body!r}")


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


@pytest.mark.parametrize("length", ["-1", "many", str(http_server.LARGEST_BODY + 1), "٣"])
def test_a_body_that_is_too_large_is_not_read(port: int, length: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.0\r\nContent-Length: " + length.encode() + b"\r\n\r\n")
        assert b" 413 " in connection.recv(1000)


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
        turned_away = [one for one in silent[8:] if one.recv(1) == b""]
        assert len(turned_away) == 12
        assert threading.active_count() <= before + 8
    finally:
        for one in silent:
            one.close()


def test_a_port_that_is_taken_is_an_error_that_names_it(port: int) -> None:
    with pytest.raises(PortUnusable, match=f"port {port} cannot be listened on: Address already in use"):
        http_server.listening(port, echo).__enter__()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_it_answers_on_ipv6_too(port: int) -> None:
    assert ask(port, "GET", "/", host="::1")[0] == 200
