"""What Prometheus is told of passes, on a cluster in memory."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import secretsync
from scripts import metrics as metrics_page
from secretsync.cluster.errors import Call, Forbidden
from secretsync.core import instrumentation
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Bundle, Revision
from secretsync.reconcile.all_targets import Outcome, reconcile_targets
from secretsync.reconcile.asked_once import AskedOncePerPass
from secretsync.reconcile.reasons import REASONS, reason
from secretsync.reconcile.reconciler import preview
from secretsync.service.metrics import COUNTERS, DURATIONS, GAUGES, PROCESS
from secretsync.service.registry import Registry
from secretsync.sources.git.errors import AccessRefused
from secretsync.sources.shared import InstrumentedSource
from tests import ROOT
from tests.build import PLACEMENT
from tests.reconcile.test_reconciler import Broken, Site
from tests.reconcile.wired.site import WiredSite

CLOSED = "Sun 00:00-00:01 UTC"  # a site's time is a Thursday
ALL = {**GAUGES, **COUNTERS, **DURATIONS, **PROCESS}
DOCUMENT = ROOT / "docs" / "metrics.md"


class Locked:
    """A source that lets nobody in."""

    def resolve(self) -> Revision:
        raise AccessRefused("https://git.example.org/policy", "HTTP 403")

    def fetch(self, revision: Revision) -> Bundle:
        raise AccessRefused("https://git.example.org/policy", "HTTP 403")


@pytest.fixture
def site() -> Site:
    return Site("server", "judge")


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry(utc=lambda: 1000.0)
    with instrumentation.listening_to(registry.record):
        yield registry


def passed(site: Site, registry: Registry) -> None:
    (outcome,) = reconcile_targets([site.destination], lambda _: site.sync())
    registry.outcome(outcome)


def value(registry: Registry, name: str, **labels: str) -> float:
    """The value of the one sample that has these labels; 0 where there is none."""
    found = [
        sample.value
        for family in text_string_to_metric_families(registry.text().decode())
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) <= 1, f"{name} {labels} is ambiguous"
    return found[0] if found else 0


def failures(registry: Registry) -> dict[str, float]:
    told = text_string_to_metric_families(registry.text().decode())
    samples = [sample for family in told for sample in family.samples if sample.name == "secretsync_failures_total"]
    return {sample.labels["reason"]: sample.value for sample in samples}


def forbidden(verb: str, name: str) -> None:
    raise Forbidden(Call("get", "secrets", "rucio", name), 403)


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    assert page == metrics_page.renewed(page), "run 'make generated'"


def test_a_table_that_is_not_the_codes_is_replaced() -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    assert metrics_page.renewed(page.replace("| `secretsync_leader` |", "| `secretsync_gone` |")) == page


def test_every_stage_is_documented_and_no_other() -> None:
    sources = Path(secretsync.__file__).parent.rglob("*.py")
    stages = {name for source in sources for name in re.findall(r"(?:stage|_watching)\(\"(\w+)\"", source.read_text())}
    (sentence,) = re.findall(r"the stages are ([^.]*)\.", DOCUMENT.read_text())
    assert set(re.findall(r"`(\w+)`", sentence)) == stages


def test_the_names_that_are_served_are_those_of_the_table(site: Site, registry: Registry) -> None:
    passed(site, registry)
    families = {family.name: family for family in text_string_to_metric_families(registry.text().decode())}
    ours = {name for name in families if name.startswith("secretsync_")}
    assert ours == {name.removesuffix("_total") for name in ALL}
    assert {families[name].type for name in GAUGES} == {"gauge"}
    assert {families[name.removesuffix("_total")].type for name in COUNTERS} == {"counter"}


def test_what_is_served_is_what_prometheus_wants_to_read(site: Site, registry: Registry) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on PATH: it comes with Prometheus")
    passed(site, registry)
    told = subprocess.run([promtool, "check", "metrics"], input=registry.text(), capture_output=True, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")


def test_after_a_good_pass_all_is_in_sync(site: Site, registry: Registry) -> None:
    passed(site, registry)
    assert value(registry, "secretsync_in_sync", target="memory", package=PLACEMENT.module) == 1
    assert value(registry, "secretsync_pending") == 0
    assert value(registry, "secretsync_workloads", state="current") == 2
    assert value(registry, "secretsync_last_success_timestamp_seconds") == 1000
    assert value(registry, "secretsync_revision_info", revision=site.source.commit.id, ref="main") == 1
    assert failures(registry) == {}


def test_workloads_that_were_just_wired_count(registry: Registry) -> None:
    passed(WiredSite("server", "judge"), registry)
    assert value(registry, "secretsync_workloads", state="current") == 2
    assert value(registry, "secretsync_in_sync") == 1


def test_a_new_revision_takes_the_place_of_the_old_one(site: Site, registry: Registry) -> None:
    passed(site, registry)
    site.source.push(init="2")
    passed(site, registry)
    assert value(registry, "secretsync_revision_info") == 1
    assert value(registry, "secretsync_revision_info", revision=site.source.commit.id) == 1


def test_what_a_preview_finds_is_pending(site: Site, registry: Registry) -> None:
    (outcome,) = reconcile_targets([site.destination], preview)
    registry.outcome(outcome)
    assert value(registry, "secretsync_pending") == 3
    assert value(registry, "secretsync_in_sync") == 0


def test_what_the_window_holds_back_waits(site: Site, registry: Registry) -> None:
    passed(site, registry)
    site.source.push(init="2")
    site.destination = replace(site.destination, rollout=site.destination.rollout.model_copy(update={"window": CLOSED}))
    passed(site, registry)
    assert value(registry, "secretsync_waiting") == 1
    assert value(registry, "secretsync_in_sync") == 0
    assert failures(registry) == {}


def test_a_package_that_breaks_pods_is_rejected_and_counts_once(site: Site, registry: Registry) -> None:
    passed(site, registry)
    site.cluster.__class__ = Broken
    site.source.push(init="import nothing")
    passed(site, registry)
    assert value(registry, "secretsync_rejected") == 1
    assert value(registry, "secretsync_held") == 0
    assert value(registry, "secretsync_in_sync") == 0
    assert failures(registry) == {"rollout": 1}


def test_a_hand_edit_is_drift_until_it_is_put_right(site: Site, registry: Registry) -> None:
    passed(site, registry)
    site.cluster.edit("atlas", init=b"edited")
    passed(site, registry)
    assert value(registry, "secretsync_drift") == 1
    assert value(registry, "secretsync_in_sync") == 1
    passed(site, registry)
    assert value(registry, "secretsync_drift") == 0


def test_a_failure_without_a_report_counts_once_and_leaves_the_rest_as_it_was(site: Site, registry: Registry) -> None:
    passed(site, registry)
    site.cluster.before = forbidden
    registry._utc = lambda: 2000.0
    passed(site, registry)
    assert failures(registry) == {"cluster": 1}
    assert value(registry, "secretsync_in_sync") == 1
    assert value(registry, "secretsync_last_attempt_timestamp_seconds") == 2000
    assert value(registry, "secretsync_last_success_timestamp_seconds") == 1000


def test_a_target_that_is_no_longer_configured_is_forgotten(site: Site, registry: Registry) -> None:
    passed(site, registry)
    registry.only(["another"])
    assert value(registry, "secretsync_in_sync") == 0


def test_a_source_that_fails_counts_once_by_the_name_of_its_error(site: Site, registry: Registry) -> None:
    with pytest.raises(AccessRefused):
        InstrumentedSource("pol", Locked()).resolve()
    assert value(registry, "secretsync_source_errors_total", package="pol", reason="access_refused") == 1


def test_a_source_that_two_targets_want_fails_once(site: Site, registry: Registry) -> None:
    once = AskedOncePerPass(InstrumentedSource("pol", Locked()))
    for _ in range(2):
        with pytest.raises(AccessRefused):
            once.resolve()
    assert value(registry, "secretsync_source_errors_total", package="pol", reason="access_refused") == 1


def test_the_stages_of_a_pass_are_timed(site: Site, registry: Registry) -> None:
    passed(site, registry)
    name = "secretsync_stage_duration_seconds_count"
    assert {stage: value(registry, name, stage=stage) for stage in ("compare", "check", "write", "watch")} == {
        "compare": 2,  # before the turn is taken, and in it
        "check": 2,
        "write": 1,
        "watch": 1,
    }


def every_error() -> list[type[SecretSyncError]]:
    for module in pkgutil.walk_packages(secretsync.__path__, "secretsync."):
        if not module.name.endswith(("__main__", ".probe")):
            importlib.import_module(module.name)
    found, todo = [], [SecretSyncError]
    while todo:
        todo += (below := todo.pop().__subclasses__())
        found += [one for one in below if one.__module__.startswith("secretsync.")]
    return found


@pytest.mark.parametrize("error", every_error(), ids=lambda error: f"{error.__module__}.{error.__name__}")
def test_every_error_has_a_reason(error: type[SecretSyncError]) -> None:
    assert error.category in REASONS


def test_what_the_check_refuses_has_a_reason_of_its_own(site: Site) -> None:
    refused = replace(preview(site.destination), refused="the check refuses it")
    assert reason(Outcome(site.destination, refused)) == "check"
