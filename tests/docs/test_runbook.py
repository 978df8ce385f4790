"""The runbook is by what one sees: each message in a heading or in bold is one that the code can say."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests import ROOT

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
QUOTED = re.findall(r'^## "([^"]+)"', RUNBOOK, re.MULTILINE) + re.findall(r'^\*\*"([^"]+)"\*\*', RUNBOOK, re.MULTILINE)


@cache
def messages() -> str:
    """Every text of the code, in lower case; what an f-string puts in is left out."""
    texts = []
    for path in (ROOT / "secretsync").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                texts.append(node.value.lower())
    return "\n".join(texts)


def parts(message: str) -> list[str]:
    return [part.strip(" :,.").lower() for part in message.split("…") if part.strip(" :,.")]


@pytest.mark.parametrize("message", QUOTED)
def test_a_message_of_the_runbook_exists(message: str) -> None:
    assert [part for part in parts(message) if part not in messages()] == []


def test_there_are_messages_and_one_that_nobody_says_is_found() -> None:
    assert len(QUOTED) > 10
    assert "the moon is in the way" not in messages()
