"""An Event as a notification's message."""

from __future__ import annotations

from secretsync.config.notify.message import Message
from secretsync.core import log
from secretsync.core.escape import visible
from secretsync.reconcile.events import EVENTS, Event


def message(event: Event, installation: str, target: str) -> Message:
    """What an Event says, to people who do not look at the cluster."""
    kind, ref = EVENTS[event.reason], event.regarding
    name = f"{ref.namespace}/{ref.name}"
    return Message(installation, target, name, event.reason, kind.type, visible(log.redact(event.note)))
