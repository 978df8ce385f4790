from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.core import packing
from secretsync.core.model import Bundle, File, Placement, Secret
from tests.build import PLACEMENT, REVISION, bundle, desired

ZIP = Placement("secretsync", "rucio", "atlas", "atlas_rucio_policy", layout="zip")

names = st.text("abcXYZ019._-", min_size=1, max_size=12).filter(lambda n: not n.startswith(".."))
names = names.filter(lambda n: n not in (".", ".."))
directories = st.lists(st.text("abcdef0", min_size=1, max_size=4), max_size=3).map("/".join)
trees = st.dictionaries(
    st.tuples(directories, names).map(lambda t: "/".join(filter(None, t))), st.binary(max_size=64), max_size=12
).map(lambda tree: {path: data for path, data in tree.items() if not any(q.startswith(path + "/") for q in tree)})


def no_clash(tree: dict[str, bytes]) -> bool:
    made = {path.rpartition("/")[0] for path in tree}
    return len({directory.replace("/", "-") for directory in made}) == len(made)


@given(trees.filter(no_clash))
def test_what_is_packed_unpacks_byte_for_byte(tree: dict[str, bytes]) -> None:
    wanted = bundle(tree)
    assert packing.unpack(packing.pack(wanted, PLACEMENT, "recipe")) == wanted.files


@given(trees)
def test_what_is_packed_as_a_zip_unpacks_byte_for_byte(tree: dict[str, bytes]) -> None:
    wanted = bundle(tree)
    assert packing.unpack(packing.pack(wanted, ZIP, "recipe")) == wanted.files


