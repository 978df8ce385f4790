"""/healthz, /readyz and /metrics on one port, and where that is wanted a page."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST

from secretsync.service.http_server import Request, Response
from secretsync.service.probes import Health, Verdict
from secretsync.service.registry import Registry


def respond(request: Request, health: Health, registry: Registry, page: Callable[[], str] | None = None) -> Response:
    """What a probe, Prometheus, or where there is a *page* a person, is told."""
    if request.method not in ("GET", "HEAD"):
        return Response(HTTPStatus.METHOD_NOT_ALLOWED, "GET /healthz, /readyz or /metrics\n")
    match request.path:
        case "/healthz":
            return _verdict(health.alive)
        case "/readyz":
            return _verdict(health.ready)
        case "/metrics":
            return Response(HTTPStatus.OK, registry.text().decode(), CONTENT_TYPE_LATEST)
        case "/" if page:
            return Response(HTTPStatus.OK, page(), "text/html; charset=utf-8")
    return Response(HTTPStatus.NOT_FOUND, "there are /healthz, /readyz and /metrics\n")


def _verdict(verdict: Verdict) -> Response:
    status = HTTPStatus.OK if verdict.healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(status, f"{verdict.sentence}\n")
