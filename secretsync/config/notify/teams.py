"""Microsoft Teams: an Adaptive Card for the "webhook request is received" trigger of Workflows
(https://learn.microsoft.com/power-automate/teams/overview, https://adaptivecards.io/explorer/RichTextBlock.html)."""

from __future__ import annotations

from typing import Any

from secretsync.config.notify.http import IncomingWebhook
from secretsync.config.notify.message import Message

_CARD = "application/vnd.microsoft.card.adaptive"


class Teams(IncomingWebhook):
    """A webhook of Workflows in Microsoft Teams, which posts an Adaptive Card."""

    def payload(self, message: Message, text: str) -> dict[str, Any]:
        """The body of a Teams workflow: an Adaptive Card with the message's facts."""
        colour = "attention" if message.is_warning else "default"
        title = f"{message.reason}: {message.object} at {message.target}"
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "fallbackText": title,
            "body": [_run(title, weight="bolder", color=colour), _run(text)],
        }
        return {"type": "message", "attachments": [{"contentType": _CARD, "contentUrl": None, "content": card}]}


def _run(text: str, **style: str) -> dict[str, Any]:
    """A line in which Markdown means nothing, unlike in a TextBlock: a tag's name cannot become a link."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}
