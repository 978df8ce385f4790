"""Slack's incoming webhooks (https://api.slack.com/messaging/webhooks), and what speaks like them."""

from __future__ import annotations

import json
from pathlib import Path

from secretsync import config
from secretsync.config import credentials
from secretsync.config.access import Access
from secretsync.service.notify.http import NotSent, post
from secretsync.service.notify.message import Message

_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def send(told: config.Slack, base: Path, message: Message, text: str) -> None:
    """Raises SecretSyncError."""
    url = credentials.read(told.url, base)
    if not url.startswith("https://"):
        raise NotSent("Slack's URL", "is not one that begins with https://")
    escaped = "".join(_ESCAPED.get(character, character) for character in text)
    mark = ":warning: " if message.type == "Warning" else ""
    body = json.dumps({"text": mark + escaped}).encode()
    post(url, body, {"Content-Type": "application/json"}, Access(), base)
