"""Applying to a pod template as a field manager of our own: the stub and the real API, and why not a directory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secretsync.cluster.errors import Conflict, UnusableManifest, WorkloadGone
from secretsync.core import packing
from secretsync.core.model import Manifest, Revision, Workload
from secretsync.core.pod_references import secrets_referenced
from secretsync.plan.managed_fields import Entry, conflicts, entries, is_wired, owned, reclaimed_fields
from secretsync.reconcile.destination import Destination
from secretsync.reconcile.reconciler import preview, sync
from tests.build import bundle
from tests.cluster.places import Directory, Real, Stub
from tests.cluster.test_contract import workload
from tests.cluster.test_story_contract import HISTORY, destination

MANAGER = "secretsync-test-wiring"
KINDS = ("Deployment", "StatefulSet", "DaemonSet")


def part(secret: str = "atlas-1", *, stamp: str = "1", **variables: str) -> Manifest:
    env = [{"name": name, "value": value} for name, value in variables.items()]
    mounts = [{"name": "policy", "mountPath": "/opt/policy", "readOnly": True}]
    return {
        "metadata": {"annotations": {"secretsync.rucio/atlas": stamp}},
        "spec": {
            "volumes": [{"name": "policy", "secret": {"secretName": secret}}],
            "containers": [{"name": "main", "env": env, "volumeMounts": mounts}],
        },
    }


def put(api: Stub | Real, kind: str = "Deployment", *, his: str = "1", team: str = "any", **spec: Any) -> Workload:
    """Somebody creates the workload, or replaces it."""
    manifest = workload(api, kind, "server", labels={"app": "server", "team": team})
    manifest["spec"] |= spec
    if "template" not in spec:
        manifest["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "HIS", "value": his}]
    api.put(manifest)
    return read(api)


def read(api: Stub | Real) -> Workload:
    (found,) = api.cluster.workloads(api.namespace)
    return found


def environment(one: Workload) -> dict[str, str]:
    return {told["name"]: told["value"] for told in one.template["spec"]["containers"][0].get("env", ())}


@pytest.mark.parametrize("kind", KINDS)
def test_wiring_adds_to_the_pod_template_and_leaves_what_others_have(api: Stub | Real, kind: str) -> None:
    before = put(api, kind)
    wired = api.cluster.wire(before, part(PYTHONPATH="/opt"), manager=MANAGER)
    after = read(api)
    assert wired.template == after.template
    assert secrets_referenced(after.template) == {"atlas-1"}
    assert environment(after) == {"HIS": "1", "PYTHONPATH": "/opt"}
    assert after.template_annotations == {"checksum/config": "abc", "secretsync.rucio/atlas": "1"}
    assert set(owned(after, MANAGER)) == {
        Entry("", "volume", "policy"),
        Entry("main", "mount", "/opt/policy"),
        Entry("main", "variable", "PYTHONPATH"),
    }
    assert list(conflicts(after, part(PYTHONPATH="/opt"), MANAGER, ours_again=False)) == []


def test_what_is_left_out_the_next_time_goes(api: Stub | Real) -> None:
    wired = api.cluster.wire(put(api), part(PYTHONPATH="/opt", OLD="1"), manager=MANAGER)
    api.cluster.wire(wired, part("atlas-2", PYTHONPATH="/opt"), manager=MANAGER)
    after = read(api)
    assert secrets_referenced(after.template) == {"atlas-2"}
    assert environment(after) == {"HIS": "1", "PYTHONPATH": "/opt"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_part_takes_back_all_that_was_applied(api: Stub | Real, kind: str) -> None:
    before = put(api, kind)
    wired = api.cluster.wire(before, part(PYTHONPATH="/opt"), manager=MANAGER)
    api.cluster.wire(wired, {}, manager=MANAGER)
    after = read(api)
    assert not is_wired(after, MANAGER)
    assert secrets_referenced(after.template) == frozenset()
    assert environment(after) == {"HIS": "1"}
    assert after.template_annotations == before.template_annotations


def test_what_another_manager_has_is_known_by_his_name(api: Stub | Real) -> None:
    one = put(api)
    (said,) = conflicts(one, part(HIS="2"), MANAGER, ours_again=True)
    what = "the environment variable HIS in the container main"
    assert said == f"{one.ref} has {what} already, from the field manager 'somebody'"


def test_a_template_that_somebody_changed_since_it_was_read_is_a_conflict_and_stays(api: Stub | Real) -> None:
    before = put(api)
    put(api, his="2")
    with pytest.raises(Conflict, match="server was changed by someone else"):
        api.cluster.wire(before, part(PYTHONPATH="/opt"), manager=MANAGER)
    assert environment(read(api)) == {"HIS": "2"}


def test_a_change_of_anything_but_the_template_is_in_nobodys_way(api: Stub | Real) -> None:
    before = put(api)
    put(api, team="ddm")
    api.cluster.wire(before, part(PYTHONPATH="/opt"), manager=MANAGER)
    after = read(api)
    assert (after.labels["team"], environment(after)) == ("ddm", {"HIS": "1", "PYTHONPATH": "/opt"})


def test_wiring_what_has_gone_or_was_made_anew_is_an_error(api: Stub | Real) -> None:
    before = put(api)
    api.remove("Deployment", "server")
    with pytest.raises(WorkloadGone):
        api.cluster.wire(before, part(PYTHONPATH="/opt"), manager=MANAGER)
    assert list(api.cluster.workloads(api.namespace)) == []
    put(api)
    with pytest.raises(WorkloadGone):
        api.cluster.wire(before, part(PYTHONPATH="/opt"), manager=MANAGER)
    assert environment(read(api)) == {"HIS": "1"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_somebody_put_back_whole_is_taken_back_and_can_then_go(api: Stub | Real, kind: str) -> None:
    wired = api.cluster.wire(put(api, kind), part(PYTHONPATH="/opt"), manager=MANAGER)
    put(api, kind)
    put(api, kind, template=wired.template)
    again = read(api)
    ours = entries(part(PYTHONPATH="/opt"))
    assert environment(again) == {"HIS": "1", "PYTHONPATH": "/opt"}
    assert not owned(again, MANAGER).keys() & ours.keys()

    told = reclaimed_fields(again, ours.keys(), MANAGER)
    taken = api.cluster.set_managed_fields(again, told, manager=MANAGER)
    assert (taken.template, set(owned(taken, MANAGER))) == (again.template, set(ours))
    api.cluster.wire(taken, {}, manager=MANAGER)
    after = read(api)
    assert environment(after) == {"HIS": "1"}
    assert secrets_referenced(after.template) == frozenset()


def test_telling_anew_who_has_what_of_a_workload_that_changed_is_a_conflict(api: Stub | Real) -> None:
    before = put(api)
    put(api, his="2")
    with pytest.raises(Conflict):
        api.cluster.set_managed_fields(before, before.manifest["metadata"]["managedFields"], manager=MANAGER)


def test_a_change_of_the_status_alone_is_in_nobodys_way_when_it_is_told_anew_who_has_what(api: Stub | Real) -> None:
    before = put(api)
    put(api, team="ddm")
    stale = replace(before, manifest={**before.manifest, "metadata": with_version_of(before, read(api))})
    taken = api.cluster.set_managed_fields(stale, read(api).managed_fields, manager=MANAGER)
    assert environment(taken) == {"HIS": "1"}


def with_version_of(before: Workload, now: Workload) -> Manifest:
    """What was read has the owners of *now*, and the version from before: as if only the status had changed."""
    version = before.manifest["metadata"]["resourceVersion"]
    return {**now.manifest["metadata"], "resourceVersion": version}


def test_a_workload_in_a_directory_of_manifests_is_not_wired(tmp_path: Path) -> None:
    place = Directory(tmp_path)
    place.put(workload(place, "Deployment", "server"))
    (before,) = place.cluster.workloads(place.namespace)
    with pytest.raises(UnusableManifest, match="cannot be wired in a file"):
        place.cluster.wire(before, part(PYTHONPATH="/opt"), manager=MANAGER)
    assert list(place.cluster.workloads(place.namespace)) == [before]


def wiring(api: Stub | Real, files: dict[str, bytes], number: int) -> Destination:
    held = replace(bundle(files), revision=Revision("contract", "main", f"commit:{number:040x}"))
    return replace(with_placement(destination(api, held), wired=True), selector="app=server")


def with_placement(of: Destination, **changed: Any) -> Destination:
    deliveries = [
        replace(one, placement=replace(one.placement, **changed), recipe=f"recipe {changed}") for one in of.deliveries
    ]
    return replace(of, deliveries=deliveries)


def test_after_a_run_that_wires_the_next_one_has_nothing_to_do(api: Stub | Real) -> None:
    put(api, replicas=0)
    for number, files in enumerate(HISTORY):
        wanted = wiring(api, files, number)
        assert not sync(wanted).failed
        assert preview(wanted).plan.idle
        names = secrets_referenced(read(api).template)
        live = [secret for name in sorted(names) if (secret := api.cluster.secret(api.namespace, name))]
        assert packing.unpack(live) == bundle(files).files
        assert all(secret.immutable for secret in live)
    zipped = with_placement(wiring(api, HISTORY[-1], len(HISTORY)), layout="zip")
    assert not sync(zipped).failed
    assert preview(zipped).plan.idle
    assert environment(read(api))["PYTHONPATH"].endswith(".zip")
    unwired = with_placement(wiring(api, HISTORY[-1], len(HISTORY)), wired=False)
    sync(unwired)
    assert preview(unwired).plan.idle
    assert environment(read(api)) == {"HIS": "1"}
