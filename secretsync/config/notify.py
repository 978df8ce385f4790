"""Who is told when a state changes, and where metrics are pushed to."""

from __future__ import annotations

from string import Template
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from secretsync.config.access import Access, Credential
from secretsync.config.fields import Model

FIELDS = ("installation", "target", "object", "reason", "type", "note")
"""What a template may name."""

Reason = Literal[
    "Applied", "Rejected", "Restored", "Held", "Released", "Drift", "Waiting", "SourceUnavailable", "Refused",
    "Failed", "Recovered",
]  # fmt: skip
"""What may be told: the Events on Secrets, by their reason (a test holds the two equal)."""


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not a URL that begins with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("holds a credential: name its file or variable under 'access' instead")
    return value


def _template(value: str) -> str:
    template = Template(value)
    if not template.is_valid():
        raise ValueError("has a $ that names nothing; write $$ for the character itself")
    if unknown := [name for name in template.get_identifiers() if name not in FIELDS]:
        known = ", ".join(f"${name}" for name in FIELDS)
        raise ValueError(f"${unknown[0]} is not told; there are: {known}")
    return value


Url = Annotated[str, AfterValidator(_url)]


class Slack(Model):
    """An incoming webhook of Slack, or of what speaks like it (Mattermost, Rocket.Chat)."""

    url: Credential = Field(description="where its URL is, which is a credential by itself")


class WebhookReceiver(Model):
    """Whoever takes a POST with JSON."""

    url: Url
    access: Access = Access()


class Email(Model):
    """A mail server, and who gets the mail."""

    server: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=65535)
    encryption: Literal["starttls", "tls", "none"] = Field("starttls", description="none also sends no password")
    username: str = ""
    password: Credential | None = None
    sender: str = Field(alias="from", pattern=r"^[^@\s,]+@[^@\s,]+$")
    to: tuple[Annotated[str, Field(pattern=r"^[^@\s,]+@[^@\s,]+$")], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _keeps_its_password(self) -> Email:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together")
        if self.password and self.encryption == "none":
            raise ValueError("encryption: none would send the password where everybody can read it")
        return self


class Channel(Model):
    """One way to tell people; of the three exactly one."""

    slack: Slack | None = None
    webhook: WebhookReceiver | None = None
    email: Email | None = None
    on: tuple[Reason, ...] = Field((), description="only these changes of state; default: all")
    template: Annotated[str, AfterValidator(_template)] = Field(
        "", description="the text, with $reason, $target, $object, $note, $type and $installation"
    )

    @model_validator(mode="after")
    def _is_one_way(self) -> Channel:
        if sum(map(bool, (self.slack, self.webhook, self.email))) != 1:
            raise ValueError("is one of slack:, webhook: or email:, each in an entry of its own")
        return self


class Pushgateway(Model):
    """Where a run by --once leaves its metrics."""

    url: Url
    access: Access = Access()
