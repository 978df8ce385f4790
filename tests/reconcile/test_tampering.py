"""What others may write in the namespace: noticed, never trusted, never deleted, never copied."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secretsync.core import packing
from secretsync.core.errors import SecretSyncError
from secretsync.core.log import LONGEST_WORDS
from secretsync.core.model import Secret, Workload, digest
from secretsync.operations import releases
from secretsync.operations.status import damage, status
from secretsync.plan.history import KeptBundleChanged, history_names
from secretsync.plan.state import State, UnreadableState, from_secret
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.apply import NoUndo
from secretsync.reconcile.destination import Clock
from secretsync.reconcile.observe import HeldAndEdited, KeptBundleGone
from secretsync.reconcile.recording import record_outcome
from secretsync.sources.digests import FetchedDigests
from tests.build import pod
from tests.memory_cluster import MemoryCluster
from tests.reconcile.test_reconciler import Site, files

PASSWORD = Secret("rucio", "database", {"password": b"hunter2"}, metadata={"resourceVersion": "1", "uid": "x"})


@pytest.fixture
def site() -> Site:
    site = Site("server", mounts=("atlas", "atlas-sub"))
    site.source.push(init="1", sub__x="1")
    site.sync()
    site.cluster.calls.clear()
    return site


def forge(site: Site, name: str, text: bytes) -> None:
    """Somebody edits a file, and all that the Secrets of the package say of their content."""
    secret = site.cluster.secrets[name]
    site.cluster.secrets[name] = replace(secret, data={**secret.data, next(iter(secret.data)): text})
    live = [site.cluster.secrets[one] for one in ("atlas", "atlas-sub")]
    seal(site, digest(packing.unpack(live)), *(one.name for one in live))


def seal(site: Site, told: str, *names: str) -> None:
    for name in names:
        annotate(site, name, **{packing.DIGEST: told})


def annotate(site: Site, name: str, **annotations: str | None) -> None:
    secret = site.cluster.secrets[name]
    told = {key: value for key, value in {**secret.annotations, **annotations}.items() if value is not None}
    version = str(int(secret.metadata["resourceVersion"]) + 1000)
    metadata = {**secret.metadata, "resourceVersion": version}
    site.cluster.secrets[name] = replace(secret, annotations=told, metadata=metadata)


def remember(site: Site, **changes: Any) -> None:
    """Somebody edits the state object."""
    secret = site.cluster.secrets["secretsync-state"]
    told = json.loads(secret.data["state.json"])
    told["packages"]["atlas"] |= changes
    site.cluster.secrets["secretsync-state"] = replace(secret, data={"state.json": json.dumps(told).encode()})


def numbers(site: Site) -> set[str]:
    return {site.cluster.secrets[name].annotations[packing.REVISION_NUMBER] for name in ("atlas", "atlas-sub")}


def test_an_edit_that_the_secrets_own_digest_agrees_with_is_noticed_and_put_right(site: Site) -> None:
    forge(site, "atlas", b"forged")
    site.sync()
    assert files(site) == {"init.py": b"1"}
    site.cluster.calls.clear()
    site.sync()
    assert site.cluster.writes == []


@pytest.fixture
def with_cache(tmp_path: Path, site: Site) -> Site:
    """The same site, with a cache that knows what was fetched."""
    delivery = replace(site.destination.deliveries[0], fetched=FetchedDigests(tmp_path / "digests"))
    site.destination = replace(site.destination, deliveries=[delivery])
    site.source.push(init="2", sub__x="1")
    site.sync()
    site.source.fetched = 0
    site.cluster.calls.clear()
    return site


def forge_everything(site: Site) -> None:
    """Somebody edits a file, the digest that the Secrets carry, and the state object."""
    forge(site, "atlas", b"forged")
    remember(site, digest=site.cluster.secrets["atlas"].annotations[packing.DIGEST])


def test_an_edit_that_the_state_object_agrees_with_too_is_noticed_and_put_right(with_cache: Site) -> None:
    forge_everything(with_cache)
    (deployed,) = status(with_cache.destination)
    assert deployed.drift
    report = with_cache.sync()
    assert files(with_cache) == {"init.py": b"2"}
    assert "drift: somebody changed init.py in the live Secrets of atlas_rucio_policy; it is restored" in (
        report.plan.notes
    )


def swap(site: Site) -> None:
    """Somebody swaps what the two Secrets of the package hold, and all that they say of it."""
    top, below = site.cluster.secrets["atlas"], site.cluster.secrets["atlas-sub"]
    site.cluster.secrets["atlas"] = replace(top, data=below.data, annotations=below.annotations)
    site.cluster.secrets["atlas-sub"] = replace(below, data=top.data, annotations=top.annotations)
    for name in ("atlas", "atlas-sub"):
        annotate(site, name)


def test_files_that_were_swapped_between_secrets_with_what_these_say_are_put_right(with_cache: Site) -> None:
    swap(with_cache)
    (deployed,) = status(with_cache.destination)
    assert deployed.drift
    assert "drift: somebody changed" in str(with_cache.preview().plan.notes)
    with_cache.sync()
    assert files(with_cache) == {"init.py": b"2"}
    assert files(with_cache, "atlas-sub") == {"x.py": b"1"}
    with_cache.cluster.calls.clear()
    with_cache.sync()
    assert with_cache.cluster.writes == []


def test_swapped_files_of_a_suspended_package_are_refused(site: Site) -> None:
    releases.suspend(site.destination, site.destination.deliveries[0], "under review")
    swap(site)
    (degraded,) = site.sync().plan.degraded
    assert isinstance(degraded.error, HeldAndEdited)


def test_an_edited_revision_that_was_brought_back_by_its_number_is_no_drift(with_cache: Site) -> None:
    secret = with_cache.cluster.secrets["atlas"]
    with_cache.cluster.secrets["atlas"] = replace(secret, data={**secret.data, "init.py": b"hot fix"})
    with_cache.sync()
    releases.rollback(with_cache.destination, with_cache.destination.deliveries[0], "2")
    (deployed,) = status(with_cache.destination)
    assert files(with_cache)["init.py"] == b"hot fix"
    assert not deployed.drift


def test_it_is_refused_while_the_package_is_suspended(with_cache: Site) -> None:
    releases.suspend(with_cache.destination, with_cache.destination.deliveries[0], "under review")
    forge_everything(with_cache)
    (degraded,) = with_cache.sync().plan.degraded
    assert isinstance(degraded.error, HeldAndEdited)


def test_a_pass_in_which_nothing_changed_reads_no_source_and_writes_nothing(with_cache: Site) -> None:
    with_cache.sync()
    assert with_cache.source.fetched == 0
    assert with_cache.cluster.writes == []


def test_a_cache_that_is_lost_or_damaged_is_no_tampering(with_cache: Site, tmp_path: Path) -> None:
    (digest,) = (tmp_path / "digests").iterdir()
    for spoil in (lambda: digest.write_bytes(b"\xff" * 64), lambda: digest.write_text("0" * 63), digest.unlink):
        spoil()
        with_cache.sync()
        assert with_cache.source.fetched == 0
    assert with_cache.cluster.writes == []


def test_a_suspended_package_that_somebody_edits_is_refused(site: Site) -> None:
    releases.suspend(site.destination, site.destination.deliveries[0], "under review")
    forge(site, "atlas", b"forged")
    (degraded,) = site.sync().plan.degraded
    assert isinstance(degraded.error, HeldAndEdited)
    assert "somebody changed its live files" in str(degraded.error)
    assert files(site) == {"init.py": b"forged"}, "it is left to the operator"


def test_a_state_object_of_an_earlier_release_is_read_and_learns_the_digest_without_a_write_to_anything_else(
    site: Site,
) -> None:
    secret = site.cluster.secrets["secretsync-state"]
    told = json.loads(secret.data["state.json"])
    del told["packages"]["atlas"]["digest"], told["packages"]["atlas"]["kept"]
    site.cluster.secrets["secretsync-state"] = replace(secret, data={"state.json": json.dumps(told).encode()})
    site.sync()
    assert site.cluster.writes == [("replace", "secretsync-state")]
    site.cluster.calls.clear()
    site.sync()
    assert site.cluster.writes == []


def rolled_back(site: Site) -> None:
    releases.rollback(site.destination, site.destination.deliveries[0], clock=Clock(sleep=lambda _: None))


def test_files_of_the_history_that_somebody_changed_are_not_put_back(site: Site) -> None:
    site.source.push(init="2", sub__x="1")
    site.sync()
    other = Site("server", mounts=("atlas", "atlas-sub"))
    other.source.push(init="forged", sub__x="1")
    other.sync()
    other.source.push(init="2", sub__x="1")
    other.sync()
    kept = site.cluster.secrets["atlas-history-1"]
    forged = other.cluster.secrets["atlas-history-1"]
    site.cluster.secrets["atlas-history-1"] = replace(
        kept, data=forged.data, annotations={**kept.annotations, packing.DIGEST: forged.annotations[packing.DIGEST]}
    )
    with pytest.raises(KeptBundleChanged, match="atlas-history-1 does not hold what secretsync kept in it"):
        rolled_back(site)
    assert files(site) == {"init.py": b"2"}
    assert site.sync().plan.notes == (), "it is not suspended either"


@pytest.mark.parametrize("name", ["database", "atlas-history-x", "atlas", "../atlas-history-1"])
def test_whoever_may_write_the_state_object_alone_gets_no_other_secret_copied(site: Site, name: str) -> None:
    site.cluster.secrets["database"] = PASSWORD
    hold = {"reason": "x", "kept": name, "digest": "", "revision": ""}
    remember(site, hold=hold)
    (degraded,) = site.sync().plan.degraded
    assert isinstance(degraded.error, KeptBundleGone | KeptBundleChanged)
    assert ("get", "database") not in site.cluster.calls
    assert site.cluster.writes == []


def test_a_secret_of_another_that_is_remembered_as_ours_is_neither_read_nor_deleted(site: Site) -> None:
    site.cluster.secrets["database"] = PASSWORD
    remember(site, secrets=["atlas", "atlas-sub", "database"], outdated=["database"])
    site.source.push(init="2", sub__x="1")
    site.sync()
    assert site.cluster.secrets["database"] is PASSWORD
    assert ("get", "database") not in site.cluster.calls


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": {}},
        {"labels": {packing.MANAGED_BY: "secretsync", packing.INSTALLATION: "another", packing.MODULE: "atlas"}},
        {"type": "kubernetes.io/tls"},
        {"metadata": {"ownerReferences": [{"kind": "ExternalSecret", "name": "x", "controller": True}]}},
    ],
)
def test_a_secret_that_took_the_name_of_one_that_is_no_longer_needed_is_left(
    site: Site, changes: Mapping[str, Any]
) -> None:
    secret = site.cluster.secrets["atlas-sub"]
    metadata = {**secret.metadata, **changes.get("metadata", {})}
    site.cluster.secrets["atlas-sub"] = replace(secret, annotations={}, **{**changes, "metadata": metadata})
    site.source.push(init="2")
    site.sync()
    assert "atlas-sub" in site.cluster.secrets
    assert files(site) == {"init.py": b"2"}
    site.cluster.calls.clear()
    site.sync()
    assert site.cluster.writes == []


def test_one_of_ours_without_its_directory_is_removed_all_the_same(site: Site) -> None:
    secret = site.cluster.secrets["atlas-sub"]
    told = {key: value for key, value in secret.annotations.items() if key != packing.DIRECTORY}
    site.cluster.secrets["atlas-sub"] = replace(secret, annotations=told)
    (ref,) = site.cluster.live_workloads
    site.cluster.live_workloads = Site("server").cluster.live_workloads
    assert ref in site.cluster.live_workloads
    site.source.push(init="2")
    site.sync()
    assert "atlas-sub" not in site.cluster.secrets


@pytest.mark.parametrize("number", ["", "NaN", "-1", "999999999999999", "9" * 5000, "１", "7 "])
def test_a_number_that_nobody_counted_to_is_replaced_by_that_of_the_others_and_restarts_nothing(
    site: Site, number: str
) -> None:
    annotate(site, "atlas-sub", **{packing.REVISION_NUMBER: number})
    status(site.destination)
    report = site.sync()
    assert numbers(site) == {"1"}
    assert report.plan.restarts == ()
    site.source.push(init="2", sub__x="1")
    site.sync()
    assert numbers(site) == {"2"}


def test_a_secret_that_is_made_anew_has_the_number_of_the_others(site: Site) -> None:
    del site.cluster.secrets["atlas-sub"]
    site.sync()
    assert numbers(site) == {"2"}
    assert site.stamp().startswith("2 ")


@pytest.mark.parametrize("directory", ["../../etc", "/etc", "a//b", "", "sub\n", "x" * 5000])
def test_a_directory_that_is_none_leads_nowhere_and_is_put_right(site: Site, directory: str) -> None:
    annotate(site, "atlas-sub", **{packing.DIRECTORY: directory})
    live = [site.cluster.secrets["atlas-sub"]]
    assert {file.path for file in packing.unpack(live)} == {"x.py"}
    status(site.destination)
    site.sync()
    assert site.cluster.secrets["atlas-sub"].annotations[packing.DIRECTORY] == "sub"
    assert numbers(site) == {"2"}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"null",
        b"[" * 200_000,
        b'{"packages": {"atlas": []}}',
        b'{"packages": []}',
        b'{"packages": {}, "results": [1]}',
        b'{"packages": {"atlas": {"secrets": "atlas", "write": NaN}}}',
        b'{"packages": {"atlas": {"write": ' + b"9" * 5000 + b"}}}",
        b"\xff\xfe",
    ],
)
def test_a_state_object_that_holds_something_else_is_said_in_a_sentence(document: bytes) -> None:
    with pytest.raises(UnreadableState, match="is not a state object that secretsync can read"):
        from_secret(Secret("rucio", "secretsync-state", {"state.json": document}))


@pytest.mark.parametrize("number", [-1, 10**12, "1", 1.5, None, [1]])
def test_numbers_of_a_state_object_are_bounded(site: Site, number: object) -> None:
    remember(site, write=number)
    with pytest.raises(UnreadableState):
        from_secret(site.cluster.secrets["secretsync-state"])


def test_fields_of_a_later_release_are_passed_over(site: Site) -> None:
    remember(site, more="from a later release")
    assert isinstance(from_secret(site.cluster.secrets["secretsync-state"]), State)


class Stuck(MemoryCluster):
    """Its controller gives up on what it restarts, and says so in words of anybody."""

    def annotate(self, workload: Workload, annotations: Mapping[str, str], *, manager: str) -> Workload:
        stamped = super().annotate(workload, annotations, manager=manager)
        said = f"{WORDS} {'x' * 10_000}"
        stamped.manifest["metadata"]["generation"] = 2
        stamped.manifest["status"] |= {
            "observedGeneration": 2,
            "updatedReplicas": 0,
            "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": said}],
        }
        self.live_pods = [pod("server", annotations=annotations, conditions=[UNSCHEDULABLE], name="server-2")]
        return stamped


WORDS = "glpat-abcdefghij0123456789 \x1b[2J\nFAKE \u202e\ud800"
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": WORDS}


def test_what_controllers_say_of_pods_is_masked_in_the_report_status_events_and_the_state_object(site: Site) -> None:
    site.cluster.__class__ = Stuck
    site.source.push(init="2", sub__x="1")
    outcome = Outcome(site.destination, site.sync())
    assert outcome.report
    record_outcome(outcome)
    messages = [state.message for one in status(site.destination) for _, state in one.workloads.values()]
    verdicts = [verdict.message for verdict in outcome.report.verdicts.values()]
    events = [event["note"] for event in site.cluster.events]
    assert "FAKE" in " ".join((*verdicts, *messages))
    stored = site.cluster.secrets["secretsync-state"].data["state.json"].decode()
    for text in (*verdicts, *events, *messages):
        assert text.isprintable()
        assert len(text) <= 2 * LONGEST_WORDS
    assert not [text for text in (*verdicts, outcome.report.failure, *events, *messages, stored) if "glpat" in text]


NEIGHBOUR = replace(PASSWORD, name="atlas-db")
"""A Secret of somebody else whose name could be that of a directory's Secret."""

