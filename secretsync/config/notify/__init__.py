"""Who is notified when a state changes, and where metrics are pushed to.

A channel that takes a POST with JSON is a file of this package and a line of NOTIFIERS.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, create_model, model_validator

from secretsync.config.access import Access
from secretsync.config.fields import Model
from secretsync.config.notify.email import Email
from secretsync.config.notify.http import HttpChannel, Url
from secretsync.config.notify.mattermost import Mattermost
from secretsync.config.notify.message import FIELDS
from secretsync.config.notify.slack import Slack
from secretsync.config.notify.teams import Teams
from secretsync.config.notify.webhook import WebhookReceiver

NOTIFIERS: Mapping[str, type[HttpChannel] | type[Email]] = {
    "slack": Slack,
    "mattermost": Mattermost,
    "teams": Teams,
    "webhook": WebhookReceiver,
    "email": Email,
}
"""The channels by their key in the configuration; the key is also what metrics and the log call them."""

Reason = Literal[
    "Applied", "Rejected", "Restored", "Held", "Released", "Drift", "Waiting", "SourceUnavailable", "Refused",
    "Failed", "Recovered", "NotInForce", "Stripped",
]  # fmt: skip
"""What may be sent, by the reason of the Event: all but those about workloads (a test holds that)."""


def _template(value: str) -> str:
    template = Template(value)
    if not template.is_valid():
        raise ValueError("has a $ that names nothing; write $$ for the character itself")
    if unknown := [name for name in template.get_identifiers() if name not in FIELDS]:
        variables = ", ".join(f"${name}" for name in FIELDS)
        raise ValueError(f"${unknown[0]} is not known; there are: {variables}")
    return value


class _Choice(Model):
    """Which changes of state a channel gets, and in which words."""

    reasons: tuple[Reason, ...] = Field((), description="only these changes of state; default: all")
    template: Annotated[str, AfterValidator(_template)] = Field(
        "", description="the text, with $reason, $target, $object, $note, $type and $installation"
    )

    @property
    def kinds(self) -> list[str]:
        """The keys of NOTIFIERS that are given: exactly one in a valid entry."""
        return [kind for kind in NOTIFIERS if getattr(self, kind) is not None]

    @property
    def kind(self) -> str:
        return self.kinds[0]

    @property
    def settings(self) -> HttpChannel | Email:
        settings: HttpChannel | Email = getattr(self, self.kind)
        return settings

    @model_validator(mode="after")
    def _is_one_channel(self) -> _Choice:
        if len(self.kinds) != 1:
            forms = [f"{kind}:" for kind in NOTIFIERS]
            raise ValueError(f"is one of {', '.join(forms[:-1])} or {forms[-1]}, each in an entry of its own")
        return self


if TYPE_CHECKING:
    Channel = _Choice
else:
    Channel = create_model(
        "Channel",
        __base__=_Choice,
        __module__=__name__,
        __doc__="One notification channel, exactly one of those there are, and what it gets.",
        **{kind: (model | None, Field(None, description=model.__doc__)) for kind, model in NOTIFIERS.items()},
    )


class Pushgateway(Model):
    """Where a run of 'secretsync apply' leaves its metrics."""

    url: Url = Field(description="its address, without /metrics")
    access: Access = Field(Access(), description="credentials and TLS")
