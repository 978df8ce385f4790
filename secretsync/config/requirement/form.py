"""What a form of requirement is: a reader of a text, and the value that it reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a requirement names; two that name the same are equal.

    *text* is how it was written; *source* is the key of SOURCES that it was read by, and so what opens it.
    """

    text: str = field(default="", compare=False)
    source: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Written:
    """A requirement's text, taken apart as far as all forms have in common.

    *text* is without its hashes (sha256 in hex); *name* and *url* are the two parts of ``name @ url``, else *name* is
    empty and *url* is *text*.
    """

    text: str
    hashes: tuple[str, ...]
    name: str
    url: str


Reader = Callable[[Written], Requirement | None]
"""What the text means in one form; None where it is of another. Raises UnusableRequirement."""


@dataclass(frozen=True, slots=True)
class PatternRequirement(Requirement):
    """What a form names that a regular expression reads: *parts* are its groups and their text."""

    parts: tuple[tuple[str, str], ...]

    def __getitem__(self, group: str) -> str:
        return dict(self.parts)[group]


def pattern(expression: str) -> Reader:
    """A reader of URLs that match *expression* as a whole; its named groups become the parts."""
    compiled = re.compile(expression)

    def read(written: Written) -> PatternRequirement | None:
        match = compiled.fullmatch(written.url)
        return PatternRequirement(tuple(match.groupdict("").items())) if match else None

    return read
