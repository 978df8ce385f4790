"""A POST with JSON, for whatever a site has: docs/how-to/notifications.md says what is in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import Field

from secretsync.config.access import Access
from secretsync.config.notify.http import HttpChannel, Url
from secretsync.config.notify.message import Message

VERSION = 1
"""Of the document; a field more does not change it, another meaning does."""


class WebhookReceiver(HttpChannel):
    """Whoever takes a POST with JSON."""

    url: Url = Field(description="where the POST goes")
    access: Access = Field(Access(), description="credentials and TLS")

    def payload(self, message: Message, text: str) -> dict[str, Any]:
        """The body of a webhook of one's own: the facts and the text, with the version of their form."""
        return {"version": VERSION, "text": text, **asdict(message)}
