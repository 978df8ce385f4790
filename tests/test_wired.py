"""The story where we mount the packages ourselves, told on a cluster in memory."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from secretsync import hands, pack
from secretsync.changes import Action
from secretsync.cluster.errors import Conflict
from secretsync.destination import Delivery, Report, Strictness
from secretsync.manifest import OURS
from secretsync.memory import Memory
from secretsync.model import Manifest, Ref, Workload
from secretsync.ownership import Refused
from secretsync.report.text import render
from secretsync.state import PackageState
from secretsync.sync import preview
from secretsync.wiring.references import secrets_referenced
from tests.build import PLACEMENT, waiting, workload
from tests.test_sync import Died, Site

KEY = OURS + "atlas"
WIRED = replace(PLACEMENT, wired=True)


class WiredSite(Site):
    """Workloads that mount nothing themselves; what they were is kept as ReplicaSets."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names, mounts=())
        self.destination = replace(
            self.destination,
            deliveries=[Delivery(WIRED, self.source, "recipe", Strictness(fail=""))],
            selector="rucio",
        )
        for one in list(self.cluster.live_workloads.values()):
            one.manifest["metadata"]["labels"] = {"rucio": "yes"}

    def workload(self, name: str = "server") -> Workload:
        return next(one for ref, one in self.cluster.live_workloads.items() if ref.name == name)

    def mounted(self, name: str = "server") -> set[str]:
        return set(secrets_referenced(self.workload(name).template))

    def content(self, name: str = "server") -> dict[str, bytes]:
        """The files that a pod of the workload would find."""
        return {key: value for one in self.mounted(name) for key, value in self.cluster.secrets[one].data.items()}

    def remember_revision(self, name: str = "server") -> Manifest:
        """The template as it is now becomes part of the workload's history."""
        spec = {"template": deepcopy(self.workload(name).template)}
        revision = {"kind": "ReplicaSet", "metadata": {"name": f"{name}-{len(self.cluster.others)}"}, "spec": spec}
        self.cluster.others.append(revision)
        return revision

    def put_back(self, revision: Manifest, name: str = "server") -> None:
        """``kubectl rollout undo``: the template of a revision, and with it another's field in our volume."""
        manifest = deepcopy(self.workload(name).manifest)
        manifest["spec"]["template"] = deepcopy(revision["spec"]["template"])
        ref = Ref("Deployment", "rucio", name)
        self.cluster.live_workloads[ref] = Workload(ref, manifest)

    def switch(self, *, wire: bool) -> None:
        placement = replace(PLACEMENT, wired=wire)
        deliveries = [replace(delivery, placement=placement) for delivery in self.destination.deliveries]
        self.destination = replace(self.destination, deliveries=deliveries)

    @property
    def state(self) -> PackageState:
        return Memory(self.cluster, "secretsync", "rucio", "test").state.of("atlas")

    def package_secrets(self) -> set[str]:
        return {name for name in self.cluster.secrets if "history" not in name and "state" not in name}


@pytest.fixture
def site() -> WiredSite:
    return WiredSite("server", "judge")


def actions(report: Report) -> list[tuple[Action, str]]:
    return [(change.action, change.desired.name) for change in report.plan.changes]


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
        ("get", "atlas"),
        ("get", name),
        ("list", "workloads"),
    ]
    assert (report.plan.pending, site.source.fetched) == (False, 3)


def test_a_preview_writes_nothing_and_tells_what_is_injected(site: WiredSite) -> None:
    shown = preview(site.destination)
    assert (shown.pending, site.cluster.writes) == (True, [])
    text = render(shown)
    assert "wiring    Deployment server and 1 more, as secretsync-secretsync-wiring:" in text
    assert "+ rucio: PYTHONPATH=/opt/policy" in text
    assert f"+ volume policy-atlas (Secret {shown.plan.changes[0].desired.name})" in text
    assert max(len(line) for line in text.splitlines() if "wiring" in line or "rucio:" in line) <= 80


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
    assert f"kept      Secret {before}" in render(report)


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


def test_content_that_comes_back_is_found_again_and_is_a_new_write(site: WiredSite) -> None:
    site.sync()
    (first,) = site.mounted()
    site.remember_revision()
    site.source.push(init="2")
    site.sync()
    site.source.push(init="1")
    report = site.sync()
    assert (site.mounted(), site.mounted("judge")) == ({first}, {first})
    assert [call for call in site.cluster.writes if call == ("create", first)] == [("create", first)]
    assert site.cluster.secrets[first].annotations[pack.WRITE] == "3"
    assert not report.failed
    assert not preview(site.destination).plan.pending
    live = hands.status(site.destination)[0]
    assert (live.write, live.bundle and live.bundle.files[0].data) == (3, b"1")


