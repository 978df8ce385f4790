"""/healthz, /readyz and /metrics on one port, and where that is wanted a page."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST

from secretsync.service.http_server import Answer, Request
from secretsync.service.probes import Health, Verdict
from secretsync.service.registry import Registry


def answer(request: Request, health: Health, registry: Registry, page: Callable[[], str] | None = None) -> Answer:
    """What a probe, Prometheus, or where there is a *page* a person, is told."""
    if request.method not in ("GET", "HEAD"):
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED, "GET /healthz, /readyz or /metrics\n")
    match request.path:
        case "/healthz":
            return _verdict(health.alive)
        case "/readyz":
            return _verdict(health.ready)
        case "/metrics":
            return Answer(HTTPStatus.OK, registry.text().decode(), CONTENT_TYPE_LATEST)
        case "/" if page:
            return Answer(HTTPStatus.OK, page(), "text/html; charset=utf-8")
    return Answer(HTTPStatus.NOT_FOUND, "there are /healthz, /readyz and /metrics\n")


def _verdict(verdict: Verdict) -> Answer:
    status = HTTPStatus.OK if verdict.well else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, f"{verdict.sentence}\n")
