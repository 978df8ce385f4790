from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from secretsync.core import packing
from secretsync.core.model import Secret
from secretsync.plan import history
from tests.build import PLACEMENT, desired, live


def kept(name: str, text: str, revision_number: int) -> Secret:
    secrets = tuple(live(desired({"__init__.py": text, "sub/a.py": text}), revision_number).values())
    return history.history_secret(secrets, PLACEMENT, name)


@given(st.dictionaries(st.sampled_from(["a", "b/c", "d/e"]), st.binary(max_size=9), min_size=1))
def test_what_is_kept_comes_back_byte_for_byte_with_all_that_it_tells(files: dict[str, bytes]) -> None:
    wanted = desired(files)
    (entry,) = history.kept_bundles({"x": history.history_secret(tuple(live(wanted, 3).values()), PLACEMENT, "x")})
    assert entry.bundle == wanted.bundle
    assert entry.revision_number == 3


def test_the_history_is_told_newest_first() -> None:
    found = {"a": kept("a", "1", 1), "b": kept("b", "3", 3), "c": None, "d": kept("d", "2", 2)}
    assert [entry.revision_number for entry in history.kept_bundles(found)] == [3, 2, 1]


def test_a_secret_that_keeps_no_bundle_is_not_part_of_it() -> None:
    assert history.kept_bundles({"atlas": desired({"a": ""}).secrets[0]}) == ()


def test_a_bundle_goes_where_it_is_already_then_to_an_empty_place_then_to_the_oldest() -> None:
    full = {"a": kept("a", "2", 2), "b": kept("b", "1", 1), "c": kept("c", "3", 3)}
    digest = full["c"].annotations[packing.DIGEST]
    assert history.candidate_names(full, digest, [])[0] == "c"
    assert history.candidate_names({**full, "c": None}, "another", []) == ("c", "b", "a")
    assert history.candidate_names(full, "another", []) == ("b", "a", "c")


def test_the_entry_that_an_undo_needs_never_gives_way() -> None:
    full = {"a": kept("a", "2", 2), "b": kept("b", "1", 1)}
    assert history.candidate_names(full, "another", ["b"]) == ("a",)


def test_what_others_left_live_can_be_kept_too() -> None:
    (secret,) = live(desired({"__init__.py": "by hand"})).values()
    foreign = replace(secret, labels={}, annotations={})
    (entry,) = history.kept_bundles({"x": history.history_secret([foreign], PLACEMENT, "x")})
    assert [file.data for file in entry.bundle.files] == [b"by hand"]
    assert entry.bundle.module == PLACEMENT.module


def test_a_kept_bundle_says_whether_somebody_had_edited_it() -> None:
    secrets = list(live(desired({"__init__.py": "1"})).values())
    edited = [replace(secret, data={"__init__.py": b"2"}) for secret in secrets]
    entries = [history.kept_bundles({"x": history.history_secret(each, PLACEMENT, "x")}) for each in (secrets, edited)]
    assert [entry.edited for (entry,) in entries] == [False, True]
