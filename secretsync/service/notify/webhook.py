"""A POST with JSON, for whatever a site has: docs/how-to/notifications.md says what is in it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from secretsync import config
from secretsync.service.notify.http import post
from secretsync.service.notify.message import Message

VERSION = 1
"""Of the document; a field more does not change it, another meaning does."""


def send(told: config.WebhookReceiver, base: Path, message: Message, text: str) -> None:
    """Raises SecretSyncError."""
    body = json.dumps({"version": VERSION, "text": text, **asdict(message)}, sort_keys=True).encode()
    post(told.url, body, {"Content-Type": "application/json"}, told.access, base)
