"""Changes of state are sent to people. A failure to do so is a warning in the log, and decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import structlog

from secretsync import config
from secretsync.config.notify import Reason
from secretsync.config.notify.email import Email
from secretsync.config.notify.http import HttpChannel
from secretsync.config.notify.message import Message, text
from secretsync.core import instrumentation
from secretsync.core.errors import SecretSyncError
from secretsync.core.instrumentation import Notified
from secretsync.reconcile.destination import Destination
from secretsync.reconcile.events import Event
from secretsync.reconcile.recording import Notify
from secretsync.service.notify.message import message as message_of

log = structlog.get_logger()

_REASONS = frozenset(get_args(Reason))


@dataclass(frozen=True)
class Channel:
    """A notification channel of *kind*; *send* raises SecretSyncError. Without *reasons* it gets all messages."""

    kind: str
    send: Callable[[Message, str], None]
    reasons: frozenset[str] = frozenset()
    template: str = ""

    def wants(self, message: Message) -> bool:
        """Whether the channel takes messages with that reason; one without a list takes all."""
        return not self.reasons or message.reason in self.reasons


def notifier(configuration: config.Config, base: Path) -> Notify:
    """Who sends the Events of packages to the configured channels, as `record` calls it."""
    channels = [open_channel(settings, base) for settings in configuration.notify]

    def notify(destination: Destination, events: Sequence[Event]) -> None:
        # a restart of workloads is no news of its own: the change that asked for it is
        of_packages = [event for event in events if event.reason in _REASONS]
        send_all(channels, [message_of(event, configuration.installation, destination.name) for event in of_packages])

    return notify


def open_channel(settings: config.Channel, base: Path) -> Channel:
    """The channel as it is configured; credentials are read when something is sent."""
    send = _sender(settings.settings, base)
    return Channel(settings.kind, send, frozenset(settings.reasons), settings.template)


def send_all(channels: Sequence[Channel], messages: Sequence[Message]) -> None:
    """Send each message to all who want it; who did not take one is not asked to take the next: a pass goes on."""
    for channel in channels:
        selected = [message for message in messages if channel.wants(message)]
        sent = _send_messages(channel, selected)
        for _ in selected[sent:]:
            instrumentation.emit(Notified(channel.kind, "failed"))


def _send_messages(channel: Channel, messages: Sequence[Message]) -> int:
    """How many of *messages* were sent."""
    for number, message in enumerate(messages):
        try:
            channel.send(message, text(message, channel.template))
        except SecretSyncError as error:
            log.warning("a notification was not sent", channel=channel.kind, news=message.reason, why=str(error))
            return number
        except Exception:
            log.exception("a bug in a notification; please report it", channel=channel.kind)
            return number
        log.info("told", channel=channel.kind, news=message.reason, about=message.object)
        instrumentation.emit(Notified(channel.kind, "sent"))
    return len(messages)


def _sender(settings: HttpChannel | Email, base: Path) -> Callable[[Message, str], None]:
    # imported here: an installation without such a channel pays for none of them
    if isinstance(settings, Email):
        from secretsync.service.notify import mail

        return partial(mail.send, settings, base)
    from secretsync.service.notify import http

    return partial(http.send, settings, base)
