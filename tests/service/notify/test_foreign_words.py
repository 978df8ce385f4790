"""Words of others at every edge of output: no channel, log line, Event or report obeys them."""

from __future__ import annotations

import email
import email.policy
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from secretsync.config.notify import NOTIFIERS
from secretsync.config.notify.email import Email
from secretsync.config.notify.http import HttpChannel
from secretsync.config.notify.message import text
from secretsync.core import log
from secretsync.core.model import Ref
from secretsync.reconcile.events import EVENTS, Event, manifest
from secretsync.service.notify import mail
from secretsync.service.notify.message import message

HOSTILE = (
    "\x1b[2J\x1b]0;title\x07",
    "line\nFAKE: everything is well\r\n",
    "\u202egnp.exe\u2066 \u200b\ufeff",
    "<!channel> <!here> <@U123> <https://evil.example|the report>",
    "@channel @all @here",
    "[the report](https://evil.example) ![x](https://evil.example/x.png) **b** `c`",
    "x\r\nBcc: everybody@example.org\r\n\r\nA body",
    "\ud800 half a character",
    "\x00\x85\u2028\u2029",
    "https://user:hunter2-password@git.example.org/x ghp_0123456789abcdefghijk",
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
SETTINGS: Mapping[str, dict[str, Any]] = {
    "webhook": {"url": "https://chat.example.org"},
    "email": {"server": "mail.example.org", "from": "a@example.org", "to": ["b@example.org"]},
}
INCOMING = {"url": {"env": "HOOK"}}


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def event(hostile: str) -> Event:
    return Event("Rejected", Ref("Secret", f"rucio{hostile}", f"atlas{hostile}"), f"atlas {hostile} failed")


def strings(value: Any) -> Iterator[str]:
    """All texts of a document, keys as well."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from (*strings(key), *strings(one))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str):
        yield value


def refuse_obeyed(found: str) -> None:
    assert not CONTROLS.search(found)
    assert "hunter2" not in found
    assert "ghp_" not in found


@pytest.mark.parametrize("kind", NOTIFIERS)
def test_no_channel_obeys_them(kind: str, event: Event, hostile: str) -> None:
    settings = NOTIFIERS[kind].model_validate(SETTINGS.get(kind, INCOMING))
    news = message(event, f"secretsync{hostile}", f"production{hostile}")
    if isinstance(settings, Email):
        letter = mail._letter(settings, news, text(news))
        read = email.message_from_bytes(letter.as_bytes(), policy=email.policy.default)
        assert sorted(read.keys()) == sorted(letter.keys())
        assert "Bcc" not in read
        refuse_obeyed(str(read["Subject"]))
        refuse_obeyed(read.get_content())
        return
    assert isinstance(settings, HttpChannel)
    payload = json.loads(json.dumps(settings.payload(news, text(news))))
    for found in strings(payload):
        refuse_obeyed(found)
    if kind in ("slack", "mattermost"):
        said = payload["text"]
        assert not re.search(r"@\w|(?<!\\)\]\(|(?<!\\)<", said)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_log_line_obeys_them(log_format: str, hostile: str) -> None:
    before = structlog.get_config()
    lines = io.StringIO()
    try:
        log.configure(log_format, verbosity=2)
        with redirect_stderr(lines):
            facts = {"paths": [hostile], "nested": {hostile: hostile}}
            structlog.get_logger().warning("refused", why=hostile, revision=hostile, **facts)
    finally:
        structlog.configure(**before)
    written = lines.getvalue()
    assert written.count("\n") == 1
    refuse_obeyed(written)


def test_no_event_obeys_them(event: Event) -> None:
    made = manifest(event, "name", datetime(2026, 1, 1, tzinfo=UTC), "host/1")
    refuse_obeyed(made["note"])


def test_every_reason_of_an_event_is_one_of_ours() -> None:
    assert all(reason.isascii() and reason.isalpha() for reason in EVENTS)


def test_a_template_of_the_site_is_obeyed_and_what_it_names_is_not() -> None:
    news = message(Event("Rejected", Ref("Secret", "rucio", "atlas"), "a\nb $reason"), "secretsync", "production")
    assert text(news, "$reason\n$note") == "Rejected\na\\nb $reason"
