"""POST /sync, and what proves who asks."""

from __future__ import annotations

import base64
import hashlib
import hmac
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from secretsync.cluster.errors import Call, Unreachable
from secretsync.config.credentials import NoCredential
from secretsync.service.http_server import RateLimitedLog, Request, Response
from secretsync.service.webhook import By, proven_by, respond

SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
# GitHub's own example: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
HEX = SIGNATURE.removeprefix("sha256=")


# the example of https://www.standardwebhooks.com, whose form GitLab's signatures have
SIGNING_TOKEN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED_AT = 1614265330
SIGNED_BODY = b'{"test": 2432232314}'
SIGNED = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(SIGNED_AT),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def told(headers: dict[str, str], method: str = "POST", path: str = "/sync") -> tuple[Response, list[By]]:
    asked: list[By] = []
    request = Request(method, path, headers, BODY, "192.0.2.1")
    return respond(request, lambda: SECRET, asked.append, RateLimitedLog()), asked


@pytest.mark.parametrize(
    ("headers", "by"),
    [
        ({"x-hub-signature-256": SIGNATURE, "x-github-event": "push"}, By.GITHUB),
        ({"x-gitlab-token": SECRET}, By.GITLAB),
        ({"authorization": f"Bearer {SECRET}"}, By.TOKEN),
        ({"x-hub-signature": SIGNATURE, "x-event-key": "repo:push"}, By.BITBUCKET),
        ({"x-gitea-signature": HEX, "x-gogs-signature": HEX, "x-hub-signature": "sha1=old"}, By.GITEA),
        ({"x-gogs-signature": HEX, "x-gogs-event": "push"}, By.GOGS),
        ({"x-hub-signature-256": SIGNATURE, "x-gitea-signature": HEX}, By.GITHUB),
        ({"authorization": f"Basic {base64.b64encode(f'anybody:{SECRET}'.encode()).decode()}"}, By.BASIC),
        ({"authorization": f"basic {base64.b64encode(f':{SECRET}'.encode()).decode()}"}, By.BASIC),
    ],
)
def test_whoever_proves_the_secret_gets_a_pass(headers: dict[str, str], by: By) -> None:
    given, asked = told(headers)
    assert (given.status, asked) == (HTTPStatus.ACCEPTED, [by])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": SIGNATURE.replace("7", "8", 1)},
        {"x-hub-signature-256": SIGNATURE.removeprefix("sha256=")},
        {"x-hub-signature-256": SIGNATURE.upper()},
        {"x-hub-signature": "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()},
        {"x-hub-signature-256": "sha256=" + hmac.new(b"another", BODY, hashlib.sha256).hexdigest()},
        {"x-gitlab-token": ""},
        {"x-gitlab-token": SECRET[:-1]},
        {"x-gitlab-token": "é"},
        {"authorization": SECRET},
        {"authorization": f"Basic {SECRET}"},
        {"authorization": "Bearer "},
        {"authorization": "Basic"},
        {"authorization": f"Basic {base64.b64encode(SECRET.encode()).decode()}"},
        {"authorization": f"Basic {base64.b64encode(b'anybody:').decode()}"},
        {"x-gitea-signature": SIGNATURE},
        {"x-gogs-signature": HEX.upper()},
        {"x-hub-signature": HEX},
        # a wrong proof is not made good by another header
        {"x-hub-signature-256": "sha256=0", "x-gitlab-token": SECRET},
    ],
)
def test_a_forged_request_is_refused_and_starts_nothing(headers: dict[str, str]) -> None:
    given, asked = told(headers)
    assert (given.status, asked) == (HTTPStatus.UNAUTHORIZED, [By.REFUSED])
    assert SECRET not in given.text


@pytest.mark.parametrize("late", [-300, 0, 300])
@pytest.mark.parametrize("signature", [SIGNED["webhook-signature"], f"v1,old {SIGNED['webhook-signature']}"])
def test_gitlab_s_signing_token_proves_a_fresh_delivery(late: int, signature: str) -> None:
    headers = {**SIGNED, "webhook-signature": signature}
    assert proven_by(headers, SIGNED_BODY, SIGNING_TOKEN, SIGNED_AT + late) is By.GITLAB


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_another"},
        {"webhook-timestamp": str(SIGNED_AT + 1)},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-signature": ""},
        {"webhook-signature": SIGNED["webhook-signature"].removeprefix("v1,")},
        {"webhook-signature": "v1,", "x-gitlab-token": SIGNING_TOKEN},
    ],
)
def test_a_signed_delivery_that_was_changed_proves_nothing(changed: dict[str, str]) -> None:
    assert proven_by({**SIGNED, **changed}, SIGNED_BODY, SIGNING_TOKEN, SIGNED_AT) is By.REFUSED


