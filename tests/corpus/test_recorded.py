"""The static rules foresee what Rucio was seen to do with each row: no false alarm, no silent pass, the proof right."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.failure_matrix import page
from tests.corpus import Recorded, confusion, recorded, unrecorded
from tests.rucio.prove.matrix.rows import rows

pytestmark = pytest.mark.slow


KNOWN = recorded()
PAGE = Path(__file__).parents[2] / "docs" / "failure-matrix.md"


@pytest.mark.parametrize("version", ["36.5.0", "37.7.1", "38.5.5", "40.0.0", "41.5.1"])
def test_every_row_was_run(version: str) -> None:
    assert unrecorded(version, KNOWN[version]) == ()


@pytest.mark.parametrize("version", KNOWN)
def test_every_row_that_was_run_ended_as_its_author_expects(version: str) -> None:
    expected = {row.row: str(row.expected(version)) for row in rows() if row.row in KNOWN[version]}
    assert {row: seen.direct for row, seen in KNOWN[version].items()} == expected


@pytest.mark.parametrize("version", KNOWN)
def test_no_row_that_works_is_an_error_and_none_that_breaks_passes_in_silence(version: str) -> None:
    found = confusion(version, KNOWN[version])
    assert (found.false, found.silent) == ((), ())


@pytest.mark.parametrize("version", KNOWN)
def test_the_proof_was_right_about_every_row(version: str) -> None:
    assert confusion(version, KNOWN[version]).proof_differs == ()


def test_a_silent_pass_and_a_false_alarm_would_be_counted() -> None:
    seen = {
        "a sound package": Recorded("dies", "", "loads"),
        "a syntax error in permission.py": Recorded("loads", "", "loads"),
    }
    found = confusion("41.5.1", seen)
    assert found.silent == ("a sound package",)
    assert found.false == ("a syntax error in permission.py",)
    assert found.proof_differs == ("a sound package",)


def test_the_page_is_made_of_the_record() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(list(KNOWN))
