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
    UNKNOWN = "not known"
    """The example is not what a client would ask with, or names what an empty database does not have."""


_OF_THE_DATABASE = frozenset({"NoResultFound", "StatementError", "DataError", "IntegrityError"})
"""SQLAlchemy's own, about a row that is not there or a value that is none."""


def is_the_examples_fault(answer: Mapping[str, Any], who: str) -> bool:
    """Whether the error of *who* (``rucio``, ``package``) says something about the question instead of the package.

    Rucio's own permissions raise the same, or an exception of Rucio says that what is asked about does not exist: the
    proof's database is empty.
    """
    if not isinstance(answer[who], str):
        return False
    error, generic = answer[who].partition(":")[0], answer.get("generic")
    if isinstance(generic, str) and generic.partition(":")[0] == error:
        return True
    return error in _OF_THE_DATABASE or error in (rucio().names("rucio.common.exception") or ())


def decided_by(answer: Mapping[str, Any]) -> Decided:
    """Who decided on the action of one of the probe's answers."""
    said = answer["package"]
    if said is None:
        return Decided.NONE
    if isinstance(said, bool):
        return Decided.PACKAGE
    if is_the_examples_fault(answer, "package"):
        return Decided.UNKNOWN
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
