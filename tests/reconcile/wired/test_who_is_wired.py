"""Which workloads are wired, which are not, and which no longer; and who else may have a hand in their templates."""

from __future__ import annotations

import contextlib
from copy import deepcopy
from dataclasses import replace

import pytest

from secretsync.cluster.errors import Conflict
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Ref, Workload
from secretsync.plan.refused import Refused
from tests.build import workload
from tests.reconcile.wired.site import KEY, WiredSite, container_of


def test_without_wire_everything_that_was_injected_goes_and_the_secret_that_changes_in_place_comes(
    site: WiredSite,
) -> None:
    before = deepcopy(site.workload().template["spec"])
    site.sync()
    (name,) = site.mounted()
    site.switch(wire=False)
    report = site.sync()
    spec = site.workload().template["spec"]
    assert (spec["volumes"], spec["containers"][0]["env"]) == ([], [])
    assert spec["containers"][0]["image"] == before["containers"][0]["image"]
    assert KEY not in site.workload().template_annotations
    assert [one.workload.ref.name for one in report.plan.restarts] == ["server", "judge"]
    assert site.cluster.secrets["atlas"].data == {"init.py": b"1"}
    assert site.source.fetched == 1
    plan = site.sync().plan
    assert plan.idle
    assert not [note for note in plan.notes if "no longer" in note], "that was asked for"
    assert name in site.cluster.secrets


def test_without_wire_what_somebody_put_back_after_an_undo_goes_as_well(site: WiredSite) -> None:
    before = site.remember_revision()
    site.sync()
    after = site.remember_revision()
    for revision in (before, after):
        site.put_back(revision)
    assert site.mounted() != set()
    site.switch(wire=False)
    site.sync()
    assert (site.mounted("server"), site.mounted("judge")) == (set(), set())
    assert site.sync().plan.idle


def test_a_wired_revision_that_somebody_puts_back_after_all_was_unwired_is_left_alone(site: WiredSite) -> None:
    site.sync()
    revision = site.remember_revision()
    site.switch(wire=False)
    site.sync()
    site.put_back(revision)
    mounted = site.mounted()
    for content in ("1", "2", "3"):
        site.source.push(init=content)
        assert site.sync().plan.restarts == ()
    assert site.mounted() == mounted != set()
    assert mounted <= site.cluster.secrets.keys()


def test_wired_again_it_is_as_it_was(site: WiredSite) -> None:
    site.sync()
    mounted = site.mounted()
    for wire in (False, True):
        site.switch(wire=wire)
        site.sync()
    assert site.mounted() == mounted
    assert site.content() == {"init.py": b"1"}
    assert site.sync().plan.idle


def test_a_workload_that_is_selected_no_longer_is_unwired(site: WiredSite) -> None:
    site.sync()
    site.workload("judge").manifest["metadata"]["labels"] = {}
    report = site.sync()
    assert [one.workload.ref.name for one in report.plan.restarts] == ["judge"]
    assert site.mounted("judge") == set()
    assert site.mounted("server") != set()
    assert site.sync().plan.idle


def test_a_workload_that_is_selected_again_is_wired_again(site: WiredSite) -> None:
    site.sync()
    for labels in ({}, {"rucio": "yes"}):
        site.workload("judge").manifest["metadata"]["labels"] = labels
        site.sync()
    assert site.mounted("judge") == site.mounted("server") != set()


def test_a_workload_that_was_made_anew_is_wired_again_and_held_when_that_happens_again(site: WiredSite) -> None:
    """As Argo CD's Force=true with Replace=true does on each sync."""
    site.sync()
    make_anew(site)
    report = site.sync()
    assert [one.workload.ref.name for one in report.plan.restarts] == ["judge"]
    assert site.mounted("judge") == site.mounted("server")

    make_anew(site)
    for _ in range(2):
        report = site.sync()
        assert report.plan.restarts == ()
        assert [ref.name for ref in report.plan.stripped] == ["judge"]
        assert report.failed
    site.source.push(init="2")
    site.sync()
    assert site.mounted("judge") == site.mounted("server"), "a new revision is another start"


def make_anew(site: WiredSite) -> None:
    anew = workload(name="judge", probe=True)
    anew.manifest["metadata"]["labels"] = {"rucio": "yes"}
    site.cluster.live_workloads[anew.ref] = anew


