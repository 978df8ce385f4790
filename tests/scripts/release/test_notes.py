"""Notes are a section of the change log."""

from __future__ import annotations

import pytest

from scripts.release.notes import notes

CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.1.0 - 2026-05-01\n\n### Added\n\n- This.\n\n## 1.0.0\n\n- That.\n"


def test_a_versions_notes_end_where_the_version_before_begins() -> None:
    assert notes(CHANGELOG, "1.1.0") == "### Added\n\n- This.\n"
    assert notes(CHANGELOG, "1.0.0") == "- That.\n"


@pytest.mark.parametrize("version", ["1.2.0", "Unreleased", "1.1"])
def test_a_release_of_which_nothing_is_said_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="says nothing"):
        notes(CHANGELOG, version)
