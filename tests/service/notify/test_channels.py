"""Slack, webhooks and e-mail: what they send, how often they try, and what they never tell."""

from __future__ import annotations

import email
import email.policy
import json
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
import structlog
from responses import registries

from secretsync import config
from secretsync.config.notify import Reason
from secretsync.config.notify.message import Message, text
from secretsync.core import instrumentation
from secretsync.core.instrumentation import Notified
from secretsync.core.model import Ref
from secretsync.reconcile.events import EVENTS, Event
from secretsync.service import notify
from secretsync.service.notify import mail
from secretsync.service.notify.http import RETRIES
from secretsync.service.notify.message import message
from secretsync.service.notify.pushgateway import push
from tests.service.notify.mail_server import MailServer, serving

NEWS = Message("secretsync", "production", "rucio/atlas", "Rejected", "Warning", "atlas 1.0 <b>, write 3")
HOOK = "https://hooks.example.org/T0/canary-in-the-url"
RECEIVER = "https://chat.example.org/rucio"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RETRIES, "backoff_factor", 0)
    monkeypatch.setattr(mail, "_PAUSE", 0)


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(registry=registries.OrderedRegistry) as web:
        yield web


@pytest.fixture
def heard() -> Iterator[list[instrumentation.Signal]]:
    heard: list[instrumentation.Signal] = []
    with instrumentation.listening_to(heard.append):
        yield heard


def channel(base: Path, **told: Any) -> notify.Channel:
    return notify.open_channel(config.Channel.model_validate(told), base)


def slack(base: Path, **told: Any) -> notify.Channel:
    (base / "url").write_text(HOOK + "\n")
    return channel(base, slack={"url": {"file": "url"}}, **told)


def webhook(base: Path, access: dict[str, Any] | None = None, **told: Any) -> notify.Channel:
    return channel(base, webhook={"url": RECEIVER, "access": access or {}}, **told)


def test_slack_gets_one_line_with_its_special_characters_escaped(tmp_path: Path, web: responses.RequestsMock) -> None:
    sent = web.post(HOOK)
    notify.send_all([slack(tmp_path)], [NEWS])
    body = json.loads(sent.calls[0].request.body)
    assert body == {"text": ":warning: Warning: Rejected: rucio/atlas at production: atlas 1.0 &lt;b&gt;, write 3"}


def test_a_webhook_gets_every_field_and_the_version_of_the_document(
    tmp_path: Path, web: responses.RequestsMock
) -> None:
    sent = web.post(RECEIVER)
    notify.send_all([webhook(tmp_path)], [NEWS])
    assert json.loads(sent.calls[0].request.body) == {
        "version": 1,
        "installation": "secretsync",
        "target": "production",
        "object": "rucio/atlas",
        "reason": "Rejected",
        "type": "Warning",
        "note": "atlas 1.0 <b>, write 3",
        "text": "Warning: Rejected: rucio/atlas at production: atlas 1.0 <b>, write 3",
    }


