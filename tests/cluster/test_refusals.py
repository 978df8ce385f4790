"""What the API's error answers mean; the bodies are those of a real API server (1.37)."""

from __future__ import annotations

import base64
import json

import pytest

from secretsync.cluster import errors
from secretsync.cluster.errors import Call, Refusal
from secretsync.cluster.refusals import refusal

SECRETS = Call("update", "secrets", "rucio", "atlas")
RESTART = Call("patch", "deployments.apps", "rucio", "server")


def status(
    message: str = "", reason: str = "", kind: str = "secrets", causes: list[dict[str, str]] | None = None
) -> bytes:
    details = {"kind": kind, "causes": causes or []}
    return json.dumps({"kind": "Status", "message": message, "reason": reason, "details": details}).encode()


CAUSE = {"reason": "FieldValueInvalid", "field": "data[a/b]", "message": 'Invalid value: "a/b"'}


@pytest.mark.parametrize(
    ("code", "body", "expected"),
    [
        (401, status("Unauthorized", "Unauthorized"), errors.Unauthorized),
        (403, status('secrets is forbidden: User "x" cannot list resource', "Forbidden"), errors.Forbidden),
        (403, status('secrets is forbidden: User "system:anonymous" cannot list', "Forbidden"), errors.Unauthorized),
        (403, status("forbidden", causes=[{"reason": "NamespaceTerminating"}]), errors.NamespaceTerminating),
        (403, status('secrets "a" is forbidden: exceeded quota: few, requested: 1'), errors.QuotaExceeded),
        (403, status('admission webhook "w.example" denied the request: no'), errors.Denied),
        (422, status("forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"), errors.Denied),
        (403, status('pods "a" is forbidden: violates PodSecurity "restricted:latest": privileged'), errors.Denied),
        (403, status('deployments.apps "a" is forbidden: unable to validate against any security'), errors.Denied),
        (403, status('secrets "a" is forbidden: User "x" cannot patch resource "secrets"'), errors.Forbidden),
        (500, status('Internal error occurred: failed calling webhook "w.example": no route'), errors.WebhookFailed),
        (404, status("not found", "NotFound", "namespaces"), errors.NamespaceMissing),
        (404, status("not found", "NotFound"), errors.NotFound),
        (413, status("too large", "RequestEntityTooLarge"), errors.TooLarge),
        (422, status(causes=[{"reason": "FieldValueTooLong", "field": "data"}]), errors.TooLarge),
        (422, status("invalid", "Invalid", causes=[CAUSE]), errors.InvalidObject),
        (422, status("data: Forbidden: field is immutable when `immutable` is set", "Invalid"), errors.Immutable),
        (429, status("slow down", "TooManyRequests"), errors.ServerFailed),
        (503, b"<html>upstream unavailable</html>", errors.ServerFailed),
    ],
)
def test_each_answer_is_an_error_of_its_own(code: int, body: bytes, expected: type[Refusal]) -> None:
    assert type(refusal(SECRETS, code, body)) is expected


def test_a_404_that_is_not_the_apis_does_not_mean_that_the_object_is_absent() -> None:
    assert type(refusal(SECRETS, 404, b"<html>no such page</html>")) is Refusal


def test_a_missing_permission_is_named_with_the_rule_that_grants_it() -> None:
    sentence = str(refusal(RESTART, 403, status("no", "Forbidden")))
    assert "cannot patch deployments.apps 'server' in namespace 'rucio'" in sentence
    assert "verbs [patch], resources [deployments]" in sentence
    assert "kubectl auth can-i patch deployments.apps/server -n rucio" in sentence


def test_the_fields_that_are_wrong_are_named_but_not_their_values() -> None:
    sentence = str(refusal(SECRETS, 422, status('data[a/b]: Invalid value: "TOP SECRET"', causes=[CAUSE])))
    assert "data[a/b]" in sentence
    assert "TOP SECRET" not in sentence


def test_who_denied_a_restart_is_named_with_his_words() -> None:
    body = status("forbidden: ValidatingAdmissionPolicy 'freeze' with binding 'b' denied request: until Monday")
    assert "ValidatingAdmissionPolicy 'freeze': until Monday" in str(refusal(RESTART, 422, body))


def test_words_of_the_api_servers_own_admission_are_shown_and_no_right_is_said_to_be_missing() -> None:
    sentence = str(refusal(RESTART, 403, status('deployments.apps "server" is forbidden: maximum cpu is 2')))
    assert "the API server's admission: maximum cpu is 2" in sentence
    assert "an admission policy denies it" in sentence
    assert "can-i" not in sentence


CONTENT = "def permission():\n    return 'a-password-of-somebody'\n"
SECRET = {"kind": "Secret", "data": {"permission.py": base64.b64encode(CONTENT.encode()).decode()}}


def test_who_denied_a_secret_is_named_with_the_policys_own_words() -> None:
    words = "every Secret needs the label owner"
    body = status(f"secrets is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: {words}")
    assert f"ValidatingAdmissionPolicy 'p': {words}" in str(refusal(SECRETS, 422, body, SECRET))


@pytest.mark.parametrize(
    "quoted",
    [
        SECRET["data"]["permission.py"],  # type: ignore[index]
        SECRET["data"]["permission.py"][:20],  # type: ignore[index]
        "def permission():",
        "a-password-of-somebody",
        f"found {CONTENT}",
    ],
)
def test_words_that_quote_the_secret_are_not_shown(quoted: str) -> None:
    body = status(f'admission webhook "w.example" denied the request: bad data: {quoted}')
    sentence = str(refusal(SECRETS, 403, body, SECRET))
    assert '"w.example"' in sentence
    assert "bad data" not in sentence


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 413, 422, 429, 500])
def test_the_body_is_never_shown_as_it_is(code: int) -> None:
    assert "aGVsbG8=" not in str(refusal(SECRETS, code, status("Secret{data: aGVsbG8=}")))


LONG = "x" * 100_000
BOMBS = [
    (418, status("a", LONG)),
    (503, status("a", "\x1b[2J" + LONG)),
    (409, status("a", LONG, causes=[{"reason": LONG, "field": LONG}])),
    (422, status("a", "Invalid", causes=[{"field": f"{LONG}{number}", "reason": "x"} for number in range(50)])),
    (403, status(f'secrets "a" is forbidden: exceeded quota: {LONG}')),
    (500, status(f'failed calling webhook "{LONG}\x07": no route')),
    (403, status(f'admission webhook "{LONG}" denied the request: {LONG}')),
]


@pytest.mark.parametrize(("code", "body"), BOMBS, ids=range(len(BOMBS)))
def test_words_without_end_are_cut_and_control_characters_are_escaped(code: int, body: bytes) -> None:
    sentence = str(refusal(SECRETS, code, body))
    assert len(sentence) < 1_000
    assert sentence.isprintable()
