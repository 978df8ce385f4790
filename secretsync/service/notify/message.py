"""An Event as a notification's message."""

from __future__ import annotations

from secretsync.config.notify.message import Message
from secretsync.core.log import foreign_text
from secretsync.reconcile.events import EVENTS, LONGEST_NOTE, Event


def message(event: Event, installation: str, target: str) -> Message:
    """What an Event says, to people who do not look at the cluster; each field as `foreign_words` has it."""
    kind, ref = EVENTS[event.reason], event.regarding
    return Message(
        installation=foreign_text(installation),
        target=foreign_text(target),
        object=foreign_text(f"{ref.namespace}/{ref.name}"),
        reason=event.reason,
        type=kind.type,
        note=foreign_text(event.note, LONGEST_NOTE),
    )
