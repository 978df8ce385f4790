"""POST /sync: whoever proves that they know the secret gets a pass at once, a forge after a push for instance."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus

import structlog

from secretsync.errors import SecretSyncError
from secretsync.listening import Answer, Request

log = structlog.get_logger()


class By(StrEnum):
    """Who proved it, and how."""

    GITHUB = "github"
    GITLAB = "gitlab"
    TOKEN = "token"  # noqa: S105 - the word, not one
    REFUSED = "refused"


def proven_by(headers: Mapping[str, str], body: bytes, secret: str) -> By:
    """Who asks, by the one proof that the request brings; REFUSED where it is wrong, or missing.

    The forges' rules: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries and
    https://docs.gitlab.com/user/project/integrations/webhooks/. Compared in constant time; an empty secret proves
    nothing.
    """
    key = secret.encode()
    proofs = {
        "x-hub-signature-256": (By.GITHUB, f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"),
        "x-gitlab-token": (By.GITLAB, secret),
        "authorization": (By.TOKEN, f"Bearer {secret}"),
    }
    for header, (by, expected) in proofs.items():
        if (told := headers.get(header)) is not None:
            # a header's bytes arrive as Latin-1
            right = hmac.compare_digest(told.encode("latin-1", "replace"), expected.encode())
            return by if right and secret else By.REFUSED
    return By.REFUSED


def answer(request: Request, secret: Callable[[], str], asked: Callable[[By], None]) -> Answer:
    """What whoever asks is told; *asked* is called once for each question, refused ones too.

    Both may raise SecretSyncError.
    """
    if request.path != "/sync":
        return Answer(HTTPStatus.NOT_FOUND, "there is /sync\n")
    if request.method != "POST":
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED, "POST /sync\n")
    try:
        by = proven_by(request.headers, request.body, secret())
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
