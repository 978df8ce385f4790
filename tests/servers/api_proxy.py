"""A proxy in front of an API server, real or stub, that remembers each call and spoils those it is told to.

A fault is a function: it gets a way to forward the call and returns what the client receives; None resets the
connection. So a fault decides for itself whether the call takes place before things go wrong.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers.http import Answer, Request, serving

Forward = Callable[[], Answer]
Fault = Callable[[Forward], Answer | None]
Spoils = Callable[[Request], Fault | None]

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host", "keep-alive"}


def answers(status: int, retry_after: str = "") -> Fault:
    """The call does not take place: this answer instead."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return lambda forward: Answer(status, b"", headers)


def reset_before(forward: Forward) -> None:
    """The call does not take place, and the connection is reset."""


def reset_after(forward: Forward) -> None:
    """The call takes place, and its answer is lost."""
    forward()


def fails_after(forward: Forward) -> Answer:
    """The call takes place, and is answered with an error all the same."""
    forward()
    return Answer(500)


def truncated(forward: Forward) -> Answer:
    """Half of the answer arrives."""
    whole = forward()
    return Answer(whole.status, whole.body[: len(whole.body) // 2], whole.headers, length=len(whole.body))


def delayed(seconds: float) -> Fault:
    """The call takes place later."""

    def fault(forward: Forward) -> Answer:
        time.sleep(seconds)
        return forward()

    return fault


def trickling(pace: float) -> Fault:
    """The answer arrives byte by byte, each after *pace* seconds."""
    return lambda forward: replace(forward(), pace=pace)


def repeated(forward: Forward) -> Answer:
    """The call takes place twice, as after a retry of something in between."""
    forward()
    return forward()


def before(action: Callable[[], object]) -> Fault:
    """*action*, a kill for instance, comes before the call, which does not take place."""

    def fault(forward: Forward) -> None:
        action()

    return fault


def after(action: Callable[[], object]) -> Fault:
    """*action*, a kill for instance, comes after the call and before its answer, which is lost."""

    def fault(forward: Forward) -> None:
        forward()
        action()

    return fault


@dataclass
class Proxy:
    """*faults* spoil calls by their number, from 1; *spoils* looks at each call and says how it is spoilt.

    *url* is the proxy's own.
    """

    upstream: str
    certificate_authority: Path | None = None
    url: str = ""
    calls: list[Request] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)
    spoils: Spoils = lambda request: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Answer | None:
        with self._lock:
            self.calls.append(request)
            fault = self.faults.get(len(self.calls)) or self.spoils(request)
        forward = lambda: self._forward(request)  # noqa: E731 - a closure is what faults take
        return fault(forward) if fault else forward()

    def _forward(self, request: Request) -> Answer:
        url = urlsplit(self.upstream)
        connection: http.client.HTTPConnection
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=self.certificate_authority)
            connection = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=60, context=context)
        else:
            connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
        with contextlib.closing(connection):
            headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection.request(request.method, request.path, request.body or None, headers)
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
            return Answer(response.status, response.read(), kept)


@contextlib.contextmanager
def proxying(upstream: str, certificate_authority: Path | None = None) -> Iterator[Proxy]:
    """A proxy in front of *upstream*; its own URL is in *url*."""
    proxy = Proxy(upstream, certificate_authority)
    with serving(proxy) as proxy.url:
        yield proxy
