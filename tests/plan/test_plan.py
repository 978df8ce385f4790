from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.core import packing
from secretsync.core.model import Placement, Revision, Secret, Workload
from secretsync.core.secret_codec import OURS
from secretsync.plan.diff import Action, Desired
from secretsync.plan.plan import Live, Plan, make_plan, prunable
from secretsync.plan.refused import Refused
from secretsync.plan.state import PackageState, State
from tests.build import MOUNTED_BY_NOBODY, PLACEMENT, REVISION, desired, live, workload

ONE = desired({"__init__.py": "1", "permission.py": "1"})
TWO = desired({"__init__.py": "1", "permission.py": "2"})
NOTHING: dict[str, Secret] = {}
KEY = OURS + "atlas"


def plan(
    wanted: Desired,
    secrets: Mapping[str, Secret],
    *workloads: Workload,
    state: State | None = None,
    adopt: bool = False,
    **more: object,
) -> Plan:
    return make_plan([wanted], Live(secrets, workloads, **more), state or State(), adopt=adopt)  # type: ignore[arg-type]


def remembered(*secrets: str, revision_number: int = 1, finished: bool = True, **restarts: int) -> State:
    told = {f"Deployment rucio/{name}": number for name, number in restarts.items()}
    return State({"atlas": PackageState(secrets, revision_number, finished, told)})


def actions(made: Plan) -> dict[str, str]:
    return {change.desired.name: str(change.action) for change in made.changes}


def test_a_first_plan_creates_everything_with_write_one() -> None:
    made = plan(desired({"__init__.py": "", "sub/a.py": ""}), NOTHING)
    assert actions(made) == {"atlas": "create", "atlas-sub": "create"}
    assert {change.desired.annotations[packing.REVISION_NUMBER] for change in made.changes} == {"1"}


def test_nothing_is_pending_when_live_is_what_is_desired() -> None:
    made = plan(ONE, live(ONE))
    assert actions(made) == {"atlas": "keep"}
    assert not made.pending
    assert made.packages[0].revision_number == 1


def test_a_plan_names_each_file_that_differs() -> None:
    before = desired({"gone.py": "x", "same.py": "x", "changed.py": "x"})
    made = plan(desired({"new.py": "x", "same.py": "x", "changed.py": "y"}), live(before))
    (change,) = made.changes
    assert [(file.kind, file.path) for file in change.files] == [
        ("changed", "changed.py"),
        ("removed", "gone.py"),
        ("added", "new.py"),
    ]


def test_changed_content_gets_the_next_write_id() -> None:
    made = plan(TWO, live(ONE, revision_number=7))
    assert made.packages[0].revision_number == 8
    assert made.changes[0].desired.annotations[packing.REVISION_NUMBER] == "8"


def test_content_that_goes_back_to_what_it_was_gets_a_new_write_id_too() -> None:
    edited = live(ONE, revision_number=2)
    edited["atlas"] = replace(edited["atlas"], data={**edited["atlas"].data, "__init__.py": b"by hand"})
    assert plan(ONE, edited).packages[0].revision_number == 3


def test_a_write_id_is_never_used_twice_even_when_the_secrets_were_deleted() -> None:
    assert plan(ONE, NOTHING, state=remembered("atlas", revision_number=5)).packages[0].revision_number == 6
    stamped = workload("atlas", annotations={KEY: "8 sha256:0"})
    assert plan(ONE, NOTHING, stamped).packages[0].revision_number == 9


def test_a_new_commit_with_the_same_content_changes_annotations_and_restarts_nothing() -> None:
    other = desired({"__init__.py": "1", "permission.py": "1"}, revision=Revision("s", "main", "commit:" + "b" * 40))
    stamped = workload("atlas", annotations={KEY: f"1 sha256:{ONE.bundle.digest}"})
    made = plan(other, live(ONE), stamped)
    (change,) = made.changes
    assert (change.action, change.content, made.restarts) == (Action.UPDATE, False, ())
    assert change.desired.annotations[packing.REVISION_NUMBER] == "1"


def test_labels_and_annotations_of_others_are_no_difference() -> None:
    secrets = live(ONE)
    secrets["atlas"] = replace(
        secrets["atlas"],
        labels={**secrets["atlas"].labels, "team": "x"},
        annotations={**secrets["atlas"].annotations, "kubectl.kubernetes.io/x": "y"},
    )
    assert not plan(ONE, secrets).pending


@pytest.mark.parametrize("commit", ["a", "b"])
def test_a_subject_that_release_0_1_did_not_write_is_written_with_the_next_commit_alone(commit: str) -> None:
    files = {"__init__.py": "1", "permission.py": "1"}
    deployed = desired(files, revision=Revision("s", "main", "commit:" + "a" * 40))
    wanted = desired(files, revision=Revision("s", "main", f"commit:{commit * 40}", subject="A change"))
    upgraded = plan(wanted, live(deployed))
    (change,) = upgraded.changes
    assert change.action is (Action.KEEP if commit == "a" else Action.UPDATE)
    assert change.desired.annotations[packing.SUBJECT] == "A change"
    (package,) = upgraded.packages
    assert package.description == packing.description((deployed if commit == "a" else wanted).secrets)


@pytest.mark.parametrize("subject", ["", "A change"])
def test_a_subject_that_was_taken_away_or_added_is_put_right_without_a_new_revision_number(subject: str) -> None:
    files = {"__init__.py": "1", "permission.py": "1"}
    deployed = desired(files, revision=replace(REVISION, subject=subject))
    wanted = desired(files, revision=replace(REVISION, subject="" if subject else "A change"))
    known = PackageState(finished=True, description=packing.description(wanted.secrets))
    made = plan(wanted, live(deployed), state=State({"atlas": known}))
    (change,) = made.changes
    assert (change.action, change.content) == (Action.UPDATE, False)
    assert made.packages[0].revision_number == 1


