"""Files that processes share: whole or not at all, and one writer at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync.core.files import locked, write_atomically


def test_what_is_written_has_the_mode_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "a" / "file", "text\r\n", 0o640)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"text\r\n", 0o640)
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "file", "before")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\udcff")
    assert (path.read_text(), list(tmp_path.iterdir())) == ("before", [path])


def test_a_symlink_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "file").symlink_to("victim")
    write_atomically(tmp_path / "file", "text")
    assert (tmp_path / "victim").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "lock"])
def test_a_folder_or_a_file_is_held_by_one_at_a_time(name: str, tmp_path: Path) -> None:
    with locked(tmp_path / name), pytest.raises(TimeoutError), locked(tmp_path / name, timeout=0):
        pass
    with locked(tmp_path / name, timeout=0):
        pass