FORGED_STATES: list[dict[str, Any]] = [
    {"secrets": ["atlas", "atlas-db"]},
    {"secrets": ["atlas-db"]},
    {"secrets": ["database"]},
    {"outdated": ["atlas-db", "database"]},
    {"secrets": ["atlas-db"], "outdated": ["atlas-db"], "finished": False},
    {"previous": "database"},
    {"previous": "atlas-db", "finished": False},
    {"hold": {"reason": "x", "kept": "atlas-db"}},
    {"hold": {"reason": "x", "kept": "atlas-db", "digest": "d", "revision": "r"}, "finished": False},
    {"hold": {"reason": "x"}, "secrets": ["atlas-db"]},
    {"kept": {"atlas-db": "d", "atlas-history-1": "d"}, "hold": {"reason": "x", "kept": "atlas-history-1"}},
    {"hold": {"reason": "x"}, "secrets": ["atlas", "atlas-db"], "digest": "", "write": 0},
]


@pytest.mark.parametrize("adopt", [False, True])
@pytest.mark.parametrize("forged", FORGED_STATES)
def test_no_state_object_has_secrets_of_others_read_out_changed_or_copied(
    site: Site, forged: dict[str, Any], *, adopt: bool
) -> None:
    others = {one.name: one for one in (PASSWORD, NEIGHBOUR, replace(PASSWORD, name="atlas-history-1"))}
    site.cluster.secrets |= others
    site.destination = replace(site.destination, adopt=adopt)
    remember(site, **forged)
    delivery = site.destination.deliveries[0]
    for news in ("1", "2"):
        site.source.push(init=news, sub__x="1")
        status(site.destination)
        shown = [file.path for entry in releases.revisions(site.destination, delivery) for file in entry.bundle.files]
        assert "password" not in shown
        site.sync()
    for act in (releases.rollback, releases.suspend, releases.resume):
        with contextlib.suppress(SecretSyncError):
            act(site.destination, delivery, *(["x"] if act is releases.suspend else []))  # type: ignore[operator]
        site.sync()
    assert {name: site.cluster.secrets[name] for name in others} == others
    copies = [name for name, one in site.cluster.secrets.items() if name not in others and holds_password(one)]
    assert copies == []