def test_a_webhook_gets_the_credential_that_was_named(
    tmp_path: Path, web: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_TOKEN", "canary")
    sent = web.post(RECEIVER)
    notify.send_all([webhook(tmp_path, {"bearer": {"env": "CHAT_TOKEN"}})], [NEWS])
    assert sent.calls[0].request.headers["Authorization"] == "Bearer canary"


def test_a_template_makes_the_text(tmp_path: Path, web: responses.RequestsMock) -> None:
    sent = web.post(RECEIVER)
    notify.send_all([webhook(tmp_path, template="$reason at $target ($$5)")], [NEWS])
    assert json.loads(sent.calls[0].request.body)["text"] == "Rejected at production ($5)"


def test_a_channel_gets_only_what_it_wants(tmp_path: Path, web: responses.RequestsMock) -> None:
    notify.send_all([webhook(tmp_path, reasons=["Applied"])], [NEWS])
    sent = web.post(RECEIVER)
    notify.send_all([webhook(tmp_path, reasons=["Applied", "Rejected"])], [NEWS])
    assert sent.call_count == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(
    tmp_path: Path, web: responses.RequestsMock, heard: list[instrumentation.Signal], status: int
) -> None:
    web.post(RECEIVER, status=status, headers={"Retry-After": "3600"})
    web.post(RECEIVER, status=200)
    notify.send_all([webhook(tmp_path)], [NEWS])
    assert heard == [Notified("webhook", "sent")]


def told_of(failure: structlog.testing.LogCapture) -> str:
    (entry,) = failure.entries
    assert entry["log_level"] == "warning"
    return str(entry["why"])


@pytest.fixture
def log() -> Iterator[structlog.testing.LogCapture]:
    capture = structlog.testing.LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])
    yield capture
    structlog.configure(processors=before)


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([{"status": 500}] * 3, "answered 500"),
        ([{"status": 404}], "answered 404"),
        ([{"status": 302, "headers": {"Location": "https://evil.example.org"}}], "names another place"),
        ([{"body": requests.ConnectionError("canary")}], "cannot be reached"),
        ([{"body": requests.ReadTimeout("canary")}], "did not answer in time"),
        ([{"body": requests.exceptions.SSLError("canary")}], "certificate that is not trusted"),
    ],
)
def test_a_failure_is_one_sentence_that_names_the_host_and_no_more(
    tmp_path: Path,
    web: responses.RequestsMock,
    heard: list[instrumentation.Signal],
    log: structlog.testing.LogCapture,
    answers: list[dict[str, Any]],
    sentence: str,
) -> None:
    for answer in answers:
        web.post(HOOK, **answer)
    notify.send_all([slack(tmp_path)], [NEWS])
    why = told_of(log)
    assert why.startswith("hooks.example.org ")
    assert sentence in why
    assert "canary" not in why
    assert heard == [Notified("slack", "failed")]


def test_one_that_fails_does_not_keep_another_from_being_told(tmp_path: Path, web: responses.RequestsMock) -> None:
    web.post(HOOK, status=410)
    sent = web.post(RECEIVER)
    notify.send_all([slack(tmp_path), webhook(tmp_path)], [NEWS])
    assert sent.call_count == 1


def test_who_did_not_take_one_message_does_not_hold_up_a_pass_with_the_next(
    tmp_path: Path, web: responses.RequestsMock, heard: list[instrumentation.Signal]
) -> None:
    sent = web.post(RECEIVER, status=410)
    notify.send_all([webhook(tmp_path)], [NEWS, NEWS, NEWS])
    assert sent.call_count == 1
    assert heard == [Notified("webhook", "failed")] * 3


def test_a_bug_in_one_channel_does_not_keep_another_from_being_told(
    tmp_path: Path, web: responses.RequestsMock, heard: list[instrumentation.Signal]
) -> None:
    def broken(message: Message, text: str) -> None:
        raise UnicodeEncodeError("ascii", "é", 0, 1, "no")

    web.post(RECEIVER)
    notify.send_all([notify.Channel("slack", broken), webhook(tmp_path)], [NEWS])
    assert heard == [Notified("slack", "failed"), Notified("webhook", "sent")]


def test_a_credential_that_is_not_there_is_named_by_its_place(
    tmp_path: Path, log: structlog.testing.LogCapture
) -> None:
    told = channel(tmp_path, slack={"url": {"file": "nowhere"}})
    notify.send_all([told], [NEWS])
    assert told_of(log).startswith(f"{tmp_path}/nowhere cannot be read: No such file or directory")


@pytest.mark.parametrize("url", ["http://hooks.example.org/canary", "https://[canary", "canary"])
def test_a_url_that_is_none_is_not_repeated(tmp_path: Path, log: structlog.testing.LogCapture, url: str) -> None:
    (tmp_path / "url").write_text(url)
    notify.send_all([channel(tmp_path, slack={"url": {"file": "url"}})], [NEWS])
    assert "canary" not in told_of(log)