def test_a_changed_layout_is_a_change_of_content_though_the_files_are_the_same() -> None:
    zipped = desired({"__init__.py": "1", "permission.py": "1"}, replace(PLACEMENT, layout="zip"))
    (change,) = plan(zipped, live(ONE)).changes
    assert (change.action, change.content, change.files) == (Action.UPDATE, True, ())


def test_a_zip_with_the_same_files_is_kept_whatever_its_bytes() -> None:
    zipped = desired({"__init__.py": "1", "sub/a.py": "1"}, replace(PLACEMENT, layout="zip"))
    secrets, buffer = live(zipped), io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("atlas_rucio_policy/", "")
        archive.writestr("atlas_rucio_policy/__init__.py", "1")
        archive.writestr("atlas_rucio_policy/sub/", "")
        archive.writestr("atlas_rucio_policy/sub/a.py", "1")
    secrets["atlas"] = replace(secrets["atlas"], data={"atlas_rucio_policy.zip": buffer.getvalue()})
    assert actions(plan(zipped, secrets)) == {"atlas": "keep"}


@pytest.mark.parametrize("content", ["a", "b"])
def test_a_directory_that_went_is_deleted_when_nothing_refers_to_it(content: str) -> None:
    before = desired({"__init__.py": "a", "sub/x.py": ""})
    state = remembered("atlas", "atlas-sub")
    made = plan(desired({"__init__.py": content}), live(before), state=state, referrers={})
    assert actions(made) == {"atlas": "update", "atlas-sub": "delete"}
    assert made.packages[0].revision_number == 2


def test_a_directory_that_went_is_emptied_while_something_refers_to_it() -> None:
    before = desired({"__init__.py": "", "sub/x.py": ""})
    referrers = {"atlas-sub": ["ReplicaSet rucio/server-1"]}
    made = plan(desired({"__init__.py": ""}), live(before), state=remembered("atlas", "atlas-sub"), referrers=referrers)
    assert actions(made) == {"atlas": "update", "atlas-sub": "update"}
    assert made.changes[1].desired.data == {}
    assert made.notes == (
        MOUNTED_BY_NOBODY,
        "Secret atlas-sub is no longer needed, but ReplicaSet rucio/server-1 still refers to it: "
        "it is kept, empty, until nothing does",
    )


def test_an_emptied_secret_is_kept_and_then_deleted() -> None:
    only = desired({"__init__.py": ""})
    secrets = live(only)
    state = remembered("atlas", "atlas-sub")
    told = {**secrets["atlas"].annotations, packing.DIRECTORY: "sub"}
    secrets["atlas-sub"] = replace(secrets["atlas"], name="atlas-sub", data={}, annotations=told)
    assert actions(plan(only, secrets, state=state, referrers={"atlas-sub": ["Pod rucio/x"]}))["atlas-sub"] == "keep"
    assert actions(plan(only, secrets, state=state, referrers={}))["atlas-sub"] == "delete"


def test_what_is_superfluous_is_known_by_memory_and_by_name() -> None:
    before = desired({"__init__.py": "", "sub/x.py": ""})
    state = remembered("atlas", "atlas-sub", "atlas-gone-already")
    assert prunable([ONE], Live(live(before), ()), state) == ("atlas-sub",)


def test_creates_come_before_updates() -> None:
    made = plan(desired({"__init__.py": "2", "sub/a.py": ""}), live(desired({"__init__.py": "1"})))
    assert [change.desired.name for change in made.packages[0].writes] == ["atlas-sub", "atlas"]


def test_a_workload_without_the_new_sub_directory_is_named_with_what_to_add() -> None:
    made = plan(
        desired({"__init__.py": "", "sub/a.py": ""}), NOTHING, workload("atlas"), workload("atlas", "atlas-sub")
    )
    assert made.notes == (
        "Deployment rucio/server: mount Secret atlas but not atlas-sub, so their pods lack sub/ (1 files): mount "
        "it too, at …/atlas_rucio_policy/sub (secretFullName: atlas-sub), or leave the directory out with "
        "exclude: ['sub/*']",
    )


def test_two_packages_that_want_one_secret_are_refused() -> None:
    other = desired({"__init__.py": ""}, Placement("secretsync", "rucio", "atlas-sub", "other"))
    with pytest.raises(Refused, match="both want the Secret 'atlas-sub'"):
        make_plan([desired({"sub/a.py": ""}), other], Live({}, ()), State())


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b/c", "d/e/f"]), st.binary(max_size=4), min_size=1), min_size=1))
def test_after_applying_a_plan_the_next_one_is_empty(history: list[dict[str, bytes]]) -> None:
    secrets: dict[str, Secret] = {}
    state = State()
    for files in history:
        wanted = desired(files)
        made = make_plan([wanted], Live(secrets, (), referrers={}), state)
        names = tuple(change.desired.name for change in made.changes)
        state = state.with_package("atlas", state.of("atlas").begun(names, made.packages[0].revision_number))
        for change in made.changes:
            if change.action is Action.DELETE:
                del secrets[change.desired.name]
            elif change.pending:
                secrets[change.desired.name] = change.desired
        assert not make_plan([wanted], Live(secrets, (), referrers={}), state).pending
        assert packing.unpack(secrets.values()) == wanted.bundle.files