def holds_password(secret: Secret) -> bool:
    return any(b"hunter2" in file.data for file in packing.unpack([secret])) or any(
        b"hunter2" in value for value in secret.data.values()
    )


def test_bundles_are_kept_beside_secrets_of_others_that_took_names_of_the_history(site: Site) -> None:
    taken = {name: replace(PASSWORD, name=name) for name in ("atlas-history-1", "atlas-history-2")}
    site.cluster.secrets |= taken
    site.source.push(init="2", sub__x="1")
    site.sync()
    assert {name: site.cluster.secrets[name] for name in taken} == taken
    rolled_back(site)
    assert files(site) == {"init.py": b"1"}


def test_where_others_took_all_names_of_the_history_nothing_is_written(site: Site) -> None:
    names = history_names("atlas", site.destination.rollout.history)
    site.cluster.secrets |= {name: replace(PASSWORD, name=name) for name in names}
    site.source.push(init="2", sub__x="1")
    with pytest.raises(NoUndo, match="are not secretsync's, and have the names of its history"):
        site.sync()
    assert files(site) == {"init.py": b"1"}


def test_a_kept_bundle_that_somebody_changed_is_written_again_before_it_is_needed(site: Site) -> None:
    site.source.push(init="2", sub__x="1")
    site.sync()
    site.source.push(init="1", sub__x="1")
    site.sync()
    site.cluster.edit("atlas-history-1", **{"atlas_rucio_policy.zip": b"forged"})
    site.source.push(init="3", sub__x="1")
    site.sync()
    rolled_back(site)
    assert files(site) == {"init.py": b"1"}


