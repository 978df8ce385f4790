"""The page of error codes is made from the code: it has each code once, and is never older."""

from __future__ import annotations

import re
from collections import Counter

from scripts import messages

ENTRY = re.compile(r"^\| `(\w+)` \| (\d) \| (.+) \|$", re.MULTILINE)


def test_the_page_is_what_the_code_says() -> None:
    assert messages.PAGE.read_text() == messages.page(), "renew it with 'PYTHONPATH=. python scripts/messages.py'"


def test_a_code_names_one_error() -> None:
    codes = Counter(code for code, _, _ in ENTRY.findall(messages.page()))
    assert len(codes) > 100
    assert [code for code, count in codes.items() if count > 1] == []


def test_every_code_has_a_meaning_in_a_sentence() -> None:
    assert [code for code, _, meaning in ENTRY.findall(messages.page()) if not meaning.endswith((".", ".)"))] == []


def test_an_error_with_a_remedy_has_it_after_its_meaning() -> None:
    meanings = {code: meaning for code, _, meaning in ENTRY.findall(messages.page())}
    assert meanings["signature_missing"] == (
        "The commit or tag has no signature. Sign it, or change 'verify' of the package."
    )