@pytest.fixture
def post_office() -> Iterator[MailServer]:
    with serving() as server:
        yield server


def letter_box(base: Path, server: MailServer, **told: Any) -> notify.Channel:
    fields = {"server": "127.0.0.1", "port": server.port, "encryption": "none", "from": "rucio@example.org"}
    return channel(base, email={**fields, "to": ["ops@example.org", "ddm@example.org"], **told})


def test_a_letter_says_what_happened_in_its_subject(tmp_path: Path, post_office: MailServer) -> None:
    notify.send_all([letter_box(tmp_path, post_office)], [NEWS])
    letter = email.message_from_string(post_office.letters[0], policy=email.policy.default)
    assert letter["Subject"] == "[secretsync] Rejected: rucio/atlas at production"
    assert (letter["From"], letter["To"]) == ("rucio@example.org", "ops@example.org, ddm@example.org")
    assert letter.get_content() == "Warning: Rejected: rucio/atlas at production: atlas 1.0 <b>, write 3"


def test_a_server_that_hangs_up_is_tried_again(
    tmp_path: Path, post_office: MailServer, heard: list[instrumentation.Signal]
) -> None:
    post_office.hang_up = 2
    notify.send_all([letter_box(tmp_path, post_office)], [NEWS])
    assert heard == [Notified("email", "sent")]


def test_a_server_that_greets_for_ever_is_given_up(
    tmp_path: Path, post_office: MailServer, heard: list[instrumentation.Signal]
) -> None:
    post_office.greets_for_ever = True
    notify.send_all([letter_box(tmp_path, post_office)], [NEWS])
    assert heard == [Notified("email", "failed")]


def test_a_server_that_says_later_is_asked_again(
    tmp_path: Path, post_office: MailServer, heard: list[instrumentation.Signal]
) -> None:
    post_office.refuse_once = {"RCPT": "450 greylisted"}
    notify.send_all([letter_box(tmp_path, post_office, to=["ops@example.org"])], [NEWS])
    assert heard == [Notified("email", "sent")]


def test_whom_the_server_does_not_take_a_letter_for_is_named(
    tmp_path: Path, post_office: MailServer, log: structlog.testing.LogCapture
) -> None:
    post_office.refuse_once = {"RCPT": "550 unknown"}
    notify.send_all([letter_box(tmp_path, post_office)], [NEWS])
    assert told_of(log) == "127.0.0.1 took the mail, but not for ops@example.org"


def test_a_server_without_encryption_is_told_from_one_that_is_away(
    tmp_path: Path, post_office: MailServer, log: structlog.testing.LogCapture
) -> None:
    notify.send_all([letter_box(tmp_path, post_office, encryption="starttls")], [NEWS])
    assert told_of(log) == "127.0.0.1 does not offer what 'encryption: starttls' needs"


def test_a_server_that_speaks_no_tls_and_one_that_takes_ascii_alone_have_reasons_of_their_own(
    tmp_path: Path, post_office: MailServer, log: structlog.testing.LogCapture
) -> None:
    notify.send_all([letter_box(tmp_path, post_office, encryption="tls")], [NEWS])
    assert "does not speak TLS there" in told_of(log)
    log.entries.clear()
    notify.send_all([letter_box(tmp_path, post_office, to=["größe@example.org"])], [NEWS])
    assert "takes no address that is not ASCII" in told_of(log)


@pytest.mark.parametrize(
    ("refuse", "sentence"),
    [
        ({"MAIL": "550 no"}, "does not take the mail"),
        ({"RCPT": "550 no"}, "does not take the mail"),
        ({"DATA": "451 later"}, "answered 451 (later): ask its administrator"),
        ({"DATA": "554 \x1b[31mspam"}, "answered 554 (\\x1b[31mspam)"),
        ({"EHLO": "no number", "HELO": "no number"}, "does not answer as a mail server: check server and port"),
    ],
)
def test_a_server_that_refuses_is_told_in_a_sentence(
    tmp_path: Path,
    post_office: MailServer,
    log: structlog.testing.LogCapture,
    refuse: dict[str, str],
    sentence: str,
) -> None:
    post_office.refuse = refuse
    notify.send_all([letter_box(tmp_path, post_office)], [NEWS])
    assert told_of(log).startswith(f"127.0.0.1 {sentence}")


