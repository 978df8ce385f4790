"""What `python -m benchmarks` prints and draws of a result, and the page that shows it."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import page, plot
from benchmarks.ratios import ROWS, table
from benchmarks.record import RESULTS

RECORDS = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]


def record(**change: float) -> dict[str, Any]:
    spent = {"seconds": 1.0, "cpu": 1.0, "mebibytes": 50.0, "calls": 6, "gets": 3, "lists": 3, "writes": 0, "lease": 0}
    found = {name: dict(spent) for name in ("imports", "idle", "shell", "git2kube", "restart")}
    found["change"] = {**spent, "writes": 43, "lease": 4, **change}
    machine = {"date": "2026-01-01", "commit": "abc", "machine": "2 processors"}
    repository = {"git ls-remote": 1.0, "merged": 1.5, "request open": 4.0}
    return {**machine, "workloads": {"30": found}, "repository": repository}


def rows(record: dict[str, Any]) -> dict[str, str]:
    cells = (line.strip("| ").split(" | ") for line in table(record))
    return {name: value for name, value, *_ in (row for row in cells if len(row) > 1)}


def test_each_number_is_a_ratio_or_stands_beside_its_goal() -> None:
    found = rows(record(seconds=2.0))
    assert found["change: time, times kubectl rollout restart"] == "2.00"
    # 43 writes are one for each of 30 workloads, eleven of the run, and two renewals of the Lease
    assert found["change: writes beside one a workload and renewals"] == "11"
    assert ROWS.keys() <= found.keys()


def test_what_is_above_its_goal_is_marked() -> None:
    found = rows(record(cpu=8.5))
    assert found["change: CPU seconds"] == "**8.50, over**"
    assert found["target in git, merged: idle time, times git ls-remote"] == "1.50"
    assert found["target in git, request open: idle time, times git ls-remote"] == "**4.00, over**"


def test_a_new_result_takes_the_place_of_the_one_on_the_page() -> None:
    before = page.PAGE.read_text()
    after = page.with_table(before, record())
    assert "| 2026-01-01, commit abc | 30 workloads | goal |" in after
    assert RECORDS[-1]["commit"] in before
    assert RECORDS[-1]["commit"] not in after
    assert after.partition("## Measured")[0] == before.partition("## Measured")[0]


@pytest.mark.parametrize("kept", RECORDS, ids=lambda kept: str(kept["commit"]))
def test_each_kept_result_says_when_of_what_and_on_what_and_is_drawn(kept: dict[str, Any]) -> None:
    assert kept["date"]
    assert kept["commit"]
    assert "processors" in kept["machine"]
    assert list(table(kept))
    ElementTree.fromstring(plot.drawing(kept))