def test_secrets_that_were_written_before_the_site_wanted_labels_are_ours(site: Site) -> None:
    releases.suspend(site.destination, site.destination.deliveries[0], "under review")
    delivery = site.destination.deliveries[0]
    labelled = replace(delivery, placement=replace(delivery.placement, labels=(("team", "storage"),)))
    site.destination = replace(site.destination, deliveries=[labelled])
    assert site.sync().plan.degraded == ()


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(packing.REVISION_NUMBER, "NaN"), (packing.REVISION_NUMBER, "9" * 15), (packing.DIRECTORY, "../../etc")],
)
def test_status_and_history_say_what_is_wrong_and_the_next_run_corrects_it(
    site: Site, annotation: str, value: str
) -> None:
    delivery = site.destination.deliveries[0]
    annotate(site, "atlas-sub", **{annotation: value})
    (deployed,) = status(site.destination)
    (sentence,) = deployed.damage
    assert annotation in sentence
    assert damage(site.destination, delivery) == (sentence,)
    site.sync()
    assert damage(site.destination, delivery) == ()
    assert len(numbers(site)) == 1


def test_status_and_history_name_a_secret_that_was_deleted_and_the_next_run_makes_it_anew(site: Site) -> None:
    del site.cluster.secrets["atlas-sub"]
    sentence = "Secret atlas-sub was deleted: no pod that mounts it can start"
    assert damage(site.destination, site.destination.deliveries[0]) == (sentence,)
    site.sync()
    assert damage(site.destination, site.destination.deliveries[0]) == ()
    assert len(numbers(site)) == 1


