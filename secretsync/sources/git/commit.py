"""What a commit object says of itself. Pure; GitPython reads its people and times."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git import Actor

_LONGEST_SUBJECT = 120


def message_of(commit: bytes) -> str:
    """The message of a raw commit."""
    return commit.partition(b"\n\n")[2].decode(errors="replace")


def subject_of(commit: bytes) -> str:
    """The first line of a raw commit's message, cut where it is too long for a table."""
    return message_of(commit).strip().partition("\n")[0].strip()[:_LONGEST_SUBJECT]


def author_of(commit: bytes) -> str:
    """Who wrote a raw commit, as ``NAME <ADDRESS>``; empty where it does not say."""
    actor, _ = _person(commit, "author")
    return f"{actor.name} <{actor.email}>" if actor and actor.name else ""


def committed_at(commit: bytes) -> int:
    """When a raw commit says that it was made, in seconds since 1970; 0 where it does not say."""
    return _person(commit, "committer")[1]


def parents_of(commit: bytes) -> list[str]:
    """The ids of the commits before a raw commit."""
    return [line.partition(" ")[2] for line in _head(commit) if line.startswith("parent ")]


def _person(commit: bytes, role: str) -> tuple[Actor | None, int]:
    # imported here: an idle pass reads no commit; GitPython would raise at import where there is no git
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from git.objects.util import parse_actor_and_date

    line = next((line for line in _head(commit) if line.startswith(f"{role} ")), "")
    with suppress(ValueError):
        actor, seconds, _ = parse_actor_and_date(line)
        return actor, seconds
    return None, 0


def _head(commit: bytes) -> list[str]:
    return commit.partition(b"\n\n")[0].decode(errors="replace").split("\n")
