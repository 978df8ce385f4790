"""E-mail by a site's own server; ``service/notify/mail`` sends it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from secretsync.config.access import Credential
from secretsync.config.fields import Count, Model

Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,]+@[^@\s,]+$")]


class Email(Model):
    """A mail server, and who gets the mail."""

    server: str = Field(min_length=1, description="the mail server's name")
    port: Count = Field(587, ge=1, le=65535, description="its port; 465 for tls")
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
