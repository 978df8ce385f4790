"""The alerts and the dashboard speak of metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync.core.kinds.kind import State
from secretsync.reconcile.reasons import REASONS
from secretsync.service.metrics import COUNTERS, DURATIONS, GAUGES, PROCESS
from secretsync.service.webhook import By
from tests import ROOT

FILES = ROOT / "chart" / "files"
SERIES = {
    **GAUGES,
    **COUNTERS,
    **PROCESS,
    **{name + end: metric for name, metric in DURATIONS.items() for end in ("_bucket", "_count", "_sum")},
}
OF_THE_SCRAPE = {"job", "pod", "le"}
OF_THE_CLIENT = {"process_resident_memory_bytes", "process_open_fds"}
KNOWN = {"state": set(State), "by": set(By), "reason": set(REASONS)}


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def dashboard() -> Any:
    return json.loads((FILES / "dashboard.json").read_text())


def expressions() -> Iterator[Any]:
    for rule in alerts():
        yield pytest.param(rule["expr"], id=rule["alert"])
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_expression_speaks_of_metrics_and_labels_that_exist(expression: str) -> None:
    names = set(re.findall(r"\b(?:secretsync|process)_\w+", expression))
    assert names
    assert names - OF_THE_CLIENT <= SERIES.keys()
    labels = {label for name in names - OF_THE_CLIENT for label in SERIES[name].labels} | OF_THE_SCRAPE
    by = {label for told in re.findall(r"by \(([^)]*)\)", expression) for label in told.split(", ")}
    chosen = set(re.findall(r"(\w+)(?:=~?|!=)\"", expression))
    assert by | chosen <= labels


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_value_that_is_looked_for_can_come(expression: str) -> None:
    for label, values in re.findall(r"(\w+)=~?\"([^\"]*)\"", expression):
        if label in KNOWN:
            assert set(values.split("|")) <= KNOWN[label]


def test_every_metric_of_a_package_is_on_the_dashboard() -> None:
    text = json.dumps(dashboard())
    shown = {name for name in {**GAUGES, **COUNTERS} if name in text}
    assert {**GAUGES, **COUNTERS}.keys() - shown == {"secretsync_last_attempt_timestamp_seconds"}


def test_panels_neither_overlap_nor_share_a_number() -> None:
    panels = dashboard()["panels"]
    cells = [
        (place["x"] + x, place["y"] + y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["w"])
        for y in range(place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["description"].endswith(".")


def test_the_alerts_fire_when_they_should_and_not_otherwise(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on PATH: it comes with Prometheus")
    shutil.copy(FILES / "alerts.yaml", tmp_path)
    shutil.copy(Path(__file__).with_name("alerts_test.yaml"), tmp_path)
    told = subprocess.run(
        [promtool, "test", "rules", "alerts_test.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
