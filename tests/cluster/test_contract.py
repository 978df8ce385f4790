"""One contract for the directory, the stub and the real API: what the story may rely on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from secretsync.cluster.errors import Conflict, UnreadableSelector, WorkloadGone
from secretsync.core.model import Ref, Secret
from secretsync.reconcile.events import Event, manifest
from tests.cluster.places import Place

MANAGER = "secretsync-test"
BYTES = {"binary.bin": bytes(range(256)), "empty.py": b"", "crlf.py": b"a\r\nb\r\n", "dots..py": "é😀".encode()}
OURS = {"app.kubernetes.io/managed-by": "secretsync"}
NOTES = {"secretsync.rucio/write": "1", "secretsync.rucio/source": "https://host/repo: a 'quoted' #source"}


def secret(place: Place, name: str = "atlas", **fields: Any) -> Secret:
    return Secret(**{"namespace": place.namespace, "name": name, "data": BYTES, "labels": OURS, **fields})


def workload(place: Place, kind: str, name: str, **metadata: Any) -> dict[str, Any]:
    """A workload that the scheduler never places: nothing runs."""
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels, "annotations": {"checksum/config": "abc"}},
        "spec": {"nodeSelector": {"none": "at-all"}, "containers": [{"name": "main", "image": "rucio"}]},
    }
    spec = {"selector": {"matchLabels": labels}, "template": template}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    metadata = {"name": name, "namespace": place.namespace, "labels": labels, **metadata}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def test_a_secret_that_is_not_there_is_none(place: Place) -> None:
    assert place.cluster.secret(place.namespace, "atlas") is None


def test_a_created_secret_is_read_back_byte_for_byte_with_its_labels_and_annotations(place: Place) -> None:
    created = place.cluster.create(secret(place, annotations=NOTES), manager=MANAGER)
    live = place.cluster.secret(place.namespace, "atlas")
    assert live == created
    assert (live.data, live.labels, live.annotations) == (BYTES, OURS, NOTES)


def test_type_and_immutability_are_kept(place: Place) -> None:
    place.cluster.create(secret(place, type="example.org/policy", immutable=True), manager=MANAGER)
    live = place.cluster.secret(place.namespace, "atlas")
    assert live is not None
    assert (live.type, live.immutable) == ("example.org/policy", True)


def test_an_event_is_written_and_one_that_is_there_already_is_the_same(place: Place) -> None:
    event = Event("Applied", Ref("Secret", place.namespace, "atlas"), "atlas 1.0, write 1" * 100)
    told = manifest(event, "atlas.0123456789abcdef", datetime.now(UTC), "pod-with-a-long-name/1")
    place.cluster.create_event(told, manager=MANAGER)
    place.cluster.create_event(told, manager=MANAGER)


def test_creating_what_is_there_is_a_conflict_and_leaves_it(place: Place) -> None:
    live = place.cluster.create(secret(place), manager=MANAGER)
    with pytest.raises(Conflict):
        place.cluster.create(secret(place, data={}), manager=MANAGER)
    assert place.cluster.secret(place.namespace, "atlas") == live


def test_a_replacement_is_whole_so_that_stale_keys_vanish(place: Place) -> None:
    live = place.cluster.create(secret(place), manager=MANAGER)
    replaced = place.cluster.replace(secret(place, data={"new.py": b"2"}), live, manager=MANAGER)
    assert place.cluster.secret(place.namespace, "atlas") == replaced
    assert replaced.data == {"new.py": b"2"}


def test_what_others_put_on_a_secret_stays_and_our_own_stale_annotations_go(place: Place) -> None:
    foreign = {
        "name": "atlas",
        "namespace": place.namespace,
        "labels": {"team": "ddm"},
        "annotations": {"note": "hands off", "secretsync.rucio/old": "1"},
        "finalizers": ["example.org/keep"],
    }
    place.put({"apiVersion": "v1", "kind": "Secret", "metadata": foreign, "type": "Opaque", "data": {"a": "MQ=="}})
    live = place.cluster.secret(place.namespace, "atlas")
    assert live is not None
    replaced = place.cluster.replace(secret(place, annotations=NOTES), live, manager=MANAGER)
    assert replaced.labels == {"team": "ddm", **OURS}
    assert replaced.annotations == {"note": "hands off", **NOTES}
    assert replaced.metadata["finalizers"] == ["example.org/keep"]
    place.cluster.replace(
        secret(place), replace(replaced, metadata={**replaced.metadata, "finalizers": []}), manager="x"
    )


def test_replacing_what_somebody_changed_meanwhile_is_a_conflict_and_his_change_stays(place: Place) -> None:
    read = place.cluster.create(secret(place), manager=MANAGER)
    his = place.cluster.replace(secret(place, data={"his.py": b"1"}), read, manager="somebody")
    with pytest.raises(Conflict, match="was changed by someone else since it was read"):
        place.cluster.replace(secret(place, data={"ours.py": b"1"}), read, manager=MANAGER)
    assert place.cluster.secret(place.namespace, "atlas") == his


def test_replacing_what_somebody_deleted_meanwhile_is_a_conflict_and_it_stays_away(place: Place) -> None:
    read = place.cluster.create(secret(place), manager=MANAGER)
    place.remove("Secret", "atlas")
    with pytest.raises(Conflict, match="was deleted"):
        place.cluster.replace(secret(place), read, manager=MANAGER)
    assert place.cluster.secret(place.namespace, "atlas") is None


def test_a_deleted_secret_is_gone_and_deleting_it_again_does_nothing(place: Place) -> None:
    live = place.cluster.create(secret(place), manager=MANAGER)
    place.cluster.delete(live)
    place.cluster.delete(live)
    assert place.cluster.secret(place.namespace, "atlas") is None


def test_deleting_what_somebody_changed_meanwhile_is_a_conflict_and_it_stays(place: Place) -> None:
    read = place.cluster.create(secret(place), manager=MANAGER)
    his = place.cluster.replace(secret(place, data={"his.py": b"1"}), read, manager="somebody")
    with pytest.raises(Conflict):
        place.cluster.delete(read)
    assert place.cluster.secret(place.namespace, "atlas") == his


def test_secrets_of_other_names_are_left_alone(place: Place) -> None:
    other = place.cluster.create(secret(place, "other"), manager=MANAGER)
    place.cluster.delete(place.cluster.create(secret(place), manager=MANAGER))
    assert place.cluster.secret(place.namespace, "other") == other


def test_workloads_are_deployments_then_stateful_sets_then_daemon_sets(place: Place) -> None:
    for kind, name in [("DaemonSet", "c"), ("Deployment", "b"), ("StatefulSet", "d"), ("Deployment", "a")]:
        place.put(workload(place, kind, name))
    kinds = [("Deployment", "a"), ("Deployment", "b"), ("StatefulSet", "d"), ("DaemonSet", "c")]
    found = place.cluster.workloads(place.namespace)
    assert [one.ref for one in found] == [Ref(kind, place.namespace, name) for kind, name in kinds]
    assert all(one.manifest["kind"] == one.ref.kind for one in found)
    assert all(one.template["spec"]["containers"][0]["name"] == "main" for one in found)


def test_a_selector_narrows_the_workloads(place: Place) -> None:
    for name in ("server", "daemon"):
        place.put(workload(place, "Deployment", name))
    assert [one.ref.name for one in place.cluster.workloads(place.namespace, "app=server")] == ["server"]


def test_a_namespace_without_anything_has_no_workloads_and_no_pods(place: Place) -> None:
    assert list(place.cluster.workloads(place.namespace)) == []
    assert list(place.cluster.pods(place.namespace)) == []
    assert list(place.cluster.spawners(place.namespace)) == []


def test_what_can_start_pods_beside_workloads_is_found(place: Place) -> None:
    pod_template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "rucio"}]}}
    job = {"template": {"spec": {**pod_template["spec"], "nodeSelector": {"none": "at-all"}}}, "suspend": True}
    named = {"name": "clean-up", "namespace": place.namespace}
    place.put({"apiVersion": "batch/v1", "kind": "Job", "metadata": named, "spec": job})
    cron = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": job["template"]}}}
    place.put({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": named, "spec": cron})
    found = {(one["kind"], one["metadata"]["name"]) for one in place.cluster.spawners(place.namespace)}
    assert found == {("Job", "clean-up"), ("CronJob", "clean-up")}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_annotating_changes_the_pod_template_and_nothing_else(place: Place, kind: str) -> None:
    place.put(workload(place, kind, "server"))
    (before,) = place.cluster.workloads(place.namespace)
    annotated = place.cluster.annotate(before, {"secretsync.rucio/atlas": "abc.1"}, manager=MANAGER)
    (after,) = place.cluster.workloads(place.namespace)
    assert annotated.template == after.template
    assert after.template_annotations == {"checksum/config": "abc", "secretsync.rucio/atlas": "abc.1"}
    assert after.template["spec"] == before.template["spec"]
    assert after.labels == before.labels


def test_annotating_again_replaces_the_value(place: Place) -> None:
    place.put(workload(place, "Deployment", "server"))
    (read,) = place.cluster.workloads(place.namespace)
    for value in ("abc.1", "def.2"):
        place.cluster.annotate(read, {"secretsync.rucio/atlas": value}, manager=MANAGER)
    (after,) = place.cluster.workloads(place.namespace)
    assert after.template_annotations["secretsync.rucio/atlas"] == "def.2"


def test_annotating_what_has_gone_is_an_error_and_does_not_bring_it_back(place: Place) -> None:
    place.put(workload(place, "Deployment", "server"))
    (read,) = place.cluster.workloads(place.namespace)
    place.remove("Deployment", "server")
    with pytest.raises(WorkloadGone, match="server has gone"):
        place.cluster.annotate(read, {"secretsync.rucio/atlas": "abc.1"}, manager=MANAGER)
    assert list(place.cluster.workloads(place.namespace)) == []


def test_the_last_words_of_a_container_that_cannot_be_read_are_empty(place: Place) -> None:
    assert place.cluster.log_tail(place.namespace, "no-such-pod", "main") == ""


def test_a_selector_that_is_none_is_an_error_that_names_it(place: Place) -> None:
    place.put(workload(place, "Deployment", "server"))
    with pytest.raises(UnreadableSelector, match=r"app in \("):
        place.cluster.workloads(place.namespace, "app in (")