def edit_zip(site: Site, edit: Callable[[zipfile.ZipFile], None], *, prefix: bytes = b"", key: str = "") -> None:
    """Somebody edits the zip of a package, so that the files of the package in it stay as they are."""
    secret = site.cluster.secrets["atlas"]
    ((name, value),) = secret.data.items()
    buffer = io.BytesIO(prefix + value)
    with zipfile.ZipFile(buffer, "a") as archive:
        edit(archive)
    site.cluster.secrets["atlas"] = replace(secret, data={key or name: buffer.getvalue()})


def write_comment(archive: zipfile.ZipFile) -> None:
    archive.comment = b"PK"


ZIP_EDITS: Mapping[str, Callable[[Site], None]] = {
    "a module beside the package": lambda site: edit_zip(site, lambda it: it.writestr("sitecustomize.py", "evil")),
    "a package beside it": lambda site: edit_zip(site, lambda it: it.writestr("rucio/__init__.py", "evil")),
    "a path that leads up": lambda site: edit_zip(site, lambda it: it.writestr("m/../evil.py", "evil")),
    "an absolute path": lambda site: edit_zip(site, lambda it: it.writestr("/evil.py", "evil")),
    "a folder with content": lambda site: edit_zip(site, lambda it: it.writestr("evil.py/", "evil")),
    "a comment": lambda site: edit_zip(site, write_comment),
    "bytes before it": lambda site: edit_zip(site, lambda _: None, prefix=b"#!/bin/sh\n"),
    "another key": lambda site: edit_zip(site, lambda _: None, key="other.zip"),
}