def test_a_bad_package_is_undone_to_the_secret_that_was_mounted_before(site: WiredSite) -> None:
    site.sync()
    (good,) = site.mounted()
    site.remember_revision()
    site.source.push(init="bad")
    crash = [waiting("CrashLoopBackOff", exit_code=1)]

    def crashes(verb: str, name: str) -> None:
        """Pods of the bad version crash, and those of another come up."""
        one = site.workload("judge")
        bad = good not in site.mounted("judge")
        one.manifest["status"]["updatedReplicas"] = 0 if bad else 1
        (pod,) = [pod for pod in site.cluster.live_pods if pod["metadata"]["name"] == "judge-1"]
        pod["metadata"]["annotations"] = dict(one.template_annotations)
        pod["status"]["containerStatuses"] = crash if bad else []

    site.cluster.before = crashes
    report = site.sync()
    assert report.failed
    assert report.undone is not None
    assert not report.undone.failed
    assert (site.mounted("server"), site.mounted("judge")) == ({good}, {good})
    assert site.content("judge") == {"init.py": b"1"}
    site.cluster.calls.clear()
    assert site.sync().plan.idle
    assert site.cluster.writes == []


def test_a_template_that_somebody_put_back_is_held_by_hand_until_there_is_new_content(site: WiredSite) -> None:
    site.sync()
    (first,) = site.mounted()
    revision = site.remember_revision()
    site.source.push(init="2")
    site.sync()
    site.put_back(revision)
    site.cluster.calls.clear()
    report = site.sync()
    assert site.cluster.writes == []
    assert site.mounted() == {first}
    (note,) = [note for note in report.plan.notes if note.startswith("held by hand")]
    assert "Deployment rucio/server, which was wired for write 2 and now carries write 1" in note
    site.source.push(init="3")
    site.sync()
    assert (site.content("server"), site.content("judge")) == ({"init.py": b"3"}, {"init.py": b"3"})


def test_a_release_wires_a_template_again_that_somebody_put_back(site: WiredSite) -> None:
    site.sync()
    revision = site.remember_revision()
    site.source.push(init="2")
    site.sync()
    site.put_back(revision)
    ended = hands.release(site.destination, site.destination.deliveries[0])
    assert ended is not None
    assert "Deployment rucio/server" in ended.reason
    report = site.sync()
    assert [one.workload.ref.name for one in report.plan.restarts] == ["server"]
    assert site.content() == {"init.py": b"2"}
    assert hands.release(site.destination, site.destination.deliveries[0]) is None


def test_a_template_put_back_to_before_it_was_wired_is_held_as_well(site: WiredSite) -> None:
    revision = site.remember_revision()
    site.sync()
    site.put_back(revision)
    report = site.sync()
    assert site.mounted() == set()
    assert any("now carries none" in note for note in report.plan.notes)


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
    assert site.sync().plan.idle
    assert name in site.cluster.secrets


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


def test_a_workload_that_is_selected_later_is_wired_for_the_write_that_is_there(site: WiredSite) -> None:
    late = workload(name="late", probe=True)
    late.manifest["metadata"]["labels"] = {"rucio": "yes"}
    site.sync()
    site.cluster.live_workloads[late.ref] = late
    report = site.sync()
    assert [(one.workload.ref.name, one.reason) for one in report.plan.restarts] == [("late", "it is not wired yet")]
    assert site.mounted("late") == site.mounted("server")


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


def die_at_write(site: WiredSite, number: int) -> None:
    """The process ends right before the write with this number."""
    seen = []

    def die(verb: str, name: str) -> None:
        if verb not in ("get", "list", "store"):
            seen.append((verb, name))
            if len(seen) == number:
                raise Died

    site.cluster.before = die


UPDATE = ["keep", "begin", "create", "create a directory", "wire", "wire", "remember", "end"]


@pytest.mark.parametrize("number", range(1, len(UPDATE) + 1))
@pytest.mark.parametrize("then", ["2", "3", "1"])
def test_killed_at_any_write_the_next_run_goes_on_to_whatever_the_source_holds_by_then(number: int, then: str) -> None:
    site = WiredSite("server", "judge")
    site.sync()
    site.source.push(init="2", sub__a="3")
    die_at_write(site, number)
    with pytest.raises(Died):
        site.sync()
    site.live_on()
    if then != "2":
        site.source.push(init=then)
    report = site.sync()
    assert not report.failed
    for name in ("server", "judge"):
        assert site.content(name)["init.py"] == then.encode()
    after = preview(site.destination).plan
    assert (after.pending, dict(after.watch)) == (False, {})
    assert not site.cluster.secrets.keys() - names_that_can_be_found(site)


def names_that_can_be_found(site: WiredSite) -> set[str]:
    """All Secrets that somebody could find again: none is forgotten."""
    ring = {"atlas-history-1", "atlas-history-2", "atlas-history-3"}
    return {*site.state.secrets, *site.state.outdated, *ring, "secretsync-state"}
