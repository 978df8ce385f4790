"""The story, told on a cluster in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from secretsync.cluster.errors import Call, Conflict, Denied, QuotaExceeded
from secretsync.config.check import Check
from secretsync.config.target import Rollout, Wave
from secretsync.core import packing
from secretsync.core.errors import SecretSyncError
from secretsync.core.kinds.kind import State
from secretsync.core.model import Bundle, File, Manifest, Revision, Workload
from secretsync.core.secret_codec import OURS
from secretsync.plan.disruption import WouldTakeDown
from secretsync.plan.refused import Refused
from secretsync.reconcile import lock
from secretsync.reconcile.apply import UndoFailed
from secretsync.reconcile.asked_once import AskedOncePerPass
from secretsync.reconcile.destination import Clock, Delivery, Destination, Report
from secretsync.reconcile.lock import LeaseLost
from secretsync.reconcile.reconciler import preview, sync
from secretsync.reconcile.state_store import load_state
from tests.build import PLACEMENT, pod, waiting, workload
from tests.memory_cluster import MemoryCluster

KEY = OURS + "atlas"


class Died(BaseException):
    """A kill -9."""


class MemorySource:
    """A source whose content a test sets; it counts how often it is read."""

    def __init__(self, **files: str) -> None:
        self.push(**files)
        self.fetched = 0

    def push(self, **files: str) -> None:
        self.files = tuple(
            File(name.replace("sub__", "sub/") + ".py", text.encode()) for name, text in sorted(files.items())
        )
        self.commit = Revision("memory", "main", f"commit:{abs(hash(self.files)):040x}")

    def resolve(self) -> Revision:
        return self.commit

    def fetch(self, revision: Revision) -> Bundle:
        self.fetched += 1
        return Bundle(PLACEMENT.module, "", revision, self.files)


class Site:
    """A namespace with workloads, one package, and time that passes only while somebody sleeps."""

    def __init__(self, *names: str, mounts: tuple[str, ...] = ("atlas",)) -> None:
        self.source = MemorySource(init="1")
        self.cluster = MemoryCluster(*(workload(*mounts, name=name, probe=True) for name in names))
        self.cluster.live_pods = [pod(name, name=f"{name}-1", created="2025-12-31T00:00:00Z") for name in names]
        self.time = 0.0
        self.utc = datetime(2026, 1, 1, tzinfo=UTC)
        self.destination = Destination(
            "memory",
            self.cluster,
            "secretsync",
            "rucio",
            [Delivery(PLACEMENT, self.source, "recipe", Check(fail="never"))],
            rollout=Rollout(timeout=60),
        )

    def sync(self) -> Report:
        once = [replace(delivery, source=AskedOncePerPass(delivery.source)) for delivery in self.destination.deliveries]
        return sync(replace(self.destination, deliveries=once), Clock(lambda: self.time, self._sleep, lambda: self.utc))

    def preview(self) -> Report:
        return preview(self.destination)

    def _sleep(self, seconds: float) -> None:
        self.time += seconds

    def stamp(self, name: str = "server") -> str:
        return next(w for w in self.cluster.live_workloads.values() if w.ref.name == name).template_annotations[KEY]

    @property
    def undoing(self) -> bool:
        """Whether the state object says that something is to be put back."""
        return b'"kept": "atlas-history-1"' in self.cluster.secrets["secretsync-state"].data["state.json"]

    def die_at(self, verb: str, name: str) -> None:
        def die(called: str, on: str) -> None:
            if (called, on) == (verb, name):
                raise Died

        self.cluster.before = die

    def live_on(self) -> None:
        self.cluster.before = lambda verb, name: None
        self.cluster.calls.clear()
        self.cluster.objects.clear()  # the Lease of the dead expires


@pytest.fixture
def site() -> Site:
    return Site("server", "judge")


def files(site: Site, name: str = "atlas") -> Mapping[str, bytes]:
    return site.cluster.secrets[name].data


def test_a_first_run_writes_the_secret_and_then_restarts_what_mounts_it(site: Site) -> None:
    report = site.sync()
    assert files(site) == {"init.py": b"1"}
    order = [call for call in site.cluster.writes if call[1] != "secretsync-state"]
    assert order == [("create", "atlas"), ("annotate", "server"), ("annotate", "judge")]
    assert {verdict.state for verdict in report.verdicts.values()} == {State.CURRENT}


def test_a_second_run_writes_nothing_and_does_not_read_the_source(site: Site) -> None:
    site.sync()
    site.cluster.calls.clear()
    report = site.sync()
    assert site.cluster.calls == [("get", "secretsync-state"), ("get", "atlas"), ("list", "workloads")]
    assert site.source.fetched == 1
    assert (report.done, report.plan.pending, report.verdicts) == (True, False, {})


def test_a_preview_writes_nothing_and_shows_what_the_run_then_does(site: Site) -> None:
    shown = site.preview()
    assert (shown.pending, site.cluster.writes) == (True, [])
    done = site.sync()
    assert done.plan.changes == shown.plan.changes
    assert [r.workload.ref for r in done.plan.restarts] == [r.workload.ref for r in shown.plan.restarts]


@pytest.mark.parametrize(
    ("verb", "name", "restarted"),
    [
        ("create", "secretsync-state", 2),
        ("create", "atlas", 2),
        ("annotate", "server", 2),
        ("annotate", "judge", 1),
        ("list", "pods", 0),
    ],
)
def test_after_a_kill_the_next_run_does_exactly_what_was_left(site: Site, verb: str, name: str, restarted: int) -> None:
    site.die_at(verb, name)
    with pytest.raises(Died):
        site.sync()
    site.live_on()
    report = site.sync()
    assert [verb for verb, _ in site.cluster.writes].count("annotate") == restarted
    assert not report.failed
    assert not site.preview().plan.pending
    assert not site.preview().plan.watch


def test_a_hand_edit_is_repaired_and_restarts_all_since_any_pod_may_have_seen_it(site: Site) -> None:
    site.sync()
    before = site.stamp()
    site.cluster.edit("atlas", **{"init.py": b"by hand", "more.py": b""})
    report = site.sync()
    assert files(site) == {"init.py": b"1"}
    assert len(report.plan.restarts) == 2
    assert site.stamp() != before
    assert site.stamp().partition(" ")[2] == before.partition(" ")[2]


def test_a_source_that_fails_touches_nothing(site: Site) -> None:
    site.sync()
    site.cluster.calls.clear()
    site.source.push(init="2")
    site.source.fetch = lambda revision: (_ for _ in ()).throw(SecretSyncError("no network"))  # type: ignore[method-assign]
    (degraded,) = site.sync().plan.degraded
    assert str(degraded.error) == "no network"
    assert site.cluster.writes == []


class Broken(MemoryCluster):
    """Pods crash whenever the Secret holds a certain text."""

    def workloads(self, namespace: str, selector: str = "") -> Sequence[Workload]:
        found = super().workloads(namespace, selector)
        return [Workload(one.ref, {**one.manifest, "status": self._status(one)}) for one in found]

    def pods(self, namespace: str) -> Sequence[Manifest]:
        super().pods(namespace)
        state = [waiting("CrashLoopBackOff", exit_code=1)] if self.bad else None
        return [
            pod(one.ref.name, name=f"{one.ref.name}-1", annotations=one.template_annotations, containers=state)
            for one in self.live_workloads.values()
        ]

    @property
    def bad(self) -> bool:
        return any(b"nothing" in value for value in self.secrets["atlas"].data.values()) if self.secrets else False

    def _status(self, one: Workload) -> Manifest:
        down = self.bad and KEY in one.template_annotations and self._carries_latest(one)
        return {**one.manifest["status"], "updatedReplicas": 0 if down else 1}

    def _carries_latest(self, one: Workload) -> bool:
        return (
            one.template_annotations[KEY].partition(" ")[0]
            == self.secrets["atlas"].annotations[packing.REVISION_NUMBER]
        )


@pytest.fixture
def broken() -> Site:
    """A site that ran well, and whose source then brings a package that crashes its pods."""
    site = Site("server", "judge")
    site.cluster.__class__ = Broken
    site.sync()
    site.source.push(init="import nothing")
    site.cluster.words = "ModuleNotFoundError: No module named 'nothing'"
    site.cluster.calls.clear()
    return site


def test_a_pod_that_crashes_fails_the_run_with_its_last_words(broken: Site) -> None:
    report = broken.sync()
    assert report.failure == (
        "Deployment rucio/server: pod server-1, container rucio: CrashLoopBackOff (exit code 1); "
        "last log line: ModuleNotFoundError: No module named 'nothing'"
    )


def test_a_bad_package_is_undone_to_the_very_bytes_and_every_workload_restarted_onto_it(broken: Site) -> None:
    before = dict(files(broken))
    report = broken.sync()
    assert report.undone is not None
    assert not report.undone.failed
    assert files(broken) == before
    assert {broken.stamp("server"), broken.stamp("judge")} == {report.undone.plan.packages[0].stamp}
    assert report.undone.plan.packages[0].revision_number == 3


def test_a_rejected_digest_stays_away_and_writes_nothing(broken: Site) -> None:
    broken.sync()
    broken.cluster.calls.clear()
    report = broken.sync()
    assert (report.failed, report.plan.pending, broken.cluster.writes) == (False, False, [])
    assert report.plan.notes[0].startswith("rejected: atlas_rucio_policy stays at ")


def test_a_rejected_digest_stays_away_under_a_new_commit_too(broken: Site) -> None:
    broken.sync()
    broken.source.commit = Revision("memory", "main", "commit:" + "f" * 40)
    broken.cluster.calls.clear()
    broken.sync()
    assert broken.cluster.writes == []


def test_a_new_commit_with_other_content_ends_the_hold(broken: Site) -> None:
    broken.sync()
    broken.source.push(init="fixed")
    report = broken.sync()
    assert not report.failed
    assert files(broken) == {"init.py": b"fixed"}
    assert broken.sync().plan.notes == ()


def test_with_stop_what_was_reached_stays_and_every_run_says_so(broken: Site) -> None:
    broken.destination = replace(broken.destination, rollout=Rollout(timeout=60, on_failure="stop"))
    assert broken.sync().failed
    assert files(broken) == {"init.py": b"import nothing"}
    assert broken.sync().failed


@pytest.mark.parametrize(
    ("verb", "name", "count"),
    [
        ("replace", "secretsync-state", 3),
        ("get", "atlas-history-1", 2),
        ("replace", "atlas", 2),
        ("annotate", "judge", 2),
    ],
)
def test_an_undo_that_is_killed_is_finished_by_the_next_run_without_the_source(
    broken: Site, verb: str, name: str, count: int
) -> None:
    seen = []

    def die(called: str, on: str) -> None:
        seen.append((called, on))
        if seen.count((verb, name)) == count:
            raise Died

    broken.cluster.before = die
    with pytest.raises(Died):
        broken.sync()
    broken.live_on()
    if broken.undoing:
        broken.source.resolve = lambda: pytest.fail("the source was asked")  # type: ignore[method-assign]
    report = broken.sync()
    assert files(broken) == {"init.py": b"1"}
    assert broken.stamp("server") == broken.stamp("judge") == (report.undone or report).plan.packages[0].stamp


def test_an_undo_that_fails_says_where_what_was_live_is_kept_and_the_next_run_puts_it_back(broken: Site) -> None:
    writes = []

    def fail(verb: str, name: str) -> None:
        if (verb, name) == ("replace", "atlas"):
            writes.append(name)
            if len(writes) == 2:
                raise SecretSyncError("the API server is gone")

    broken.cluster.before = fail
    with pytest.raises(UndoFailed) as told:
        broken.sync()
    assert told.value.exit_code == 4
    assert "putting back what was live FAILED too: the API server is gone" in str(told.value)
    assert "It was kept in Secret atlas-history-1" in str(told.value)
    assert "CrashLoopBackOff" in str(told.value)

    broken.cluster.before = lambda verb, name: None
    assert not broken.sync().failed
    assert files(broken) == {"init.py": b"1"}


def test_a_rejection_that_cannot_be_remembered_does_not_hide_the_rollout_that_failed(broken: Site) -> None:
    def refuse(verb: str, name: str) -> None:
        if broken.cluster.calls.count(("replace", "secretsync-state")) == 3:
            raise SecretSyncError("no right to write it")

    broken.cluster.before = refuse
    with pytest.raises(UndoFailed, match=r"CrashLoopBackOff.*no right to write it") as told:
        broken.sync()
    assert told.value.exit_code == 4


def gone(site: Site) -> None:
    del site.cluster.secrets["atlas-history-1"]


def changed(site: Site) -> None:
    site.cluster.edit("atlas-history-1", **{"more.py": b"x"})


@pytest.mark.parametrize(("happens", "reason"), [(gone, "is gone"), (changed, "does not hold what")])
def test_an_undo_whose_kept_bundle_is_lost_has_failed_and_other_content_of_the_source_ends_it(
    broken: Site, happens: Callable[[Site], None], reason: str
) -> None:
    def lose(verb: str, name: str) -> None:
        if (verb, name) == ("annotate", "judge"):
            broken.cluster.before = lambda verb, name: None
            happens(broken)

    broken.cluster.before = lose
    with pytest.raises(UndoFailed, match=reason):
        broken.sync()
    broken.live_on()
    (degraded,) = broken.sync().plan.degraded
    assert reason in str(degraded), "the source still holds what was rejected"
    broken.source.push(init="good")
    assert not broken.sync().failed
    assert files(broken) == {"init.py": b"good"}


def test_a_failure_that_is_not_the_packages_stops_and_rejects_nothing(broken: Site) -> None:
    def deny(verb: str, name: str) -> None:
        if (verb, name) == ("annotate", "server"):
            raise SecretSyncError("a policy denies it")

    broken.source.push(init="good")
    broken.cluster.before = deny
    report = broken.sync()
    assert report.failed
    assert report.undone is None
    broken.live_on()
    assert not broken.sync().failed
    assert files(broken) == {"init.py": b"good"}


def test_a_conflict_is_planned_again_once(site: Site) -> None:
    site.sync()
    site.source.push(init="2")
    happened = []

    def interfere(verb: str, name: str) -> None:
        if (verb, name) == ("replace", "atlas") and not happened:
            happened.append(1)
            site.cluster.edit("atlas", other=b"from somebody else")

    site.cluster.before = interfere
    site.sync()
    assert files(site) == {"init.py": b"2"}


def test_a_second_conflict_is_said(site: Site) -> None:
    site.sync()
    site.source.push(init="2")
    site.cluster.before = lambda verb, name: (
        site.cluster.edit("atlas", other=b"again") if (verb, name) == ("replace", "atlas") else None
    )
    with pytest.raises(Conflict, match="changed by someone else"):
        site.sync()


def test_a_directory_that_went_is_deleted_last() -> None:
    site = Site("server", mounts=("atlas", "atlas-sub"))
    site.source.push(init="1", sub__x="1")
    site.sync()
    (ref,) = site.cluster.live_workloads
    site.cluster.live_workloads = {ref: workload("atlas", probe=True)}
    site.source.push(init="2")
    site.cluster.calls.clear()
    site.sync()
    assert "atlas-sub" not in site.cluster.secrets
    order = [call for call in site.cluster.writes if call[1] != "secretsync-state"]
    assert order == [
        ("create", "atlas-history-1"),
        ("replace", "atlas"),
        ("annotate", "server"),
        ("delete", "atlas-sub"),
    ]


def test_a_directory_that_went_is_emptied_while_a_replica_set_could_still_start_a_pod() -> None:
    site = Site("server", mounts=("atlas", "atlas-sub"))
    site.source.push(init="1", sub__x="1")
    site.sync()
    old = {"kind": "ReplicaSet", "metadata": {"name": "server-1"}, "spec": site_template(site)}
    (ref,) = site.cluster.live_workloads
    site.cluster.live_workloads = {ref: workload("atlas", probe=True)}
    site.cluster.others = [old]
    site.source.push(init="2")
    report = site.sync()
    assert files(site, "atlas-sub") == {}
    assert any("ReplicaSet rucio/server-1 still refers to it" in note for note in report.plan.notes)
    site.cluster.others = []
    site.sync()
    assert "atlas-sub" not in site.cluster.secrets
    assert not site.preview().plan.pending


def site_template(site: Site) -> dict[str, object]:
    (one,) = site.cluster.live_workloads.values()
    return {"template": one.template}


def test_a_secret_of_somebody_else_stops_the_run_before_anything_is_written(site: Site) -> None:
    site.sync()
    foreign = site.cluster.secrets["atlas"]
    site.cluster.secrets["atlas"] = replace(foreign, labels={"team": "x"})
    site.cluster.calls.clear()
    with pytest.raises(Refused, match="secretsync did not make it"):
        site.sync()
    assert site.cluster.writes == []


def test_a_workload_that_may_not_be_restarted_is_a_verdict_and_the_others_go_on(site: Site) -> None:
    def deny(verb: str, name: str) -> None:
        if (verb, name) == ("annotate", "server"):
            raise SecretSyncError("a policy denies it")

    site.cluster.before = deny
    report = site.sync()
    assert {ref.name: str(verdict.state) for ref, verdict in report.verdicts.items()} == {
        "server": "failed",
        "judge": "current",
    }


def test_nothing_is_watched_where_nothing_runs(site: Site) -> None:
    site.cluster.runs_pods = False  # type: ignore[misc]
    report = site.sync()
    told = {verdict.message for verdict in report.verdicts.values()}
    assert told == {"its pods restart when the manifest is applied"}


def strict(site: Site) -> Site:
    (delivery,) = site.destination.deliveries
    site.destination = replace(site.destination, deliveries=[replace(delivery, check=Check())])
    return site


GOOD = {
    "__init__": "",
    "permission": "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n",
    "schema": "SCHEMAS = {}\ndef validate_schema(name, obj):\n    pass\n",
}


def test_what_the_check_refuses_is_not_written(site: Site) -> None:
    strict(site).source.push(**{**GOOD, "permission": "import nothing_that_rucio_has\n"})
    report = site.sync()
    assert report.refused == "the check refuses atlas_rucio_policy: nothing was written"
    assert (report.done, site.cluster.writes) == (False, [])
    assert site.preview().refused == report.refused


def test_what_the_check_lets_pass_is_not_checked_again(site: Site) -> None:
    strict(site).source.push(**GOOD)
    assert not site.sync().refused
    assert site.sync().checked_packages == {}


def test_a_new_rucio_under_an_unchanged_package_is_checked_once(site: Site) -> None:
    strict(site).source.push(**GOOD)
    site.sync()
    for ref, one in site.cluster.live_workloads.items():
        site.cluster.live_workloads[ref] = with_image(one, "rucio/rucio-server:release-41.5.1")
    assert site.sync().checked_packages
    assert not site.sync().checked_packages


def with_image(one: Workload, image: str) -> Workload:
    manifest = deepcopy(one.manifest)
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return Workload(one.ref, manifest)


def test_the_rucio_of_the_images_is_the_one_that_is_checked_against(site: Site) -> None:
    strict(site).source.push(**{**GOOD, "__init__": "SUPPORTED_VERSION = '==38'\n"})
    for ref, one in site.cluster.live_workloads.items():
        site.cluster.live_workloads[ref] = with_image(one, "mirror.example:5000/rucio/rucio-server:release-41.5.1")
    assert site.preview().refused
    for ref, one in site.cluster.live_workloads.items():
        site.cluster.live_workloads[ref] = with_image(one, "rucio/rucio-server:release-38.5.5@sha256:0")
    assert not site.preview().refused


RECREATE = {"strategy": {"type": "Recreate"}}


def recreating(site: Site, name: str) -> None:
    """The workload called *name* has no ready pod while it restarts."""
    for ref in site.cluster.live_workloads:
        if ref.name == name:
            site.cluster.live_workloads[ref] = workload("atlas", name=name, probe=True, spec=RECREATE)


def ruled(site: Site, **rules: Any) -> Site:
    site.destination = replace(site.destination, rollout=site.destination.rollout.model_copy(update=rules))
    return site


def test_a_workload_that_goes_down_meanwhile_is_told_before_and_refused_while_nothing_proves_the_package(
    site: Site,
) -> None:
    recreating(site, "judge")
    assert "Deployment rucio/judge: no pod is ready during the restart" in site.preview().plan.notes[0]
    with pytest.raises(WouldTakeDown, match="rucio/judge"):
        site.sync()
    assert site.cluster.writes == []


def test_a_downtime_that_is_accepted_by_name_goes_on(site: Site) -> None:
    recreating(site, "judge")
    assert not ruled(site, accept_downtime=frozenset({"judge"})).sync().failed


def test_outside_of_its_window_changes_wait_and_nothing_is_written(site: Site) -> None:
    site.utc = datetime(2026, 1, 4, 12, tzinfo=UTC)
    report = ruled(site, window="Mon-Fri 09:00-16:00 UTC").sync()
    assert "closed until Mon 2026-01-05 09:00 UTC" in report.waits
    assert (report.pending, report.failed, site.cluster.writes) == (False, False, [])
    site.utc = datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert site.sync().done


def test_a_rollout_that_was_begun_inside_the_window_is_ended_outside_of_it(site: Site) -> None:
    ruled(site, window="Mon-Fri 09:00-16:00 UTC")
    site.utc = datetime(2026, 1, 5, 15, 59, tzinfo=UTC)
    site.die_at("annotate", "judge")
    with pytest.raises(Died):
        site.sync()
    site.live_on()
    site.utc = datetime(2026, 1, 5, 17, tzinfo=UTC)
    assert site.sync().done
    assert site.stamp("judge") == site.stamp("server")


def test_drift_that_is_only_to_be_reported_stays_and_restarts_nothing(site: Site) -> None:
    site.destination = replace(site.destination, drift="report")
    site.sync()
    site.cluster.edit("atlas", **{"init.py": b"by hand"})
    site.cluster.calls.clear()
    report = site.sync()
    assert report.plan.notes[0].startswith("drift: somebody changed init.py")
    assert site.cluster.writes == []
    site.source.push(init="2")
    site.sync()
    assert files(site) == {"init.py": b"2"}


def test_it_is_told_how_long_new_files_lay_under_old_processes(site: Site) -> None:
    site = ruled(site, waves=(Wave(selector="app=nothing"),))
    assert site.sync().mixed == {}, "before there was a Secret no process had started"
    site.source.push(init="2")
    report = site.sync()
    assert {ref.name: seconds for ref, seconds in report.mixed.items()} == {"server": 0, "judge": 0}


def test_where_a_quota_leaves_no_room_for_another_kept_bundle_the_oldest_gives_way(site: Site) -> None:
    for text in ("1", "2", "3"):
        site.source.push(init=text)
        site.sync()

    def quota(verb: str, name: str) -> None:
        if verb == "create" and name.startswith("atlas-history-"):
            call = Call("create", "secrets", "rucio", name)
            raise QuotaExceeded(call, 403, "exceeded quota: few")

    site.cluster.before = quota
    site.source.push(init="4")
    assert not site.sync().failed
    kept = [secret for name, secret in site.cluster.secrets.items() if name.startswith("atlas-history-")]
    assert sorted(file.data for one in kept for file in packing.live_bundle([one]).files) == [b"2", b"3"]


def test_a_run_that_waited_before_it_took_the_lease_brings_what_the_source_holds_by_then(site: Site) -> None:
    site.source.push(init="older")

    def meanwhile(verb: str, name: str) -> None:
        if (verb, name) == ("store", "secretsync") and site.source.files[0].data == b"older":
            site.source.push(init="newer")

    site.cluster.before = meanwhile
    site.sync()
    assert files(site) == {"init.py": b"newer"}


@pytest.mark.parametrize(("verb", "name"), [("replace", "atlas"), ("annotate", "server"), ("annotate", "judge")])
def test_a_run_that_was_stopped_and_goes_on_after_another_took_over_changes_nothing_any_more(
    site: Site, verb: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.sync()
    ticks = [0.0]
    monkeypatch.setattr(lock.time, "time", lambda: ticks[0])
    site.source.push(init="older")
    stopped = []

    def stop(called: str, on: str) -> None:
        if (called, on) == (verb, name) and not stopped:
            stopped.append(1)
            ticks[0] += 3600
            site.cluster.time += timedelta(hours=1)
            site.source.push(init="newer")
            site.sync()

    site.cluster.before = stop
    with contextlib.suppress(LeaseLost):
        site.sync()
    assert stopped
    assert files(site) == {"init.py": b"newer"}
    newest = site.stamp("server")
    assert site.stamp("judge") == newest
    site.cluster.calls.clear()
    site.sync()
    assert site.cluster.writes == []
    assert site.stamp("server") == newest


@pytest.mark.parametrize("refused", [("replace", "atlas-sub"), ("create", "atlas-new")])
def test_a_package_of_which_one_secret_is_refused_stays_as_it_was(refused: tuple[str, str]) -> None:
    site = Site("server", mounts=("atlas", "atlas-sub", "atlas-new", "atlas-a"))
    site.source.push(init="1", sub__x="1")
    site.sync()
    before = {name: files(site, name) for name in site.cluster.secrets if name.startswith("atlas")}
    stamp, remembered = site.stamp(), load_state(site.destination).state.of("atlas")

    def deny(verb: str, name: str) -> None:
        if (verb, name) == refused:
            raise Denied(Call(verb, "secrets", "rucio", name), 403, "ValidatingAdmissionPolicy 'x'")

    site.cluster.before = deny
    site.source.files = tuple(File(path, b"2") for path in ("a/x.py", "init.py", "new/x.py", "sub/x.py"))
    site.source.commit = Revision("memory", "main", "commit:" + "e" * 40)
    with pytest.raises(Denied):
        site.sync()
    live = {name: files(site, name) for name in site.cluster.secrets if name in ("atlas", "atlas-sub", "atlas-a")}
    assert live == before
    assert site.stamp() == stamp
    assert replace(load_state(site.destination).state.of("atlas"), kept={}) == remembered, "no rollout began"
    site.live_on()
    assert not site.sync().failed
    assert {files(site, name)["x.py"] for name in ("atlas-a", "atlas-new", "atlas-sub")} == {b"2"}


def test_a_secret_that_is_deleted_while_its_rollout_is_watched_is_made_anew_in_the_same_run(broken: Site) -> None:
    broken.cluster.__class__ = Missing
    broken.source.push(init="good")
    deleted = []

    def delete(verb: str, name: str) -> None:
        restarted = ("annotate", "judge") in broken.cluster.calls
        if (verb, name) == ("list", "workloads") and restarted and not deleted:
            deleted.append(broken.cluster.secrets.pop("atlas"))

    broken.cluster.before = delete
    assert not broken.sync().failed
    assert files(broken) == {"init.py": b"good"}
    newest = broken.cluster.secrets["atlas"].annotations[packing.REVISION_NUMBER]
    assert {broken.stamp(name).partition(" ")[0] for name in ("server", "judge")} == {newest}


class Missing(MemoryCluster):
    """No pod starts while the Secret is not there."""

    def workloads(self, namespace: str, selector: str = "") -> Sequence[Workload]:
        found = super().workloads(namespace, selector)
        ready = 1 if "atlas" in self.secrets else 0
        return [
            Workload(one.ref, {**one.manifest, "status": {**one.manifest["status"], "updatedReplicas": ready}})
            for one in found
        ]


def test_a_containers_last_words_show_no_credential(broken: Site) -> None:
    broken.cluster.words = "cannot clone https://me:hunter2@git.example.org/x \x1b[2J"
    failure = broken.sync().failure
    assert "hunter2" not in failure
    assert failure.isprintable()


def test_what_was_rejected_is_put_back_though_somebody_deletes_the_state_object_in_that_moment(broken: Site) -> None:
    gone: list[str] = []

    def delete(verb: str, name: str) -> None:
        state = broken.cluster.secrets.get("secretsync-state")
        if not gone and state and b"was rejected" in state.data["state.json"]:
            gone.append(f"{verb} {name}")
            del broken.cluster.secrets["secretsync-state"]

    broken.cluster.before = delete
    report = broken.sync()
    assert gone, "it was deleted at the first call after it had been written"
    assert report.undone
    assert files(broken) == {"init.py": b"1"}
    assert broken.preview().plan.idle
