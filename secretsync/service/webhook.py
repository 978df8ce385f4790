"""POST /sync: whoever proves that they know the secret gets a pass at once, a forge after a push for instance."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus

from secretsync.core.errors import SecretSyncError
from secretsync.service.http_server import RateLimitedLog, Request, Response
from secretsync.service.loop import LEAST_PAUSE

_SECONDS = re.compile("[0-9]{1,12}")
_PINGS = {("x-github-event", "ping"), ("x-event-key", "diagnostics:ping")}
"""What GitHub and Bitbucket send to see whether anybody answers."""

_FRESH = 300
"""Seconds by which a signed time may differ from ours."""


class By(StrEnum):
    """Who proved it, and how."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    GOGS = "gogs"
    BITBUCKET = "bitbucket"
    BASIC = "basic"
    TOKEN = "token"  # noqa: S105 - the word, not one
    REFUSED = "refused"


def proven_by(headers: Mapping[str, str], body: bytes, secret: str, at: float) -> By:
    """Who asks, by the first proof that the request brings; REFUSED where that is wrong, or there is none.

    *at* is now, in seconds since 1970. Compared in constant time; an empty secret proves nothing.
    """
    for header, (by, proves) in _PROOFS.items():
        if header in headers:
            if header == "authorization" and _is_basic(headers):
                by, proves = By.BASIC, _basic
            return by if secret and proves(headers, body, secret, at) else By.REFUSED
    return By.REFUSED


def _github_signed(headers: Mapping[str, str], body: bytes, secret: str, _at: float) -> bool:
    """https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries"""
    return _same(headers["x-hub-signature-256"], f"sha256={_hmac(secret, body)}")


def _bitbucket_signed(headers: Mapping[str, str], body: bytes, secret: str, _at: float) -> bool:
    """https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/; older forges sign here by SHA-1: refused."""
    return _same(headers["x-hub-signature"], f"sha256={_hmac(secret, body)}")


def _gitea_signed(headers: Mapping[str, str], body: bytes, secret: str, _at: float) -> bool:
    """https://docs.gitea.com/usage/webhooks, and Forgejo's."""
    return _same(headers["x-gitea-signature"], _hmac(secret, body))


def _gogs_signed(headers: Mapping[str, str], body: bytes, secret: str, _at: float) -> bool:
    """https://gogs.io/docs/features/webhook"""
    return _same(headers["x-gogs-signature"], _hmac(secret, body))


def _hmac(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


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
    return any(_same(signature, expected) for signature in headers["webhook-signature"].split(" "))


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


def _basic(headers: Mapping[str, str], _body: bytes, secret: str, _at: float) -> bool:
    """The secret is the password of any user: all that Azure DevOps can send.

    https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks
    """
    _, _, value = headers["authorization"].partition(" ")
    try:
        password = base64.b64decode(value, validate=True).partition(b":")[2]
    except ValueError:
        return False
    return hmac.compare_digest(password, secret.encode())


def _is_basic(headers: Mapping[str, str]) -> bool:
    return headers["authorization"].partition(" ")[0].lower() == "basic"


def _same(actual: str, expected: str) -> bool:
    """Whether a header, whose bytes arrive as Latin-1, is what was expected."""
    return hmac.compare_digest(actual.encode("latin-1", "replace"), expected.encode())


_PROOFS: Mapping[str, tuple[By, Callable[[Mapping[str, str], bytes, str, float], bool]]] = {
    "x-hub-signature-256": (By.GITHUB, _github_signed),
    "x-gitea-signature": (By.GITEA, _gitea_signed),
    "x-gogs-signature": (By.GOGS, _gogs_signed),
    "x-hub-signature": (By.BITBUCKET, _bitbucket_signed),
    "webhook-signature": (By.GITLAB, _gitlab_signed),
    "x-gitlab-token": (By.GITLAB, _gitlab_token),
    "authorization": (By.TOKEN, _bearer),
}
"""By header, the strongest first: who brings a wrong one is not saved by another."""


def respond(
    request: Request, secret: Callable[[], str], on_request: Callable[[By], None], log: RateLimitedLog
) -> Response:
    """What whoever asks is told; *on_request* is called once for each question, refused ones too.

    Both may raise SecretSyncError.
    """
    if request.path != "/sync":
        return Response(HTTPStatus.NOT_FOUND, "there is /sync\n")
    if request.method != "POST":
        return Response(HTTPStatus.METHOD_NOT_ALLOWED, "POST /sync\n")
    try:
        by = proven_by(request.headers, request.body, secret(), time.time())
    except SecretSyncError as error:
        log.add("a request for a pass cannot be verified", why=str(error))
        return Response(HTTPStatus.SERVICE_UNAVAILABLE, "requests cannot be verified just now: see secretsync's log\n")
    if by is not By.REFUSED and _PINGS & request.headers.items():
        return Response(HTTPStatus.OK, "pong\n")
    try:
        on_request(by)
    except SecretSyncError as error:
        event = "a request for a pass cannot be passed on to the leader"
        log.add(event, level=logging.ERROR, why=str(error))
        return Response(HTTPStatus.SERVICE_UNAVAILABLE, "the leader cannot be reached: see secretsync's log\n")
    if by is By.REFUSED:
        log.add("a request for a pass was refused: it does not prove the secret", client=request.client)
        return Response(HTTPStatus.UNAUTHORIZED, "this request does not prove that it knows the webhook's secret\n")
    log.add("a pass was asked for", level=logging.INFO, seconds=LEAST_PAUSE, by=str(by), client=request.client)
    return Response(HTTPStatus.ACCEPTED, "a pass starts\n")
