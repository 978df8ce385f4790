"""Renews the tables of docs/metrics.md from the code; the text around them is written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from secretsync.reconcile.reasons import REASONS
from secretsync.service.metrics import COUNTERS, DURATIONS, GAUGES, PROCESS, Metric

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"


def renewed(page: str) -> str:
    """*page* with each table as the code has it: below its heading, the first that there is."""
    for heading, rows in _tables().items():
        above, found, below = page.partition(f"\n## {heading}\n")
        if not found:
            raise ValueError(f"docs/metrics.md has no heading {heading!r}")
        page = above + found + re.sub(r"(?m)^\|.*(\n\|.*)*", lambda _, rows=rows: "\n".join(rows), below, count=1)
    return page


def _tables() -> Mapping[str, list[str]]:
    return {
        "What each pass says of each package at each target": list(_metrics(GAUGES)),
        "Counters": list(_metrics(COUNTERS)),
        "Durations": list(_metrics(DURATIONS)),
        "The process": list(_metrics(PROCESS)),
        "Reasons": ["| reason | meaning |", "|---|---|", *(f"| `{name}` | {said} |" for name, said in REASONS.items())],
    }


def _metrics(metrics: Mapping[str, Metric]) -> Iterator[str]:
    yield "| name | labels | meaning |"
    yield "|---|---|---|"
    for name, metric in metrics.items():
        yield f"| `{name}` | {', '.join(metric.labels)} | {metric.meaning} |"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
