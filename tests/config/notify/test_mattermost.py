from __future__ import annotations

from secretsync.config import Channel
from secretsync.config.notify.http import HttpChannel
from secretsync.config.notify.message import Message

NEWS = Message("secretsync", "production", "rucio/atlas", "Rejected", "Warning", "write 3")


def payload(message: Message, text: str) -> object:
    settings = Channel.model_validate({"mattermost": {"url": {"file": "url"}}}).settings
    assert isinstance(settings, HttpChannel)
    return settings.payload(message, text)


def test_a_warning_is_marked() -> None:
    assert payload(NEWS, "Rejected: write 3") == {"text": ":warning: Rejected: write 3"}


def test_a_text_makes_no_link_and_no_mention() -> None:
    assert payload(NEWS, "[x](http://a) <http://b> _c_ @all") == {
        "text": r":warning: \[x\](http://a) \<http://b\> \_c\_ @" + "\u200ball"
    }
