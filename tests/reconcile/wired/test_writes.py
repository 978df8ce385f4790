"""The story where we mount the packages ourselves, told on a cluster in memory: what is written, and what goes."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from secretsync.cli.output.describe import describe_pass
from secretsync.cli.output.text import render_target
from secretsync.config.check import Check
from secretsync.core.pod_references import secrets_referenced
from secretsync.core.secret_codec import OURS
from secretsync.plan.diff import Action
from secretsync.reconcile.canary.manifests import candidates, environments, job, secrets
from secretsync.reconcile.destination import Delivery
from secretsync.reconcile.reconciler import preview
from tests.build import workload
from tests.reconcile.test_reconciler import MemorySource
from tests.reconcile.wired.site import KEY, WIRED, WiredSite, actions, container_of


def test_a_first_run_creates_secrets_named_by_their_digest_and_then_wires_the_selected_workloads(
    site: WiredSite,
) -> None:
    other = workload(name="database")
    site.cluster.live_workloads[other.ref] = other
    report = site.sync()
    (name,) = site.package_secrets()
    assert name == f"atlas-{report.plan.packages[0].desired.bundle.digest[:12]}"
    assert site.cluster.secrets[name].immutable
    written = [call for call in site.cluster.writes if call[1] != "secretsync-state"]
    assert written == [("create", name), ("wire", "server"), ("wire", "judge")]
    assert (site.mounted("server"), site.mounted("judge"), site.mounted("database")) == ({name}, {name}, set())
    assert site.workload().template_annotations[KEY].startswith("1 sha256:")


def test_a_second_run_writes_nothing_reads_only_what_is_in_force_and_does_not_read_the_source(site: WiredSite) -> None:
    for content in ("1", "2", "3"):
        site.source.push(init=content)
        site.remember_revision()
        site.sync()
    assert len(site.state.outdated) == 2
    (name,) = site.mounted()
    site.cluster.calls.clear()
    report = site.sync()
    assert site.cluster.calls == [
        ("get", "secretsync-state"),
        ("get", name),
        ("list", "workloads"),
    ]
    assert (report.plan.pending, site.source.fetched) == (False, 3)


def test_a_preview_writes_nothing_and_tells_what_is_injected(site: WiredSite) -> None:
    shown = preview(site.destination)
    assert (shown.pending, site.cluster.writes) == (True, [])
    text = render_target(describe_pass(shown, dry_run=True))
    assert "pod template of Deployment server and 1 more, field manager secretsync-secretsync-wiring:" in " ".join(
        text.split()
    )
    assert "+ rucio: PYTHONPATH=/opt/policy" in text
    assert f"+ volume policy-atlas (Secret {shown.plan.changes[0].desired.name})" in text
    assert max(len(line) for line in text.splitlines() if "rucio:" in line) <= 80


def test_new_content_gets_secrets_of_its_own_and_no_running_pod_sees_a_file_change(site: WiredSite) -> None:
    site.sync()
    (before,) = site.mounted()
    site.remember_revision()
    kept = site.cluster.secrets[before]
    site.source.push(init="2")
    report = site.sync()
    assert site.content() == {"init.py": b"2"}
    assert site.cluster.secrets[before] == kept
    assert report.mixed == {}
    assert site.state.outdated == (before,)
    assert f"kept      Secret {before}" in render_target(describe_pass(report, dry_run=False))


def test_what_no_revision_refers_to_any_more_is_deleted_with_the_next_write(site: WiredSite) -> None:
    site.sync()
    (first,) = site.mounted()
    site.remember_revision()
    site.source.push(init="2")
    site.sync()
    site.cluster.others.clear()
    site.source.push(init="3")
    report = site.sync()
    assert (Action.DELETE, first) in actions(report)
    assert first not in site.cluster.secrets
    assert len(site.package_secrets()) == 2


@pytest.mark.parametrize("kind", ["ReplicaSet", "ControllerRevision", "Pod"])
def test_a_secret_that_a_revision_or_a_pod_refers_to_stays(site: WiredSite, kind: str) -> None:
    site.sync()
    (first,) = site.mounted()
    template = deepcopy(site.workload().template)
    spec = {"template": template}
    manifest = {
        "ReplicaSet": {"spec": spec},
        "ControllerRevision": {"data": {"spec": spec}},
        "Pod": {"spec": template["spec"]},
    }[kind]
    site.cluster.others = [{"kind": kind, "metadata": {"name": "server-1"}, **manifest}]
    for content in ("2", "3"):
        site.source.push(init=content)
        site.sync()
    assert first in site.cluster.secrets


def test_two_packages_are_wired_together_and_new_content_of_one_leaves_the_other(site: WiredSite) -> None:
    other = MemorySource(init="cms")
    vo = replace(WIRED, secret="cms", module="cms_policy", vo="cms")
    first = site.destination.deliveries[0]
    second = Delivery(vo, other, "recipe", Check(fail="never"))
    site.destination = replace(site.destination, deliveries=[first, second])
    site.sync()
    cms = {name for name in site.mounted() if name.startswith("cms")}
    environment = {one["name"]: one["value"] for one in container_of(site)["env"]}
    assert environment["RUCIO_POLICY_PACKAGE_CMS"] == "cms_policy"
    site.source.push(init="2")
    site.sync()
    assert {name for name in site.mounted() if name.startswith("cms")} == cms
    assert len(site.mounted()) == 2
    stamps = site.workload().template_annotations
    assert (stamps[KEY].split()[0], stamps[OURS + "cms"].split()[0]) == ("2", "1")
    assert site.sync().plan.idle


def test_a_candidate_is_proven_with_the_wiring_that_it_will_have(site: WiredSite) -> None:
    container_of(site)["image"] = "rucio/rucio-server:release-41.5.1"
    plan = preview(site.destination).plan
    (candidate,) = candidates(plan.packages, [("", one) for one in environments(plan.packages, plan.workloads)])
    made = job(candidate, "proof", vo="", seconds=60)
    pod = made["spec"]["template"]["spec"]
    made["metadata"]["uid"] = "1"
    names = {secret.name for secret in secrets(candidate, made, {})}
    assert secrets_referenced({"spec": pod}) == names
    assert {"name": "PYTHONPATH", "value": "/opt/policy"} in pod["containers"][0]["env"]


def test_when_the_state_object_is_lost_what_is_live_is_known_again_after_one_run(site: WiredSite) -> None:
    site.source.push(init="1", sub__a="2")
    site.sync()
    del site.cluster.secrets["secretsync-state"]
    site.sync()
    site.cluster.calls.clear()
    fetched = site.source.fetched
    assert site.sync().plan.idle
    assert (site.cluster.writes, site.source.fetched) == ([], fetched)
    assert site.state.revision_number == 1


def test_a_secret_that_somebody_made_anew_as_one_that_can_change_is_immutable_again(site: WiredSite) -> None:
    site.sync()
    (name,) = site.mounted()
    site.cluster.secrets[name] = replace(site.cluster.secrets[name], immutable=False)
    report = site.sync()
    assert site.cluster.secrets[name].immutable
    assert report.plan.restarts == ()
    assert site.sync().plan.idle


def test_a_secret_that_somebody_deleted_comes_back_and_every_workload_gets_it_anew(site: WiredSite) -> None:
    site.sync()
    (name,) = site.mounted()
    del site.cluster.secrets[name]
    report = site.sync()
    assert site.content() == {"init.py": b"1"}
    assert len(report.plan.restarts) == 2
    assert site.sync().plan.idle
