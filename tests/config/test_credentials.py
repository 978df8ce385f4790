"""Which credential was sent, and where it is configured: that is shown, its value never."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from secretsync.config.access import Access
from secretsync.config.credentials import authorization, describe_credential

HTTPS, SSH = "https://git.example.org/policy", "ssh://git@git.example.org/policy"


@pytest.mark.parametrize(
    ("access", "url", "described"),
    [
        ({"token": {"env": "GIT_TOKEN"}}, HTTPS, "sent the token of environment variable GIT_TOKEN"),
        ({"token": {"file": "/run/token"}}, HTTPS, "sent the token of file /run/token"),
        ({"bearer": {"file": "t"}}, HTTPS, "sent the bearer token of file t"),
        (
            {"username": "ci", "password": {"env": "P"}},
            HTTPS,
            "sent the password of environment variable P with",
        ),
        ({"clientCertificate": "c.pem"}, HTTPS, "sent the client certificate of file c.pem"),
        (
            {"token": {"env": "T"}, "clientCertificate": "c.pem"},
            HTTPS,
            "sent the token of environment variable T and the client certificate of file c.pem",
        ),
        ({}, HTTPS, "no credential was sent, as 'access' names none"),
        ({"sshKey": "id_ed25519"}, HTTPS, "no credential was sent, as 'access' names none"),
        ({"sshKey": "id_ed25519"}, SSH, "sent the SSH key of file id_ed25519"),
        ({"token": {"env": "T"}}, SSH, "sent the SSH keys that ssh itself finds, as 'access' names no sshKey"),
    ],
)
def test_a_credential_is_described_by_its_kind_and_its_place(
    access: dict[str, object], url: str, described: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_TOKEN", "P", "T"):
        monkeypatch.setenv(name, "the-value")
    said = describe_credential(Access.model_validate(access), url)
    assert said.startswith(described)
    assert "the-value" not in said


@pytest.mark.parametrize(
    ("access", "header"),
    [
        ({"token": {"file": "token"}}, "Basic " + base64.b64encode(b"x-access-token:the-value").decode()),
        ({"username": "ci", "password": {"env": "P"}}, "Basic " + base64.b64encode(b"ci:of-the-variable").decode()),
        ({"bearer": {"file": "token"}}, "Bearer the-value"),
    ],
)
def test_the_first_line_of_a_file_or_a_variable_is_sent(
    access: dict[str, object], header: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("the-value\nand a second line\n")
    monkeypatch.setenv("P", "of-the-variable")
    sent = authorization(Access.model_validate(access), HTTPS, tmp_path, default_user="x-access-token")
    assert sent is not None
    assert sent.header == header
    assert sent.redact(f"it said {header}") in ("it said Basic …", "it said Bearer …")
