"""A package in a directory: whole, importable by any user, and replaced in one step."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretsync.operations.export import NotWritten, NotWrittenByFetch, write_importable
from tests.build import bundle


@pytest.fixture(autouse=True)
def _strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_python_imports_the_package_from_there(tmp_path: Path) -> None:
    write_importable(bundle({"__init__.py": "from .a.b import X", "a/b.py": "X = 41"}, "pol"), tmp_path / "new" / "dir")
    found = subprocess.run(
        [sys.executable, "-c", "import pol; print(pol.X)"],
        env={"PYTHONPATH": str(tmp_path / "new" / "dir")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "41\n"


def test_everybody_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    place = write_importable(bundle({"__init__.py": "", "a/b/c.py": ""}, "pol"), tmp_path / "policy")
    modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "policy", place, *place.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o755}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o644}


@given(
    trees=st.lists(st.dictionaries(st.sampled_from(["a.py", "b/c.py", "b/d.py", "e/f/g.py"]), st.binary()), max_size=3)
)
@settings(max_examples=20, deadline=None)
def test_it_holds_the_newest_package_alone(
    trees: list[dict[str, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("policy")
    for tree in trees:
        place = write_importable(bundle({"__init__.py": "", **tree}, "pol"), folder)
        found = {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}
        assert found == {"__init__.py": b"", **tree}
        assert len(list(folder.iterdir())) <= 3


def test_who_reads_while_it_is_replaced_loses_no_file(tmp_path: Path) -> None:
    first, second = (bundle({"__init__.py": text, "late.py": text}, "pol") for text in ("1", "2"))
    place = write_importable(first, tmp_path)
    reading = place.resolve()
    write_importable(second, tmp_path)
    assert (reading / "late.py").read_text() == "1"
    assert (place / "late.py").read_text() == "2"


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write_importable(bundle({"__init__.py": "1"}, "pol"), tmp_path)

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(NotWritten, match="No space left"):
        write_importable(bundle({"__init__.py": "2"}, "pol"), tmp_path)
    assert (place / "__init__.py").read_text() == "1"


def test_packages_beside_it_stay(tmp_path: Path) -> None:
    for module in ("pol", "pol2", "pol"):
        write_importable(bundle({"__init__.py": module}, module), tmp_path)
    assert (tmp_path / "pol2" / "__init__.py").read_text() == "pol2"


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".pol.dead").mkdir()
    (tmp_path / ".pol.dead-link").symlink_to(".pol.dead")
    write_importable(bundle({"__init__.py": ""}, "pol"), tmp_path)
    assert not list(tmp_path.glob(".pol.dead*"))


def test_what_somebody_else_put_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pol").mkdir()
    (tmp_path / "pol" / "mine.py").touch()
    with pytest.raises(NotWrittenByFetch, match="move it away"):
        write_importable(bundle({"__init__.py": ""}, "pol"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["pol"]


@pytest.mark.parametrize("target", ["/elsewhere", "their", "../their"])
def test_a_link_of_somebody_elses_is_left_alone(tmp_path: Path, target: str) -> None:
    (tmp_path / "their").mkdir()
    (tmp_path / "pol").symlink_to(target)
    with pytest.raises(NotWrittenByFetch, match="move it away"):
        write_importable(bundle({"__init__.py": ""}, "pol"), tmp_path)
    assert str((tmp_path / "pol").readlink()) == target


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritten, match=r"file/sub/pol was not written"):
        write_importable(bundle({"__init__.py": ""}, "pol"), tmp_path / "file" / "sub")
