"""POST /sync: whoever proves that they know the secret gets a pass at once, a forge after a push for instance."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus

import structlog

from secretsync.core.errors import SecretSyncError
from secretsync.service.http_server import Answer, Request

log = structlog.get_logger()

_SECONDS = re.compile("[0-9]{1,12}")
_FRESH = 300
"""Seconds by which a signed time may differ from ours."""


class By(StrEnum):
    """Who proved it, and how."""

    GITHUB = "github"
    GITLAB = "gitlab"
    TOKEN = "token"  # noqa: S105 - the word, not one
    REFUSED = "refused"


def proven_by(headers: Mapping[str, str], body: bytes, secret: str, at: float) -> By:
    """Who asks, by the first proof that the request brings; REFUSED where that is wrong, or there is none.

    *at* is now, in seconds since 1970. Compared in constant time; an empty secret proves nothing.
    """
    for header, (by, holds) in _PROOFS.items():
        if header in headers:
            return by if secret and holds(headers, body, secret, at) else By.REFUSED
    return By.REFUSED


def _github_signed(headers: Mapping[str, str], body: bytes, secret: str, _at: float) -> bool:
    """https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries"""
    expected = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    return _same(headers["x-hub-signature-256"], expected)


def _gitlab_signed(headers: Mapping[str, str], body: bytes, secret: str, at: float) -> bool:
    """GitLab's signing token: https://docs.gitlab.com/user/project/integrations/webhooks/#signing-tokens

    The form is that of https://www.standardwebhooks.com; a header may hold several signatures.
    """
    delivery, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    key = _signing_key(secret)
    if not key or not _SECONDS.fullmatch(sent) or abs(at - int(sent)) > _FRESH:
        return False
    signed = f"{delivery}.{sent}.".encode("latin-1", "replace") + body
    expected = f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
    return any(_same(one, expected) for one in headers["webhook-signature"].split(" "))


def _signing_key(secret: str) -> bytes:
    """The bytes that GitLab signs with; none where the secret is of another kind."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return b""


def _gitlab_token(headers: Mapping[str, str], _body: bytes, secret: str, _at: float) -> bool:
    """GitLab's secret token: https://docs.gitlab.com/user/project/integrations/webhooks/"""
    return _same(headers["x-gitlab-token"], secret)


def _bearer(headers: Mapping[str, str], _body: bytes, secret: str, _at: float) -> bool:
    return _same(headers["authorization"], f"Bearer {secret}")


def _same(told: str, expected: str) -> bool:
    """Whether a header, whose bytes arrive as Latin-1, is what was expected."""
    return hmac.compare_digest(told.encode("latin-1", "replace"), expected.encode())


_PROOFS: Mapping[str, tuple[By, Callable[[Mapping[str, str], bytes, str, float], bool]]] = {
    "x-hub-signature-256": (By.GITHUB, _github_signed),
    "webhook-signature": (By.GITLAB, _gitlab_signed),
    "x-gitlab-token": (By.GITLAB, _gitlab_token),
    "authorization": (By.TOKEN, _bearer),
}
"""By header, the strongest first: who brings a wrong one is not saved by another."""


def answer(request: Request, secret: Callable[[], str], asked: Callable[[By], None]) -> Answer:
    """What whoever asks is told; *asked* is called once for each question, refused ones too.

    Both may raise SecretSyncError.
    """
    if request.path != "/sync":
        return Answer(HTTPStatus.NOT_FOUND, "there is /sync\n")
    if request.method != "POST":
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED, "POST /sync\n")
    try:
        by = proven_by(request.headers, request.body, secret(), time.time())
    except SecretSyncError as error:
        log.error("a request for a pass cannot be verified", why=str(error))
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, "requests cannot be verified just now: see secretsync's log\n")
    if by is By.GITHUB and request.headers.get("x-github-event") == "ping":
        return Answer(HTTPStatus.OK, "pong\n")
    try:
        asked(by)
    except SecretSyncError as error:
        log.error("a request for a pass cannot be passed on to the leader", why=str(error))
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, "the leader cannot be told just now: see secretsync's log\n")
    if by is By.REFUSED:
        log.warning("a request for a pass was refused: it does not prove the secret", client=request.client)
        return Answer(HTTPStatus.UNAUTHORIZED, "this request does not prove that it knows the webhook's secret\n")
    log.info("a pass was asked for", by=str(by), client=request.client)
    return Answer(HTTPStatus.ACCEPTED, "a pass starts\n")
