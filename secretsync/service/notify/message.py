"""What is told to people: names, digests and sentences, never a file's content."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from string import Template

from secretsync.core import log
from secretsync.reconcile.events import EVENTS, Event

_TEXT = "$type: $reason: $object at $target: $note"


@dataclass(frozen=True)
class Message:
    """One piece of news: *type* is ``Normal`` or ``Warning``, *object* the Secret that it is about."""

    installation: str
    target: str
    object: str
    reason: str
    type: str
    note: str


def message(event: Event, installation: str, target: str) -> Message:
    """What an Event says, to people who do not look at the cluster."""
    kind, ref = EVENTS[event.reason], event.regarding
    name = f"{ref.namespace}/{ref.name}"
    return Message(installation, target, name, event.reason, kind.type, log.redact(event.note))


def text(told: Message, template: str = "") -> str:
    """The message in one line, or as *template* has it."""
    return Template(template or _TEXT).substitute(asdict(told))
