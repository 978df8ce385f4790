"""The reference is made from the code: it is never older, and leaves no key unexplained."""

from __future__ import annotations

import pytest

from scripts import reference
from secretsync.core.errors import CHANGES_PENDING, FAILED, INTERRUPTED, ROLLOUT_FAILED, TERMINATED, USAGE
from tests import ROOT

PAGES = reference.pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_of_the_reference_is_what_the_code_says(name: str) -> None:
    assert (reference.FOLDER / name).read_text() == PAGES[name], "run 'make generated'"


def test_there_is_no_other_page() -> None:
    assert {path.name for path in reference.FOLDER.iterdir()} == PAGES.keys()


def test_every_key_has_a_meaning() -> None:
    rows = [line for line in PAGES["configuration.md"].splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


def test_every_exit_code_is_explained() -> None:
    assert reference.EXIT_CODES.keys() == {0, FAILED, USAGE, CHANGES_PENDING, ROLLOUT_FAILED, INTERRUPTED, TERMINATED}


def test_the_readme_tells_the_same_exit_codes() -> None:
    readme = (ROOT / "README.md").read_text()
    for code, meaning in reference.EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in readme