def test_a_signed_delivery_that_comes_again_later_proves_nothing() -> None:
    assert proven_by(SIGNED, SIGNED_BODY, SIGNING_TOKEN, SIGNED_AT + 301) is By.REFUSED


@pytest.mark.parametrize("secret", ["whsec_", "a secret of another kind", "é"])
def test_a_secret_that_is_no_signing_token_proves_no_signature(secret: str) -> None:
    empty = base64.b64encode(hmac.new(b"", b"a.0." + BODY, hashlib.sha256).digest()).decode()
    headers = {"webhook-id": "a", "webhook-timestamp": "0", "webhook-signature": f"v1,{empty}"}
    assert proven_by(headers, BODY, secret, 0) is By.REFUSED


@given(body=st.binary(), forged=st.binary(), secret=st.text(min_size=1))
def test_a_signature_proves_one_body_and_no_other(body: bytes, forged: bytes, secret: str) -> None:
    key = secret.encode()
    headers = {"x-hub-signature-256": "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()}
    assert (proven_by(headers, forged, secret, 0) is By.GITHUB) == (forged == body)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-gitlab-token": ""},
        {"authorization": "Bearer "},
        {"x-hub-signature-256": "sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest()},
    ],
)
def test_an_empty_secret_proves_nothing(headers: dict[str, str]) -> None:
    assert proven_by(headers, BODY, "", 0) is By.REFUSED


def test_a_secret_that_cannot_be_read_refuses_all() -> None:
    def unreadable() -> str:
        raise NoCredential("/credentials/webhook/secret", "is empty or not there", "webhook.secret")

    request = Request("POST", "/sync", {"x-gitlab-token": SECRET}, BODY, "192.0.2.1")
    asked: list[By] = []
    assert respond(request, unreadable, asked.append, RateLimitedLog()).status == HTTPStatus.SERVICE_UNAVAILABLE
    assert asked == []


@pytest.mark.parametrize(
    "headers",
    [
        {"x-hub-signature-256": SIGNATURE, "x-github-event": "ping"},
        {"x-hub-signature": SIGNATURE, "x-event-key": "diagnostics:ping"},
    ],
)
def test_a_forge_s_first_ping_is_answered_and_starts_nothing(headers: dict[str, str]) -> None:
    given, asked = told(headers)
    assert (given.status, asked) == (HTTPStatus.OK, [])


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/sync", 405), ("POST", "/", 404)])
def test_only_a_post_to_sync_asks_for_a_pass(method: str, path: str, status: int) -> None:
    given, asked = told({"x-gitlab-token": SECRET}, method, path)
    assert (given.status, asked) == (status, [])


def test_refused_requests_do_not_fill_the_log() -> None:
    moment = [0.0]
    refusals = RateLimitedLog(now=lambda: moment[0])
    request = Request("POST", "/sync", {}, BODY, "192.0.2.1")
    with capture_logs() as said:
        for second in range(121):
            moment[0] = float(second)
            respond(request, lambda: SECRET, lambda by: None, refusals)
    assert [entry["requests"] for entry in said] == [1, 60, 60]


def test_who_knows_the_secret_cannot_fill_the_log_either() -> None:
    moment = [0.0]
    limited_log = RateLimitedLog(now=lambda: moment[0])
    request = Request("POST", "/sync", {"x-gitlab-token": SECRET}, BODY, "192.0.2.1")
    with capture_logs() as said:
        for hundredth in range(1_001):
            moment[0] = hundredth / 100
            respond(request, lambda: SECRET, lambda by: None, limited_log)
    assert [(entry["log_level"], entry["requests"]) for entry in said] == [("info", 1), ("info", 500), ("info", 500)]


def test_a_leader_that_cannot_be_told_is_said() -> None:
    def away(by: By) -> None:
        raise Unreachable(Call("update", "leases", "ops", "secretsync-leader"), "api", "timed out")

    request = Request("POST", "/sync", {"x-gitlab-token": SECRET}, BODY, "192.0.2.1")
    assert respond(request, lambda: SECRET, away, RateLimitedLog()).status == HTTPStatus.SERVICE_UNAVAILABLE