def zip_site() -> Site:
    site = Site("server")
    (delivery,) = site.destination.deliveries
    zipped = replace(delivery, placement=replace(delivery.placement, layout="zip"))
    site.destination = replace(site.destination, deliveries=[zipped])
    site.source.push(init="1", sub__x="1")
    site.sync()
    return site


@pytest.mark.parametrize("edit", ZIP_EDITS)
def test_what_somebody_adds_to_the_zip_of_a_package_is_noticed_and_put_right(edit: str) -> None:
    site = zip_site()
    written = files(site)
    ZIP_EDITS[edit](site)
    assert files(site) != written
    (deployed,) = status(site.destination)
    assert deployed.drift
    assert any(note.startswith("drift: somebody changed ") for note in site.sync().plan.notes)
    assert files(site) == written
    (deployed,) = status(site.destination)
    assert not deployed.drift


DESCRIBING = (
    packing.VERSION,
    packing.SOURCE,
    packing.REF,
    packing.REVISION,
    packing.SUBJECT,
    packing.RECIPE,
    packing.LAYOUT,
    packing.ENCRYPTION,
)


@pytest.mark.parametrize("value", ["9.9.9", "zip", "\x1b[2J\u202e", None])
@pytest.mark.parametrize("annotation", DESCRIBING)
@pytest.mark.parametrize("name", ["atlas", "atlas-sub"])
def test_an_annotation_that_somebody_edits_is_noticed_and_put_right_and_restarts_nothing(
    site: Site, name: str, annotation: str, value: str | None
) -> None:
    written = site.cluster.secrets[name].annotations
    annotate(site, name, **{annotation: value})
    edited = site.cluster.secrets[name].annotations != written
    (deployed,) = status(site.destination)
    assert deployed.drift is edited
    report = site.sync()
    note = "drift: somebody changed the annotations of the live Secrets of atlas_rucio_policy; they are restored"
    assert (note in report.plan.notes) is edited
    # without its layout nobody knows which directory its files are of
    assert annotation == packing.LAYOUT or report.plan.restarts == ()
    restored = site.cluster.secrets[name].annotations
    assert {key: restored.get(key) for key in DESCRIBING} == {key: written.get(key) for key in DESCRIBING}
    site.cluster.calls.clear()
    site.sync()
    assert site.cluster.writes == []