@given(trees.filter(no_clash), st.randoms())
def test_the_order_of_the_files_makes_no_difference(tree: dict[str, bytes], random: object) -> None:
    wanted = bundle(tree)
    shuffled = list(wanted.files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = Bundle(wanted.module, wanted.version, wanted.revision, tuple(shuffled))
    assert packing.pack(other, PLACEMENT, "recipe") == packing.pack(wanted, PLACEMENT, "recipe")


def test_a_file_keeps_its_bytes_whatever_they_are() -> None:
    files = {"empty.py": b"", "crlf.py": b"a\r\nb\r\n", "binary": bytes(range(256)), "no_newline": b"x"}
    (secret,) = packing.pack(bundle(files), PLACEMENT, "recipe")
    assert secret.data == files


def test_each_directory_becomes_a_secret_of_its_own() -> None:
    packed = packing.pack(bundle({"__init__.py": "", "Algo_rithms/a.py": "a", "x/y/z.py": "z"}), PLACEMENT, "recipe")
    assert {secret.name: dict(secret.data) for secret in packed} == {
        "atlas": {"__init__.py": b""},
        "atlas-algo-rithms": {"a.py": b"a"},
        "atlas-x-y": {"z.py": b"z"},
    }
    assert [secret.annotations[packing.DIRECTORY] for secret in packed] == [".", "Algo_rithms", "x/y"]


def test_labels_and_annotations_tell_what_is_deployed() -> None:
    wanted = bundle({"__init__.py": ""})
    (secret,) = packing.pack(wanted, PLACEMENT, "recipe")
    assert secret.labels == {
        "app.kubernetes.io/managed-by": "secretsync",
        "secretsync.rucio/installation": "secretsync",
        "secretsync.rucio/module": "atlas_rucio_policy",
    }
    assert secret.annotations == {
        "secretsync.rucio/layout": "directories",
        "secretsync.rucio/version": "1.0",
        "secretsync.rucio/source": "https://git.example.org/policy",
        "secretsync.rucio/ref": "main",
        "secretsync.rucio/revision": REVISION.id,
        "secretsync.rucio/recipe": "recipe",
        "secretsync.rucio/digest": wanted.digest,
        "secretsync.rucio/directory": ".",
    }


@pytest.mark.parametrize("name", ["ünïcode.py", "with space.py", "..data", "a" * 254, "semi;colon"])
def test_a_name_that_no_key_can_hold_is_refused_by_name(name: str) -> None:
    with pytest.raises(packing.FileNameNotAKey) as refusal:
        packing.pack(bundle({f"sub/{name}": ""}), PLACEMENT, "recipe")
    assert repr(f"sub/{name}") in str(refusal.value)
    assert "exclude it, or choose 'layout: zip'" in str(refusal.value)


def test_the_zip_takes_the_names_that_no_key_can_hold() -> None:
    (secret,) = packing.pack(bundle({"sub/ünïcode.py": "x"}), ZIP, "recipe")
    assert list(secret.data) == ["atlas_rucio_policy.zip"]


def test_a_directory_over_the_limit_is_refused_with_its_largest_file() -> None:
    files = {"sub/small": b"x", "sub/large": b"x" * packing.LIMIT}
    with pytest.raises(packing.SecretTooLarge) as refusal:
        packing.pack(bundle(files), PLACEMENT, "recipe")
    assert str(refusal.value) == (
        "Secret 'atlas-sub' would hold 1,048,577 bytes; Kubernetes takes 1,048,576. "
        "Its largest file is sub/large: exclude it, or choose 'layout: zip'"
    )


def test_exactly_the_limit_is_taken() -> None:
    packing.pack(bundle({"large": b"x" * packing.LIMIT}), PLACEMENT, "recipe")


def test_two_directories_with_one_name_are_refused() -> None:
    with pytest.raises(packing.SecretNameClash, match=r"'A_b' and 'a-b' would both be the Secret 'atlas-a-b'"):
        packing.pack(bundle({"A_b/x": "", "a-b/x": ""}), PLACEMENT, "recipe")


def test_a_directory_too_deep_for_a_name_is_refused() -> None:
    with pytest.raises(packing.SecretNameTooLong, match="253"):
        packing.pack(bundle({"/".join(["directory"] * 30) + "/x": ""}), PLACEMENT, "recipe")


def test_the_zip_has_an_entry_for_each_directory() -> None:
    (secret,) = packing.pack(bundle({"__init__.py": "", "a/b/c.py": ""}), ZIP, "recipe")
    archive = zipfile.ZipFile(io.BytesIO(secret.data["atlas_rucio_policy.zip"]))
    module = "atlas_rucio_policy"
    assert [name for name in archive.namelist() if name.endswith("/")] == [
        f"{module}/",
        f"{module}/a/",
        f"{module}/a/b/",
    ]


def test_any_user_of_a_pod_may_read_what_a_zip_is_unpacked_to() -> None:
    (secret,) = packing.pack(bundle({"__init__.py": "", "sub/a.py": ""}), ZIP, "recipe")
    archive = zipfile.ZipFile(io.BytesIO(secret.data["atlas_rucio_policy.zip"]))
    modes = {entry.filename.endswith("/"): f"{entry.external_attr >> 16:o}" for entry in archive.infolist()}
    assert modes == {False: "100644", True: "40755"}
    assert {entry.create_system for entry in archive.infolist()} == {3}, "on Unix alone do modes count"


def test_a_repr_never_shows_content() -> None:
    wanted = bundle({"__init__.py": "do-not-show"})
    packed = packing.pack(wanted, PLACEMENT, "recipe")
    assert "do-not-show" not in repr((wanted, packed))


def test_live_secrets_hold_a_revision_only_when_every_byte_is_what_they_say() -> None:
    packed = packing.pack(bundle({"a": "1", "sub/b": "2"}), PLACEMENT, "recipe")
    assert packing.matches_source(packed, REVISION, "recipe", PLACEMENT)
    assert not packing.matches_source(packed, REVISION, "another recipe", PLACEMENT)
    assert not packing.matches_source(packed[:1], REVISION, "recipe", PLACEMENT)
    assert not packing.matches_source((), REVISION, "recipe", PLACEMENT)


def test_live_secrets_with_one_changed_byte_do_not_hold_the_revision() -> None:
    top, below = packing.pack(bundle({"a": "1", "sub/b": "2"}), PLACEMENT, "recipe")
    edited = packing.Secret(below.namespace, below.name, {"b": b"3"}, below.labels, below.annotations)
    assert not packing.matches_source((top, edited), REVISION, "recipe", PLACEMENT)


def test_everything_that_decides_what_is_packed_is_in_the_recipe() -> None:
    facts = [("r", "1", (), (), "zip"), ("s", "1", (), (), "zip"), ("r", "2", (), (), "zip")]
    facts += [("r", "1", ("x",), (), "zip"), ("r", "1", (), ("x",), "zip"), ("r", "1", (), (), "directories")]
    assert len({packing.recipe(*fact) for fact in facts}) == len(facts)


def test_a_file_knows_its_directory_and_name() -> None:
    file = File("a/b/c.py", b"")
    assert (file.directory, file.name, File("x", b"").directory) == ("a/b", "c.py", "")


def written(text: str, revision_number: int, **placed: Any) -> tuple[Secret, ...]:
    """The Secrets of a package that holds *text*, as *write* leaves them."""
    files = {"__init__.py": text, "algorithms/a.py": ""}
    return packing.with_revision_number(desired(files, replace(PLACEMENT, **placed)).secrets, revision_number)


def test_of_secrets_that_are_named_by_their_digest_the_newest_write_is_in_force() -> None:
    old, new = written("old", 1, wired=True), written("new", 2, wired=True)
    assert packing.newest_revision([*old, *new]) == new
    assert packing.newest_revision([*packing.with_revision_number(old, 3), *new]) == packing.with_revision_number(
        old, 3
    )


def test_a_write_that_was_cut_off_has_not_taken_place() -> None:
    old, new = written("old", 1, wired=True), written("new", 2, wired=True)
    assert packing.newest_revision([*old, new[0]]) == old
    assert packing.newest_revision([new[0]]) == ()


def test_the_same_package_as_a_zip_is_another_write() -> None:
    files, zipped = written("same", 1, wired=True), written("same", 2, wired=True, layout="zip")
    assert packing.newest_revision([*files, *zipped]) == zipped


def test_secrets_that_change_in_place_are_one_write_whatever_somebody_did_to_them() -> None:
    top, below = written("live", 3)
    edited = replace(top, data={"__init__.py": b"by hand"})
    assert packing.newest_revision([edited, below, *written("old", 2, wired=True)]) == (edited, below)


def test_secrets_that_were_emptied_give_way_to_those_that_are_named_by_their_digest() -> None:
    emptied = tuple(replace(secret, data={}) for secret in written("old", 3))
    new = written("new", 3, wired=True)
    assert packing.newest_revision([*emptied, *new]) == new
