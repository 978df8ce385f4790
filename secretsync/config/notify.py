"""Who is told when a state changes, and where metrics are pushed to."""

from __future__ import annotations

from string import Template
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

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
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,]+@[^@\s,]+$")]


class Slack(Model):
    """An incoming webhook of Slack, or of what speaks like it (Mattermost, Rocket.Chat)."""

    url: Credential = Field(description="where its URL is, which is a credential by itself")


class WebhookReceiver(Model):
    """Whoever takes a POST with JSON."""

    url: Url = Field(description="where the POST goes")
    access: Access = Field(Access(), description="who asks, and how it is known who answers")


class Email(Model):
    """A mail server, and who gets the mail."""

    server: str = Field(min_length=1, description="the mail server's name")
    port: int = Field(587, ge=1, le=65535, description="its port; 465 for tls")
    encryption: Literal["starttls", "tls", "none"] = Field("starttls", description="none also sends no password")
    username: str = Field("", description="who sends; default: nobody logs in")
    password: Credential | None = Field(None, description="of username")
    sender: Address = Field(alias="from", description="the sender's address")
    to: tuple[Address, ...] = Field(min_length=1, description="who gets it")

    @model_validator(mode="after")
    def _keeps_its_password(self) -> Email:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together")
        if self.password and self.encryption == "none":
            raise ValueError("encryption: none would send the password where everybody can read it")
        return self


class Channel(Model):
    """One way to tell people; of the three exactly one."""

    slack: Slack | None = Field(None, description="a line in a channel")
    webhook: WebhookReceiver | None = Field(None, description="a POST with JSON")
    email: Email | None = Field(None, description="a letter")
    reasons: tuple[Reason, ...] = Field((), description="only these changes of state; default: all")
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

    url: Url = Field(description="its address, without /metrics")
    access: Access = Field(Access(), description="who asks, and how it is known who answers")
