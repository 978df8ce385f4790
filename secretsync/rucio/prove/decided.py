"""Who decides on an action, as the real Rucio was seen to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from secretsync.rucio.check.rucio import rucio


class Decided(StrEnum):
    """Who decided."""

    PACKAGE = "package"
    NONE = "generic"
    NOT_IN_TABLE = "generic, not in the table"
    TYPE_ERROR = "generic, because of a TypeError"
    ERROR = "fails"
    AS_GENERIC = "fails, as Rucio's own permissions do"
    """With the arguments that the gateway gives, the generic permissions raise the same."""
    NOT_ASKED = "not asked by the gateway"
    """The package raises, and nobody knows what it would be given."""
    UNKNOWN = "not known"
    """It asks for a row that the proof's database does not have."""


_OF_THE_DATABASE = frozenset({"NoResultFound", "StatementError", "DataError", "IntegrityError"})
"""SQLAlchemy's own, about a row that is not there or a value that is none."""

_THE_QUESTIONS = frozenset({Decided.AS_GENERIC, Decided.NOT_ASKED, Decided.UNKNOWN})
_LACKS_ACTION = "'NoneType' object is not callable"
"""Python's words for ``table.get(action)(…)`` where the package does not have the action."""


def is_the_questions_fault(answer: Mapping[str, Any], who: str) -> bool:
    """Whether the error of *who* (``rucio``, ``package``) says something about the question instead of the package."""
    result = answer[who]
    return isinstance(result, str) and _why_it_failed(answer, result) in _THE_QUESTIONS


def _why_it_failed(answer: Mapping[str, Any], message: str) -> Decided:
    error = message.partition(":")[0]
    if error == "TypeError" and _LACKS_ACTION in message:
        return Decided.NOT_IN_TABLE
    if message == answer.get("generic"):
        return Decided.AS_GENERIC
    if error in _OF_THE_DATABASE or error in (rucio().names("rucio.common.exception") or ()):
        return Decided.UNKNOWN
    looked_up = error == "KeyError" and str(answer["action"]) not in message
    if looked_up and not answer.get("asked", True):
        return Decided.NOT_ASKED
    return Decided.TYPE_ERROR if error == "TypeError" else Decided.ERROR


def decided_by(answer: Mapping[str, Any]) -> Decided:
    """Who decided on the action of one of the probe's answers."""
    result = answer["package"]
    if isinstance(result, str):
        return _why_it_failed(answer, result)
    return Decided.NONE if result is None else Decided.PACKAGE


def decisions(answers: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Who decides on each action: once where root and an account without attributes are treated alike."""
    by_action: dict[str, list[str]] = {}
    for answer in answers:
        results = by_action.setdefault(str(answer["action"]), [])
        text = _words(answer)
        if text not in results:
            results.append(text)
    return {action: " / ".join(results) for action, results in by_action.items()}


def _words(answer: Mapping[str, Any]) -> str:
    """With the error's name where it is what tells that nothing is known."""
    decided = decided_by(answer)
    return f"{decided} ({str(answer['package']).partition(':')[0]})" if decided is Decided.UNKNOWN else str(decided)
