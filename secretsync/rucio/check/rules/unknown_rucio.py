"""unknown-rucio: a version of Rucio about which nothing is known."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, _: Package, setting: Setting) -> Iterator[Finding]:
    """A version of Rucio that is not recorded, so that another one was checked in its place."""
    if not setting.rucio.is_known:
        yield rule.finding(
            "",
            0,
            f"What Rucio {setting.rucio.version} does is not known here: it was checked as {setting.rucio.known}",
            "Give the version with --rucio if the tag is not one, or update secretsync",
            about=setting.rucio.version,
        )


RULE = Rule(
    "unknown-rucio",
    Severity.WARNING,
    "A version of Rucio about which nothing is known",
    "What Rucio has and does is recorded for each minor release since 37. For any other version, and for image tags "
    "that are no versions, the nearest older release stands in, or the newest known. For a version from before 37 the "
    "oldest known stands in, and what would be an error is a warning.",
    find,
)
