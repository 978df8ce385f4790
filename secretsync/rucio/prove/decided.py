"""Who decides on an action, as the real Rucio was seen to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any


class Decided(StrEnum):
    """Who decided."""

    PACKAGE = "package"
    NONE = "generic"
    NOT_IN_TABLE = "generic, not in the table"
    TYPE_ERROR = "generic, because of a TypeError"
    ERROR = "fails"


def decided_by(answer: Mapping[str, Any]) -> Decided:
    """Who decided on the action of one of the probe's answers."""
    said = answer["package"]
    if said is None:
        return Decided.NONE
    if isinstance(said, bool):
        return Decided.PACKAGE
    if not str(said).startswith("TypeError:"):
        return Decided.ERROR
    # table.get(action)(…): Rucio's own words for an action that the package does not have
    return Decided.NOT_IN_TABLE if "'NoneType' object is not callable" in said else Decided.TYPE_ERROR


def decisions(answers: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Who decides on each action: once where root and an account without attributes are treated alike."""
    found: dict[str, list[str]] = {}
    for answer in answers:
        seen = found.setdefault(str(answer["action"]), [])
        words = str(decided_by(answer))
        if words not in seen:
            seen.append(words)
    return {action: " / ".join(seen) for action, seen in found.items()}