def test_a_password_is_sent_to_the_server_and_to_nobody_else(
    tmp_path: Path, post_office: MailServer, log: structlog.testing.LogCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the real thing encrypts first; this one has no certificate
    monkeypatch.setattr(smtplib.SMTP, "starttls", lambda self, context: None)
    (tmp_path / "password").write_text("canary")
    told = {"encryption": "starttls", "username": "rucio", "password": {"file": "password"}}
    notify.send_all([letter_box(tmp_path, post_office, **told)], [NEWS])
    assert post_office.logins == ["\0rucio\0canary"]
    post_office.refuse = {"AUTH": "535 canary"}
    notify.send_all([letter_box(tmp_path, post_office, **told)], [NEWS])
    assert "canary" not in str(log.entries)


def test_every_event_about_a_package_may_be_asked_for() -> None:
    assert set(Reason.__args__) == EVENTS.keys() - {"RolledOut", "RolloutFailed"}


def test_a_message_masks_what_looks_like_a_credential() -> None:
    event = Event("Failed", Ref("Secret", "rucio", "atlas"), "https://user:canary@host/x")
    assert "canary" not in text(message(event, "secretsync", "production"))


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({}, "is one of slack:, "),
        ({"slack": {"url": {"env": "A"}}, "webhook": {"url": RECEIVER}}, "is one of"),
        ({"slack": {"url": HOOK}}, "url"),
        ({"webhook": {"url": "ftp://x"}}, "begins with https:// or http://"),
        ({"webhook": {"url": "https://user:canary@host"}}, "holds a credential"),
        ({"webhook": {"url": RECEIVER}, "reasons": ["Rejectd"]}, "Rejected"),
        ({"webhook": {"url": RECEIVER}, "template": "$reson"}, "$reson is not known; there are: $installation"),
        ({"webhook": {"url": RECEIVER}, "template": "5 $"}, "write $$"),
        ({"email": {"server": "x", "from": "a@b", "to": []}}, "to"),
        ({"email": {"server": "x", "from": "nobody", "to": ["a@b"]}}, "from"),
        ({"email": {"server": "x", "from": "a@b", "to": ["a@b"], "username": "u"}}, "go together"),
        (
            {"email": {"server": "x", "from": "a@b", "to": ["a@b"], "username": "u", "password": {"env": "P"}}
             | {"encryption": "none"}},
            "encryption: none would send the password",
        ),
    ],
)  # fmt: skip
def test_a_channel_that_cannot_work_is_refused_when_the_configuration_is_read(
    told: dict[str, Any], sentence: str
) -> None:
    whole = {
        "packages": [{"moduleName": "atlas", "requirement": "atlas==1"}],
        "targets": [{"cluster": {"directory": "x"}, "namespace": "rucio"}],
        "notify": [told],
    }
    with pytest.raises(config.UnusableConfig) as refused:
        config.parse(whole, Path("secretsync.yaml"))
    assert sentence in str(refused.value)
    assert "canary" not in str(refused.value)


def test_metrics_are_pushed_under_the_installations_name_and_others_stay(
    tmp_path: Path, web: responses.RequestsMock
) -> None:
    sent = web.post("https://push.example.org/metrics/job/secretsync/installation/secretsync")
    told = config.Pushgateway.model_validate({"url": "https://push.example.org/"})
    push(told, tmp_path, "secretsync", b"secretsync_in_sync 1\n")
    assert sent.calls[0].request.body == b"secretsync_in_sync 1\n"
