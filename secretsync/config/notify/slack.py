"""Slack's incoming webhooks (https://api.slack.com/messaging/webhooks)."""

from __future__ import annotations

from typing import Any

from secretsync.config.notify.http import IncomingWebhook
from secretsync.config.notify.message import Message, without_mentions

_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Slack(IncomingWebhook):
    """An incoming webhook of Slack, or of what speaks like it (Rocket.Chat)."""

    def payload(self, message: Message, text: str) -> dict[str, Any]:
        """The body of Slack's incoming webhook: mrkdwn, with what would link or mention escaped."""
        # Rocket.Chat takes Markdown's links as well
        safe_text = without_mentions(text).replace("](", "]\u200b(")
        escaped = "".join(_ESCAPED.get(character, character) for character in safe_text)
        return {"text": f"{':warning: ' if message.is_warning else ''}{escaped}"}
