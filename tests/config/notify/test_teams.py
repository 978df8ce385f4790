from __future__ import annotations

from typing import Any

from secretsync.config import Channel
from secretsync.config.notify.http import HttpChannel
from secretsync.config.notify.message import Message

REJECTED = Message("secretsync", "production", "rucio/atlas", "Rejected", "Warning", "write 3")
APPLIED = Message("secretsync", "production", "rucio/atlas", "Applied", "Normal", "write 4")


def card(message: Message, text: str) -> dict[str, Any]:
    settings = Channel.model_validate({"teams": {"url": {"file": "url"}}}).settings
    assert isinstance(settings, HttpChannel)
    attachment = settings.payload(message, text)["attachments"][0]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    content: dict[str, Any] = attachment["content"]
    return content


def test_workflows_gets_a_message_with_an_adaptive_card() -> None:
    made = card(REJECTED, "write 3 was rejected")
    assert (made["type"], made["version"]) == ("AdaptiveCard", "1.4")
    assert [line["inlines"][0]["text"] for line in made["body"]] == [
        "Rejected: rucio/atlas at production",
        "write 3 was rejected",
    ]


def test_a_warning_is_coloured_and_other_news_are_not() -> None:
    colours = [card(message, "")["body"][0]["inlines"][0]["color"] for message in (REJECTED, APPLIED)]
    assert colours == ["attention", "default"]


def test_no_text_is_read_as_markdown() -> None:
    assert {line["type"] for line in card(REJECTED, "[a](http://b)")["body"]} == {"RichTextBlock"}
