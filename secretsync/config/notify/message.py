"""What a notification says: names, digests and sentences, never a file's content."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from string import Template

_TEXT = "$type: $reason: $object at $target: $note"


@dataclass(frozen=True)
class Message:
    """One change of state: *type* is ``Normal`` or ``Warning``, *object* the Secret that it is about."""

    installation: str
    target: str
    object: str
    reason: str
    type: str
    note: str

    @property
    def is_warning(self) -> bool:
        """Whether something failed or needs somebody, as the Event's type says."""
        return self.type == "Warning"


FIELDS = tuple(field.name for field in fields(Message))
"""What a template may name."""


def text(message: Message, template: str = "") -> str:
    """The message in one line, or as *template* has it."""
    return Template(template or _TEXT).substitute(asdict(message))


_ZERO_WIDTH_SPACE = "\u200b"
_MENTION = re.compile(r"@(?=\w)")


def without_mentions(text: str) -> str:
    """*text*, in which no ``@all`` notifies a whole channel: a tag or a version that somebody chose may hold one."""
    return _MENTION.sub(f"@{_ZERO_WIDTH_SPACE}", text)
