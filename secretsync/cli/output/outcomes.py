"""What became of each of several targets, a line each: the last thing that a run says."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from secretsync.cli.output.text import summary
from secretsync.reconcile.all_targets import Outcome

_WIDTH = 80
_LONGEST_NAME = 36


def render(outcomes: Sequence[Outcome]) -> str:
    """A table of 80 columns, in the order in which the targets ended."""
    names = [textwrap.shorten(outcome.destination.name, _LONGEST_NAME, placeholder="…") for outcome in outcomes]
    width = max(map(len, names))
    lines = [f"{len(outcomes)} targets, {sum(outcome.exit_code == 0 for outcome in outcomes)} of them well:"]
    for name, outcome in zip(names, outcomes, strict=True):
        came_to = textwrap.shorten(_came_to(outcome), _WIDTH - width - 4, placeholder=" …")
        lines.append(f"  {name.ljust(width)}  {came_to}")
    return "\n".join(lines) + "\n"


def _came_to(outcome: Outcome) -> str:
    if outcome.error:
        return f"FAILED ({outcome.error.category}): {outcome.error}"
    return summary(outcome.report) if outcome.report else ""