def test_two_secrets_whose_contents_somebody_swaps_with_what_they_say_are_named_and_put_right(site: Site) -> None:
    top, sub = (site.cluster.secrets[name] for name in ("atlas", "atlas-sub"))
    for secret, other in ((top, sub), (sub, top)):
        site.cluster.secrets[secret.name] = replace(secret, data=other.data)
        annotate(site, secret.name, **{packing.DIRECTORY: other.annotations[packing.DIRECTORY]})
    (deployed,) = status(site.destination)
    assert deployed.damage == (
        "Secret atlas: its annotation secretsync.rucio/directory is 'sub', which is not the directory of that name",
        "Secret atlas-sub: its annotation secretsync.rucio/directory is '.', which is not the directory of that name",
    )
    site.sync()
    assert [files(site, name) for name in ("atlas", "atlas-sub")] == [top.data, sub.data]
    (deployed,) = status(site.destination)
    assert deployed.damage == ()


def test_a_directory_annotation_that_somebody_takes_away_stops_no_run(site: Site) -> None:
    annotate(site, "atlas", **{packing.DIRECTORY: None})
    site.sync()
    assert site.cluster.secrets["atlas"].annotations[packing.DIRECTORY] == "."


def test_an_edit_with_its_digest_while_a_rollout_goes_on_is_put_right(site: Site) -> None:
    forge(site, "atlas", b"forged")
    remember(site, finished=False)
    site.sync()
    assert files(site) == {"init.py": b"1"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"type": "kubernetes.io/tls"}, "has the type 'kubernetes.io/tls', which no run can change: delete it"),
        ({"immutable": True}, "was made immutable, so that no run can change it: delete it"),
    ],
)
def test_status_names_a_secret_that_no_run_can_change_any_more(
    site: Site, changes: Mapping[str, Any], sentence: str
) -> None:
    site.cluster.secrets["atlas"] = replace(site.cluster.secrets["atlas"], **changes)
    (deployed,) = status(site.destination)
    assert f"Secret atlas {sentence}" in deployed.damage


def test_a_plan_names_a_secret_that_somebody_made_immutable(site: Site) -> None:
    site.cluster.secrets["atlas"] = replace(site.cluster.secrets["atlas"], immutable=True)
    (note,) = site.preview().plan.notes
    assert note.startswith("drift: somebody made Secret atlas immutable")


def test_status_calls_a_secret_foreign_that_says_to_hold_another_package(site: Site) -> None:
    secret = site.cluster.secrets["atlas"]
    site.cluster.secrets["atlas"] = replace(secret, labels={**secret.labels, packing.MODULE: "other"})
    (deployed,) = status(site.destination)
    assert deployed.foreign == ("atlas",)
    assert deployed.owner == "holds the package 'other'"
