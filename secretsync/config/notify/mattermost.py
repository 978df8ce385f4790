"""Mattermost's incoming webhooks (https://developers.mattermost.com/integrate/webhooks/incoming/)."""

from __future__ import annotations

import re
from typing import Any

from secretsync.config.notify.http import IncomingWebhook
from secretsync.config.notify.message import Message, without_mentions

_MARKDOWN = re.compile(r"([\\`*_\[\]~<>|#])")


class Mattermost(IncomingWebhook):
    """An incoming webhook of Mattermost."""

    def payload(self, message: Message, text: str) -> dict[str, Any]:
        """The body of Mattermost's incoming webhook: Markdown, with what would format or mention escaped."""
        # a tag or a version that somebody chose makes no link
        escaped = without_mentions(_MARKDOWN.sub(r"\\\1", text))
        return {"text": f"{':warning: ' if message.is_warning else ''}{escaped}"}
