"""What the channels have in common that take a POST with JSON: each says where it goes and what is in it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from secretsync.config.access import Credential
from secretsync.config.fields import Model
from secretsync.config.notify.message import Message


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not a URL that begins with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("holds a credential: name its file or variable under 'access' instead")
    return value


Url = Annotated[str, AfterValidator(_url)]


class HttpChannel(Model):
    """A channel that takes a POST with JSON. It calculates the JSON; ``service/notify`` sends it."""

    def payload(self, message: Message, text: str) -> dict[str, Any]:
        """The JSON for *message*; *text* is the message in one line, or as the template has it."""
        raise NotImplementedError


class IncomingWebhook(HttpChannel):
    """A channel whose URL is a credential by itself."""

    url: Credential = Field(description="where its URL is, which is a credential by itself")
