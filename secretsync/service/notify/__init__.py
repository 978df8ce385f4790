"""News are sent to people. A failure to do so is told in the log, and decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from secretsync import config
from secretsync.core import instrumentation
from secretsync.core.errors import SecretSyncError
from secretsync.core.instrumentation import Notified
from secretsync.reconcile.destination import Destination
from secretsync.reconcile.events import Event
from secretsync.reconcile.recording import Notify
from secretsync.service.notify.message import Message, text
from secretsync.service.notify.message import message as message_of

log = structlog.get_logger()


@dataclass(frozen=True)
class Channel:
    """One way to tell people, by its *kind*; *send* raises SecretSyncError. Without *reasons* it gets all news."""

    kind: str
    send: Callable[[Message, str], None]
    reasons: frozenset[str] = frozenset()
    template: str = ""

    def wants(self, message: Message) -> bool:
        return not self.reasons or message.reason in self.reasons


def notifier(configuration: config.Config, base: Path) -> Notify:
    """Who sends the Events of packages to the configured channels, as `record` calls it."""
    channels = [open_channel(told, base) for told in configuration.notify]

    def notify(destination: Destination, events: Sequence[Event]) -> None:
        of_packages = [event for event in events if event.regarding.kind == "Secret"]
        send_all(channels, [message_of(event, configuration.installation, destination.name) for event in of_packages])

    return notify


def open_channel(told: config.Channel, base: Path) -> Channel:
    """The channel that the configuration tells of; credentials are read when something is sent."""
    kind, send = _way(told, base)
    return Channel(kind, send, frozenset(told.reasons), told.template)


def send_all(channels: Sequence[Channel], messages: Sequence[Message]) -> None:
    """Send each message to all who want it; who did not take one is not asked to take the next: a pass goes on."""
    for channel in channels:
        wanted = [message for message in messages if channel.wants(message)]
        sent = _tell(channel, wanted)
        for _ in wanted[sent:]:
            instrumentation.emit(Notified(channel.kind, "failed"))


def _tell(channel: Channel, messages: Sequence[Message]) -> int:
    """How many of *messages* were sent."""
    for number, message in enumerate(messages):
        try:
            channel.send(message, text(message, channel.template))
        except SecretSyncError as error:
            log.warning("somebody could not be told", channel=channel.kind, news=message.reason, why=str(error))
            return number
        except Exception:
            log.exception("a bug in a notification; please report it", channel=channel.kind)
            return number
        log.info("told", channel=channel.kind, news=message.reason, about=message.object)
        instrumentation.emit(Notified(channel.kind, "sent"))
    return len(messages)


def _way(told: config.Channel, base: Path) -> tuple[str, Callable[[Message, str], None]]:
    # imported here: whoever tells nobody pays for none of them
    if told.slack:
        from secretsync.service.notify import slack

        return "slack", partial(slack.send, told.slack, base)
    if told.webhook:
        from secretsync.service.notify import webhook

        return "webhook", partial(webhook.send, told.webhook, base)
    from secretsync.service.notify import mail

    assert told.email  # noqa: S101 - the configuration has one of the three
    return "email", partial(mail.send, told.email, base)
