"""What keeps a run from doing harm: each guard of the story has a case here that goes wrong without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest

from secretsync.cluster.errors import Call, Conflict, NamespaceTerminating, Unauthorized, WorkloadGone
from secretsync.config.target import Rollout
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Manifest, Ref, Workload
from secretsync.plan import history
from secretsync.plan.restarts import Restart
from secretsync.plan.state import PackageState, from_secret, to_secret
from secretsync.reconcile import apply
from secretsync.reconcile.lock import LeaseLost
from tests.build import pod, waiting, workload
from tests.reconcile.test_reconciler import GOOD, KEY, Broken, Died, Site, files, strict, with_image

STATE = "secretsync-state"


def remembered(site: Site) -> PackageState:
    return from_secret(site.cluster.secrets[STATE]).of("atlas")


def at(site: Site, verb: str, name: str, count: int, happen: Callable[[], None]) -> None:
    """Something happens just before the call of that number."""
    seen: list[str] = []

    def before(called: str, on: str) -> None:
        if (called, on) == (verb, name):
            seen.append(on)
            if len(seen) == count:
                happen()

    site.cluster.before = before


def fail(error: BaseException) -> None:
    raise error


def ran_well(*names: str, **rules: object) -> Site:
    """A site that ran well with ``init.py`` of 1; its pods crash when a package holds a certain text."""
    site = Site(*names)
    site.cluster.__class__ = Broken
    site.destination = replace(site.destination, rollout=Rollout(timeout=60, **rules))  # type: ignore[arg-type]
    site.sync()
    site.cluster.calls.clear()
    return site


def with_sub() -> Site:
    """A site whose package loses its sub-directory, which nothing mounts any more, with the next push."""
    site = Site("server", mounts=("atlas", "atlas-sub"))
    site.cluster.__class__ = Broken
    site.source.push(init="1", sub__x="1")
    site.sync()
    (ref,) = site.cluster.live_workloads
    site.cluster.live_workloads = {
        ref: workload("atlas", probe=True, annotations=site.cluster.live_workloads[ref].template_annotations)
    }
    site.cluster.calls.clear()
    return site


# --- before and after the lock


def with_another_run() -> tuple[Site, Site]:
    """Two sites that were alike until the second one rolled out what is new for both."""
    site, other = Site("server"), Site("server")
    site.sync()
    other.sync()
    for each in (site, other):
        each.source.push(init="2")
    other.sync()
    return site, other


def test_what_another_run_did_while_this_one_waited_for_the_lock_is_not_done_again() -> None:
    site, other = with_another_run()

    def other_run_was_first() -> None:
        site.cluster.secrets = dict(other.cluster.secrets)
        site.cluster.live_workloads = dict(other.cluster.live_workloads)

    site.cluster.calls.clear()
    at(site, "get", STATE, 2, other_run_was_first)
    report = site.sync()
    assert (report.done, report.failed, site.cluster.writes) == (True, False, [])


def test_nothing_is_written_under_the_lock_when_nothing_is_left_to_do() -> None:
    site, other = with_another_run()

    def other_run_was_first_and_its_state_was_lost() -> None:
        site.cluster.secrets = {name: secret for name, secret in other.cluster.secrets.items() if name != STATE}
        site.cluster.live_workloads = dict(other.cluster.live_workloads)

    site.cluster.calls.clear()
    at(site, "get", STATE, 2, other_run_was_first_and_its_state_was_lost)
    report = site.sync()
    assert (report.plan.idle, report.done, site.cluster.writes) == (True, True, [])


def test_what_the_check_refuses_only_under_the_lock_is_not_written() -> None:
    site = strict(Site("server"))
    site.source.push(**{**GOOD, "__init__": "SUPPORTED_VERSION = '==38'\n"})

    def run_rucio(version: str) -> None:
        for ref, one in site.cluster.live_workloads.items():
            site.cluster.live_workloads[ref] = with_image(one, f"rucio/rucio-server:release-{version}")

    run_rucio("38.5.5")
    at(site, "get", STATE, 2, lambda: run_rucio("41.5.1"))
    report = site.sync()
    assert report.refused
    assert "atlas" not in site.cluster.secrets


def test_a_run_with_nothing_to_do_takes_no_lock() -> None:
    site = ran_well("server")
    site.sync()
    assert [call for call in site.cluster.calls if call[0] == "store"] == []


def test_a_run_with_something_to_do_takes_the_lock_before_it_writes() -> None:
    site = Site("server")
    site.sync()
    first = next(call for call in site.cluster.calls if call[0] not in ("get", "list"))
    assert first[0] == "store"


def test_names_and_numbers_are_remembered_before_the_first_byte_changes() -> None:
    site = Site("server")
    site.die_at("create", "atlas")
    with pytest.raises(Died):
        site.sync()
    assert (remembered(site).secrets, remembered(site).finished) == (("atlas",), False)


# --- what is kept for an undo


def test_while_a_rollout_is_not_finished_the_bundle_before_it_stays_the_one_that_is_put_back() -> None:
    site = ran_well("server", "judge")
    site.source.push(init="2")
    site.die_at("annotate", "judge")
    with pytest.raises(Died):
        site.sync()
    site.live_on()
    site.source.push(init="import nothing")
    assert site.sync().undone is not None
    assert files(site) == {"init.py": b"1"}


def test_a_bundle_that_cannot_be_kept_is_not_replaced() -> None:
    site = ran_well("server")
    site.source.push(init="2")
    at(site, "create", "atlas-history-1", 1, lambda: fail(SecretSyncError("forbidden")))
    with pytest.raises(apply.NoUndo, match="forbidden"):
        site.sync()
    assert files(site) == {"init.py": b"1"}


def test_where_nothing_would_be_put_back_a_bundle_that_cannot_be_kept_is_replaced_all_the_same() -> None:
    site = ran_well("server", on_failure="stop")
    site.source.push(init="2")
    at(site, "create", "atlas-history-1", 1, lambda: fail(SecretSyncError("forbidden")))
    assert not site.sync().failed
    assert files(site) == {"init.py": b"2"}


CREATE = Call("create", "secrets", "rucio", "atlas-history-1")


@pytest.mark.parametrize("on_failure", ["restore", "stop"])
@pytest.mark.parametrize("error", [LeaseLost("rucio"), NamespaceTerminating(CREATE, 403), Unauthorized(CREATE, 401)])
def test_what_would_meet_any_write_is_no_matter_of_the_bundle_that_is_kept(on_failure: str, error: Exception) -> None:
    site = ran_well("server", on_failure=on_failure)
    site.source.push(init="2")
    at(site, "create", "atlas-history-1", 1, lambda: fail(error))
    with pytest.raises(type(error)):
        site.sync()
    assert files(site) == {"init.py": b"1"}


# --- whether a package is to blame


class AllFails(Broken):
    """Once a bad package has come, nothing comes up again."""

    @property
    def bad(self) -> bool:
        if super().bad:
            self.words = "for ever"
        return self.words == "for ever"


def test_what_was_put_back_is_not_rejected_when_it_fails_too() -> None:
    site = ran_well("server")
    site.cluster.__class__ = AllFails
    site.source.push(init="import nothing")
    report = site.sync()
    assert report.undone is not None
    assert (report.undone.failed, report.undone.undone) == (True, None)
    assert files(site) == {"init.py": b"1"}
    hold = remembered(site).hold
    assert hold is not None
    assert (hold.digest, hold.kept) == (report.plan.packages[0].desired.bundle.digest, "atlas-history-1")


class FailsEverywhere(Broken):
    """A fault of the whole cluster: what was not restarted is down as well."""

    def _status(self, one: Workload) -> Manifest:
        return {**one.manifest["status"], "updatedReplicas": 0 if self.bad else 1}


def test_a_package_is_not_rejected_when_a_workload_that_was_not_restarted_failed_too() -> None:
    site = ran_well("server", "judge", max_parallel=1)
    site.source.push(init="import nothing")
    # what is down before the rollout is no sign of anything: the fault comes with the first restart
    at(site, "annotate", "server", 1, lambda: setattr(site.cluster, "__class__", FailsEverywhere))
    report = site.sync()
    assert report.undone is None
    assert "Deployment rucio/judge, which was not restarted, failed too" in report.failure
    assert remembered(site).hold is None
    assert files(site) == {"init.py": b"import nothing"}


def test_a_first_package_that_fails_is_left_as_there_is_nothing_to_put_back() -> None:
    site = Site("server")
    site.cluster.__class__ = Broken
    site.source.push(init="import nothing")
    report = site.sync()
    assert (report.failed, report.undone, remembered(site).hold) == (True, None, None)


# --- how it ends


def test_a_kill_before_a_secret_is_pruned_leaves_its_name_to_the_next_run() -> None:
    site = with_sub()
    site.source.push(init="2")
    site.die_at("delete", "atlas-sub")
    with pytest.raises(Died):
        site.sync()
    assert (remembered(site).secrets, remembered(site).finished) == (("atlas", "atlas-sub"), False)
    site.live_on()
    site.sync()
    assert "atlas-sub" not in site.cluster.secrets
    assert (remembered(site).secrets, remembered(site).finished) == (("atlas",), True)


def test_a_rollout_that_failed_prunes_nothing_and_is_not_finished() -> None:
    site = with_sub()
    site.destination = replace(site.destination, rollout=Rollout(timeout=60, on_failure="stop"))
    site.source.push(init="import nothing")
    assert site.sync().failed
    assert "atlas-sub" in site.cluster.secrets
    assert not remembered(site).finished


def test_a_secret_that_somebody_refers_to_since_the_plan_is_not_deleted() -> None:
    site = with_sub()
    site.source.push(init="2")
    spawner = {"kind": "Job", "metadata": {"name": "late"}, "spec": {"template": workload("atlas-sub").template}}
    at(site, "annotate", "server", 1, lambda: site.cluster.others.append(spawner))
    site.sync()
    assert files(site, "atlas-sub") == {}


# --- conflicts


def test_a_workload_that_is_made_anew_before_its_restart_is_planned_again_and_restarted_in_the_same_run() -> None:
    site = ran_well("server", "judge")
    site.source.push(init="2")
    at(site, "annotate", "judge", 1, lambda: fail(WorkloadGone(Ref("Deployment", "rucio", "judge"))))
    assert not site.sync().failed
    assert site.stamp("judge") == site.stamp("server")


def test_a_package_of_which_somebody_seized_the_second_secret_in_mid_run_stays_as_it_was() -> None:
    site = Site("server", mounts=("atlas", "atlas-sub"))
    site.source.push(init="1", sub__x="1")
    site.sync()
    site.source.push(init="2", sub__x="2")

    def seize() -> None:
        secret = site.cluster.secrets["atlas-sub"]
        metadata = {**secret.metadata, "resourceVersion": "other"}
        site.cluster.secrets["atlas-sub"] = replace(secret, immutable=True, metadata=metadata)

    at(site, "replace", "atlas-sub", 1, seize)
    with pytest.raises(SecretSyncError, match="is immutable"):
        site.sync()
    assert files(site) == {"init.py": b"1"}


def test_a_workload_that_was_restarted_before_a_conflict_is_remembered() -> None:
    site = Site("server", "judge")
    always = Conflict(site.cluster.live_workloads[next(iter(site.cluster.live_workloads))].ref, "was changed")
    site.cluster.before = lambda verb, name: fail(always) if (verb, name) == ("annotate", "judge") else None
    with pytest.raises(Conflict):
        site.sync()
    assert dict(remembered(site).restarts) == {"Deployment rucio/server": 1}


def test_a_conflict_while_putting_back_is_planned_again_too() -> None:
    site = ran_well("server")
    site.source.push(init="import nothing")
    at(site, "replace", "atlas", 2, lambda: site.cluster.edit("atlas", other=b"from somebody else"))
    report = site.sync()
    assert report.failed, "the rollout did, whatever was in the way of its undo"
    assert report.undone
    assert not report.undone.failed
    assert files(site) == {"init.py": b"1"}


# --- a state object that was lost


def test_an_idle_run_remembers_the_names_that_the_lost_state_knew() -> None:
    site = with_sub()
    site.source.push(init="1", sub__x="1")
    del site.cluster.secrets[STATE]
    assert site.sync().plan.idle
    assert (remembered(site).secrets, remembered(site).revision_number) == (("atlas", "atlas-sub"), 1)


def test_an_idle_run_remembers_names_that_are_missing_in_a_state_which_knows_the_check() -> None:
    site = ran_well("server")
    state = from_secret(site.cluster.secrets[STATE])
    emptied = state.with_package("atlas", replace(state.of("atlas"), secrets=()))
    stored = site.cluster.secrets[STATE]
    site.cluster.secrets[STATE] = replace(stored, data=to_secret(emptied, "secretsync", "rucio").data)
    report = site.sync()
    assert (report.plan.idle, report.checked_packages) == (True, {})
    assert remembered(site).secrets == ("atlas",)


def test_an_idle_run_that_learnt_nothing_new_writes_nothing() -> None:
    site = ran_well("server")
    site.sync()
    assert site.cluster.writes == []


def test_what_the_check_saw_of_an_unchanged_package_is_remembered() -> None:
    site = Site("server")
    site.source.push(**GOOD)
    site.sync()
    before = remembered(site).checked
    for ref, one in site.cluster.live_workloads.items():
        site.cluster.live_workloads[ref] = with_image(one, "rucio/rucio-server:release-38.5.5")
    assert site.sync().plan.idle
    assert remembered(site).checked not in ("", before)


# --- StatefulSets that hang


STAMP = {KEY: "2 sha256:new"}


def stuck(name: str, **more: object) -> Manifest:
    """A pod that crashes, of the workload ``server``."""
    return pod(name=name, containers=[waiting("CrashLoopBackOff")], **more)  # type: ignore[arg-type]


def deleted_pods(kind: str, pods: Sequence[Manifest]) -> set[str]:
    """The pods that are deleted when a workload of *kind* was restarted with STAMP."""
    site = Site()
    site.cluster.live_pods = list(pods)
    apply.delete_stuck_pods(site.destination, [Restart(workload("atlas", kind=kind), STAMP, "because")])
    return {name for verb, name in site.cluster.calls if verb == "remove"}


def test_a_pod_of_an_earlier_stamp_at_which_a_stateful_set_hangs_is_deleted() -> None:
    assert deleted_pods("StatefulSet", [stuck("server-0", annotations={KEY: "1 sha256:old"})]) == {"server-0"}


@pytest.mark.parametrize(
    ("kind", "one"),
    [
        ("Deployment", stuck("server-0", annotations={KEY: "1 sha256:old"})),
        ("StatefulSet", stuck("server-0", annotations=STAMP)),
        ("StatefulSet", stuck("server-0")),
        ("StatefulSet", stuck("other-0", of="other", annotations={KEY: "1 sha256:old"})),
        (
            "StatefulSet",
            pod(annotations={KEY: "1 sha256:old"}, conditions=[{"type": "Ready", "status": "True"}]),
        ),
    ],
    ids=["a Deployment's", "of this stamp", "never stamped", "another's", "ready"],
)
def test_any_other_pod_is_left_to_its_controller(kind: str, one: Manifest) -> None:
    assert deleted_pods(kind, [one]) == set()


def test_a_stateful_set_that_hangs_is_freed_by_a_run() -> None:
    site = Site()
    site.destination = replace(site.destination, rollout=Rollout(timeout=60, accept_downtime=("server",)))
    one = workload("atlas", kind="StatefulSet", probe=True)
    site.cluster.live_workloads = {one.ref: one}
    site.sync()
    hanging = stuck("server-0", annotations={KEY: site.stamp()})
    site.cluster.live_pods = [deepcopy(hanging)]
    site.source.push(init="2")
    site.sync()
    assert ("remove", "server-0") in site.cluster.calls


def test_a_bundle_that_is_kept_again_has_its_newest_revision_number() -> None:
    site = ran_well("server")
    for text in ("2", "1", "2"):
        site.source.push(init=text)
        assert not site.sync().failed
    names = history.history_names("atlas", 5)
    kept = history.kept_bundles({name: site.cluster.secrets.get(name) for name in names})
    assert [entry.revision_number for entry in kept] == [3, 2]


def test_a_secret_whose_write_was_answered_as_it_was_sent_is_not_read_again() -> None:
    site = ran_well("server")
    site.source.push(init="2")
    site.sync()
    written = site.cluster.calls.index(("replace", "atlas"))
    assert ("get", "atlas") not in site.cluster.calls[written:]


def test_the_skew_of_a_continued_rollout_counts_from_when_its_files_were_written() -> None:
    site = ran_well("server")
    site.source.push(init="2")
    site.die_at("annotate", "server")
    with pytest.raises(Died):
        site.sync()
    site.live_on()
    written = site.cluster.secrets["atlas"].data_written
    assert written is not None
    site.utc = written + timedelta(seconds=90)
    assert {ref.name: seconds for ref, seconds in site.sync().mixed.items()} == {"server": 90}
