"""Words of others at the edge of output: a terminal, a log or a chat must show control characters, not obey them."""

from __future__ import annotations


def visible(text: str) -> str:
    """*text* on one line, with each control and format character as its escape (``\\x1b``); a tab stays."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\t" else repr(character)[1:-1] for character in text
    )
