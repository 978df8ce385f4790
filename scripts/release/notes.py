"""The notes of a release are its section of the change log."""

from __future__ import annotations

import re

UNRELEASED = "Unreleased"


def notes(changelog: str, version: str) -> str:
    """What *changelog* has below the heading of *version*. Raises ValueError where that is nothing."""
    heading = rf"(?m)^## \[?{re.escape(version)}\]?(?: .*)?$"
    found = re.search(heading, changelog)
    below = changelog[found.end() :] if found else ""
    section = re.split(r"(?m)^## ", below, maxsplit=1)[0].strip()
    if not section:
        raise ValueError(f"CHANGELOG.md says nothing of {version}: write it below '## {version} - YYYY-MM-DD'")
    return section + "\n"
