"""The page of error codes is made from the code: it has each code once, and is never older."""

from __future__ import annotations

import re
from collections import Counter

from scripts import messages

ENTRY = re.compile(r"^\| `(\w+)` \| (\d) \| (.+) (?<!\\)\| (.+) \|$", re.MULTILINE)


def test_the_page_is_what_the_code_says() -> None:
    assert messages.PAGE.read_text() == messages.page(), "run 'make generated'"


def test_a_code_names_one_error() -> None:
    codes = Counter(code for code, _, _, _ in ENTRY.findall(messages.page()))
    assert len(codes) > 100
    assert [code for code, count in codes.items() if count > 1] == []


def test_every_code_has_a_meaning_in_a_sentence() -> None:
    assert [code for code, _, meaning, _ in ENTRY.findall(messages.page()) if not meaning.endswith((".", ".)"))] == []


def test_an_error_with_a_remedy_has_it_after_its_meaning() -> None:
    meanings = {code: meaning for code, _, meaning, _ in ENTRY.findall(messages.page())}
    assert meanings["signature_missing"] == (
        "The commit or tag has no signature. Sign it, or change 'verify' of the package."
    )


def test_every_code_has_the_sentence_that_is_said_with_its_remedy() -> None:
    said = {code: message for code, _, _, message in ENTRY.findall(messages.page())}
    assert said["no_directory"] == "there is no directory …: make it, or correct 'requirement' of the package"
    assert [code for code, message in said.items() if not re.search("[a-z]{3}", message)] == []
    assert {code for code, message in said.items() if message == messages.OF_FACTS} == OF_FACTS


OF_FACTS = {
    "candidate_refused",
    "config_error",
    "image_refused",
    "in_the_way",
    "index_refused",
    "no_workload_loads_it",
    "not_approved",
    "not_proven",
    "not_sent",
    "refused",
    "unusable_config",
    "unusable_manifest",
}
"""These say what was found, each time in other words."""
