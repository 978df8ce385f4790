"""Words of others at the edge of output: a terminal, a log or a chat must show control characters, not obey them."""

from __future__ import annotations


def visible(text: str) -> str:
    """*text* on one line, with each control and format character as its escape (``\\x1b``); a tab stays."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\t" else repr(one)[1:-1] for one in text)
