"""What a report can hold of a hostile package: it has findings by the thousand, and names of 100,000 characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from secretsync.rucio.check.finding import Finding

MOST_OF_A_RULE = 100
"""Findings of one rule that are shown: five times what the worst policy known has."""

LONGEST = 600
"""Characters of a sentence that are shown."""


def bounded(findings: Iterable[Finding]) -> Iterator[Finding]:
    """*findings*, the worst of each rule where it has too many, and one that counts the others."""
    by_rule = sorted(findings, key=lambda finding: (finding.rule, -finding.severity.weight))
    for _, group in groupby(by_rule, key=lambda finding: finding.rule):
        of_a_rule = [*group]
        yield from map(_shortened, of_a_rule[:MOST_OF_A_RULE])
        if more := of_a_rule[MOST_OF_A_RULE:]:
            effect = f"This rule has {len(more):,} more findings, which are not shown"
            yield Finding(more[0].rule, more[0].severity, "", 0, effect, "Fix those that are shown, and check again")


def _shortened(finding: Finding) -> Finding:
    if max(len(finding.effect), len(finding.remedy), len(finding.about)) <= LONGEST:
        return finding
    effect, remedy, about = map(_without_middle, (finding.effect, finding.remedy, finding.about))
    return replace(finding, effect=effect, remedy=remedy, about=about)


def _without_middle(text: str) -> str:
    """A name stands anywhere in a sentence, so that its begin and its end stay."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 + 1 :]}"
