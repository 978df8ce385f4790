"""Mattermost's incoming webhooks (https://developers.mattermost.com/integrate/webhooks/incoming/)."""

from __future__ import annotations

import re
from typing import Any

from secretsync.config.notify.http import IncomingWebhook
from secretsync.config.notify.message import Message

_MARKDOWN = re.compile(r"([\\`*_\[\]~<>|#])")
_MENTION = re.compile(r"@(?=\w)")
_ZERO_WIDTH_SPACE = "\u200b"


class Mattermost(IncomingWebhook):
    """An incoming webhook of Mattermost."""

    def payload(self, message: Message, text: str) -> dict[str, Any]:
        # a tag or a version that somebody chose must neither make a link nor notify a whole channel
        plain = _MENTION.sub(f"@{_ZERO_WIDTH_SPACE}", _MARKDOWN.sub(r"\\\1", text))
        return {"text": f"{':warning: ' if message.is_warning else ''}{plain}"}
