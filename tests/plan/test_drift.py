from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from secretsync.core import packing
from secretsync.core.model import Secret
from secretsync.plan.drift import damage, edited_files, keep_edits
from secretsync.plan.plan import Live, make_plan
from secretsync.plan.state import State
from tests.build import MOUNTED_BY_NOBODY, PLACEMENT, REVISION, desired, live

WANTED = desired({"__init__.py": "1", "rules.py": "ALL = True", "sub/a.py": "2"})


def changed_by_hand() -> Mapping[str, Secret]:
    found = live(WANTED)
    data = {"__init__.py": b"1", "rules.py": b"by hand", "more.py": b""}
    return {**found, "atlas": replace(found["atlas"], data=data)}


def test_what_somebody_changed_is_named_by_its_files() -> None:
    assert edited_files(WANTED, changed_by_hand()) == ("more.py", "rules.py")


def test_what_nobody_changed_is_no_drift() -> None:
    assert edited_files(WANTED, live(WANTED)) == ()


def test_another_commit_is_no_drift() -> None:
    revision = replace(REVISION, id="commit:" + "b" * 40)
    other = desired({"__init__.py": "another", "sub/a.py": "2"}, revision=revision)
    assert edited_files(other, changed_by_hand()) == ()


def test_files_that_were_changed_together_with_their_digest_are_drift() -> None:
    sealed = {
        name: replace(secret, annotations={**secret.annotations, packing.DIGEST: "0" * 64})
        for name, secret in changed_by_hand().items()
    }
    assert edited_files(WANTED, sealed) == ("more.py", "rules.py")


def test_a_secret_that_is_missing_is_made_again_and_no_drift() -> None:
    found = {name: secret for name, secret in changed_by_hand().items() if name != "atlas-sub"}
    assert edited_files(WANTED, found) == ()


def test_drift_that_is_left_alone_changes_and_restarts_nothing() -> None:
    found = changed_by_hand()
    plan = make_plan([keep_edits(WANTED, found)], Live(found, []), State())
    assert not plan.pending
    assert plan.notes == (
        "drift: somebody changed more.py, rules.py in the live Secrets of atlas_rucio_policy; left as it is "
        "(drift: report)",
        MOUNTED_BY_NOBODY,
    )


def test_drift_that_is_repaired_is_told_too() -> None:
    plan = make_plan([WANTED], Live(changed_by_hand(), []), State())
    assert plan.pending
    assert plan.notes == (
        "drift: somebody changed more.py, rules.py in the live Secrets of atlas_rucio_policy; it is restored",
        MOUNTED_BY_NOBODY,
    )


def annotated(key: str, value: str | None) -> list[Secret]:
    """The live Secrets, the second with another annotation."""
    first, second = live(WANTED, 3).values()
    annotations = {name: text for name, text in {**second.annotations, key: value}.items() if text is not None}
    return [first, replace(second, annotations=annotations)]


@pytest.mark.parametrize("number", ["", "NaN", "-1", "999999999999999", "9" * 5000, "１", "7 ", "1\x1b[2J"])
def test_an_annotation_that_is_no_revision_number_is_said_in_a_sentence(number: str) -> None:
    (sentence,) = damage(annotated(packing.REVISION_NUMBER, number), [], 3, PLACEMENT)
    assert sentence.startswith("Secret atlas-sub: its annotation secretsync.rucio/write is '")
    assert sentence.endswith("', which is no revision number")
    assert sentence.isprintable()
    assert len(sentence) < 200


@pytest.mark.parametrize("directory", ["../../etc", "/etc", "a//b", "", "sub\n", "x" * 5000])
def test_an_annotation_that_is_no_directory_is_said_in_a_sentence(directory: str) -> None:
    (sentence,) = damage(annotated(packing.DIRECTORY, directory), [], 3, PLACEMENT)
    assert "its annotation secretsync.rucio/directory is" in sentence
    assert sentence.endswith(", which is no directory of a package")


def test_an_annotation_that_is_missing_is_said_in_a_sentence() -> None:
    assert damage(annotated(packing.DIRECTORY, None), [], 3, PLACEMENT) == (
        "Secret atlas-sub: its annotation secretsync.rucio/directory is missing",
    )


def test_secrets_of_one_package_with_different_revision_numbers_are_said_in_a_sentence() -> None:
    assert damage(annotated(packing.REVISION_NUMBER, "2"), [], 3, PLACEMENT) == (
        "its Secrets carry different revision numbers (2, 3)",
    )


def test_a_secret_that_was_deleted_is_said_in_a_sentence() -> None:
    assert damage([live(WANTED)["atlas"]], ["atlas-sub"], 1, PLACEMENT) == (
        "Secret atlas-sub was deleted: no pod that mounts it can start",
    )


def test_secrets_as_they_were_written_have_no_damage() -> None:
    assert damage(list(live(WANTED, 3).values()), [], 3, PLACEMENT) == ()