def test_a_workload_that_is_selected_later_is_wired_for_the_write_that_is_there(site: WiredSite) -> None:
    late = workload(name="late", probe=True)
    late.manifest["metadata"]["labels"] = {"rucio": "yes"}
    site.sync()
    site.cluster.live_workloads[late.ref] = late
    report = site.sync()
    assert [(one.workload.ref.name, one.reason) for one in report.plan.restarts] == [("late", "it is not wired yet")]
    assert site.mounted("late") == site.mounted("server")


def test_a_container_that_its_owner_renamed_is_wired_again(site: WiredSite) -> None:
    site.sync()
    (container,) = site.workload().template["spec"]["containers"]
    del container["env"], container["volumeMounts"]
    container["name"] = "renamed"
    report = site.sync()
    assert [one.workload.ref.name for one in report.plan.restarts] == ["server"]
    assert [one["name"] for one in container_of(site)["env"]] == ["PYTHONPATH", "RUCIO_POLICY_PACKAGE"]


def test_what_another_manager_has_is_refused_before_anything_is_touched(site: WiredSite) -> None:
    container = site.workload("judge").template["spec"]["containers"][0]
    container["env"] = [{"name": "PYTHONPATH", "value": "/his"}]
    with pytest.raises(Refused, match=r"judge has the environment variable PYTHONPATH .*wire: false"):
        site.sync()
    assert site.cluster.writes == []


def test_a_workload_that_mounts_the_package_by_itself_is_refused() -> None:
    site = WiredSite("server")
    one = workload("atlas", name="own")
    one.manifest["metadata"]["labels"] = {"rucio": "yes"}
    site.cluster.live_workloads[one.ref] = one
    with pytest.raises(Refused, match="Deployment rucio/own mounts Secret atlas already, by the volume v0"):
        site.sync()
    assert site.cluster.writes == []


def test_a_template_that_changed_since_it_was_judged_is_planned_again(site: WiredSite) -> None:
    changed = []

    def somebody_adds_a_variable(verb: str, name: str) -> None:
        if verb == "wire" and not changed:
            changed.append(name)
            ref = Ref("Deployment", "rucio", name)
            manifest = deepcopy(site.workload(name).manifest)
            manifest["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "HIS", "value": "1"}]
            site.cluster.live_workloads[ref] = Workload(ref, manifest)

    site.cluster.before = somebody_adds_a_variable
    report = site.sync()
    assert not report.failed
    names = [one["name"] for one in site.workload(changed[0]).template["spec"]["containers"][0]["env"]]
    assert names[0] == "HIS"
    assert "PYTHONPATH" in names


def test_one_that_keeps_changing_is_a_conflict(site: WiredSite) -> None:
    def always(verb: str, name: str) -> None:
        if verb == "wire":
            raise Conflict(Ref("Deployment", "rucio", name), "was changed by someone else")

    site.cluster.before = always
    with pytest.raises(Conflict):
        site.sync()


def test_what_is_wired_stays_while_its_source_is_away(site: WiredSite) -> None:
    site.sync()
    mounted = site.mounted()
    site.source.resolve = lambda: (_ for _ in ()).throw(SecretSyncError("no route"))  # type: ignore[method-assign]
    site.cluster.calls.clear()
    with contextlib.suppress(SecretSyncError):
        site.sync()
    assert (site.cluster.writes, site.mounted()) == ([], mounted)


def test_what_is_to_be_wired_no_longer_waits_for_no_proof_and_the_report_says_that_nothing_mounts_the_package(
    site: WiredSite,
) -> None:
    """With the settings by default: a canary, and images of Rucio's."""
    for name in ("server", "judge"):
        for container in site.workload(name).manifest["spec"]["template"]["spec"]["containers"]:
            container["image"] = "rucio/rucio-server:41.5.1"
    site.destination = replace(site.destination, rollout=site.destination.rollout.model_copy(update={"canary": "off"}))
    site.sync()
    site.destination = replace(site.destination, rollout=site.destination.rollout.model_copy(update={"canary": "auto"}))
    site.switch(wire=False)
    site.cluster.calls.clear()
    reports = [site.sync(), site.sync()]
    assert site.mounted() == set()
    assert not [name for verb, name in site.cluster.calls if "candidate" in name]
    for report in reports:
        assert any("mounts Secret atlas, so nothing runs atlas_rucio_policy" in note for note in report.plan.notes)
