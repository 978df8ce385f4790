"""Status as a table: what its columns count."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

import pytest

from secretsync.cli.output import json as json_format
from secretsync.cli.output.describe import describe_pass
from secretsync.cli.output.status import StatusReport, describe_status
from secretsync.cli.output.status_text import status_text
from secretsync.cli.output.text import render_target
from secretsync.core.model import Secret
from secretsync.operations import releases
from secretsync.operations.doctor import diagnose
from secretsync.operations.status import status
from secretsync.plan.state import Result
from secretsync.reconcile.state_store import StateStore
from tests.build import pod
from tests.cli.output.sessions import NOW
from tests.reconcile.test_reconciler import Site


def miswired(site: Site, name: str) -> None:
    """Somebody takes a workload's PYTHONPATH away."""
    for ref, one in site.cluster.live_workloads.items():
        if ref.name == name:
            (container,) = one.template["spec"]["containers"]
            container["env"] = [entry for entry in container["env"] if entry["name"] != "PYTHONPATH"]


def test_a_workload_that_does_not_load_the_package_is_not_counted_among_those_that_run_it() -> None:
    site = Site("server", "judge")
    site.sync()
    miswired(site, "judge")
    report = StatusReport(time=NOW, targets=(describe_status("production", status(site.destination)),))
    row = status_text(report).splitlines()[2]
    assert "not in force" in row
    assert "1/2" in row
    (package,) = json.loads(json_format.render(report))["targets"][0]["packages"]
    assert [one["name"] for one in package["workloads_not_in_force"]] == ["judge"]


def configured_by_a_secret(site: Site, name: str) -> None:
    """Rucio's configuration of a workload is a file in a Secret; no variable names the package."""
    for ref, workload in site.cluster.live_workloads.items():
        if ref.name == name:
            (container,) = workload.template["spec"]["containers"]
            container["env"] = [entry for entry in container["env"] if entry["name"] == "PYTHONPATH"]
            container["volumeMounts"].append(
                {"name": "cfg", "mountPath": "/opt/rucio/etc/rucio.cfg", "subPath": "rucio.cfg"}
            )
            workload.template["spec"]["volumes"].append({"name": "cfg", "secret": {"secretName": "rucio-cfg"}})


def as_text(site: Site) -> str:
    report = StatusReport(time=NOW, targets=(describe_status("production", status(site.destination)),))
    return " ".join(status_text(report).split())


def test_plan_status_and_doctor_agree_on_a_workload_whose_configuration_is_in_a_secret() -> None:
    """plan and status do not read the Secret and say so in the same words; doctor reads it, and knows."""
    site = Site("server", "judge")
    site.sync()
    configured_by_a_secret(site, "judge")
    sentence = "not known whether Rucio loads it in Deployment judge: a Secret, a ConfigMap or the image decides"
    assert sentence in as_text(site)
    site.cluster.calls.clear()
    planned = render_target(describe_pass(site.preview(), dry_run=True))
    assert f"note: atlas_rucio_policy: {sentence}" in " ".join(planned.split())
    assert "up to date: 1 Secret, 2/2 workloads (1 not known)" in planned
    assert ("get", "rucio-cfg") not in site.cluster.calls
    site.cluster.secrets["rucio-cfg"] = Secret("rucio", "rucio-cfg", {"rucio.cfg": b"[policy]\npackage = generic\n"})
    sick = [diagnosis for diagnosis in diagnose(site.destination).diagnoses if not diagnosis.well]
    assert [(diagnosis.workload.name, diagnosis.verdicts[-1].fails) for diagnosis in sick] == [("judge", True)]


def test_the_reason_of_a_failed_run_stands_in_status() -> None:
    site = Site("server")
    site.sync()
    result = Result("failing proof", int(NOW.timestamp()), "Rucio does not start in the image of Deployment server")
    store = StateStore(site.cluster, "secretsync", "rucio", "test")
    store.save(store.state.with_results({"atlas": result}))
    assert "last run: failed, canary (for 0s): Rucio does not start in the image of Deployment server" in as_text(site)


def test_what_the_last_run_said_of_the_wiring_is_not_said_of_workloads_that_were_mended_since() -> None:
    site = Site("server")
    site.sync()
    store = StateStore(site.cluster, "secretsync", "rucio", "test")
    store.save(store.state.with_results({"atlas": Result("not in force sha256:0", 0)}))
    assert "last run" not in as_text(site)


@pytest.mark.parametrize(
    ("drift", "sentence"), [("repair", "the next run restores them"), ("report", "so they stay until there is new")]
)
def test_status_says_what_becomes_of_an_edit_by_hand(drift: Literal["repair", "report"], sentence: str) -> None:
    site = Site("server")
    site.destination = replace(site.destination, drift=drift)
    site.sync()
    site.cluster.edit("atlas", **{"init.py": b"edited"})
    assert sentence in as_text(site)


def test_after_a_run_that_failed_the_next_one_only_tries_to_restore_an_edit() -> None:
    site = Site("server")
    site.sync()
    store = StateStore(site.cluster, "secretsync", "rucio", "test")
    store.save(store.state.with_results({"atlas": Result("failing refused", 0, "Secret rucio/atlas is immutable")}))
    site.cluster.edit("atlas", **{"init.py": b"edited"})
    assert "somebody changed the live files; the next run tries to restore them" in as_text(site)


def test_a_secret_that_somebody_deleted_is_said_to_be_deleted_by_status_and_plan() -> None:
    site = Site("server", "judge")
    site.sync()
    del site.cluster.secrets["atlas"]
    sentence = "Secret atlas was deleted: no pod that mounts it can start"
    shown = as_text(site)
    assert sentence in shown
    assert "0/2" in shown
    assert f"warning: {sentence}" in " ".join(render_target(describe_pass(site.preview(), dry_run=True)).split())
    site.sync()
    assert "was deleted" not in as_text(site)
    releases.suspend(site.destination, site.destination.deliveries[0], "data taking", by="ddm@ops")
    del site.cluster.secrets["atlas"]
    assert "no run creates it again, as the package is suspended" in as_text(site)


def test_status_says_why_pods_do_not_come_up_as_a_rollout_does() -> None:
    site = Site("server")
    site.sync()
    for workload in site.cluster.live_workloads.values():
        workload.manifest["status"]["updatedReplicas"] = 0
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    site.cluster.live_pods = [pod("server", name="server-2", created="2026-01-01T00:00:00Z")]
    site.cluster.live_pods[0]["status"] = {"conditions": [condition]}
    assert "pod server-2 cannot be scheduled: 0/3 nodes" in as_text(site)


def test_plan_and_status_agree_on_a_workload_that_somebody_paused() -> None:
    site = Site("server", "judge")
    site.sync()
    for ref, workload in site.cluster.live_workloads.items():
        if ref.name == "judge":
            workload.manifest["spec"]["paused"] = True
    assert "1/2" in as_text(site)
    assert "1/2 workloads (1 not current)" in render_target(describe_pass(site.preview(), dry_run=True))
