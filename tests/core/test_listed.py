"""How many names stand in a sentence."""

from __future__ import annotations

import pytest

from secretsync.core.listed import listed


@pytest.mark.parametrize(
    ("names", "shown"), [("", ""), ("a", "a"), ("abc", "a, b, c"), ("abcde", "a, b, c and 2 more")]
)
def test_the_first_names_stand_there_and_the_number_of_the_others(names: str, shown: str) -> None:
    assert listed(list(names)) == shown
