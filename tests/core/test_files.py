"""Files that processes share: whole or not at all, and one writer at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secretsync.core.files import locked, read_limited, read_regular, write_atomically


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


def test_what_is_named_is_read_where_a_symlink_leads(tmp_path: Path) -> None:
    """As Kubernetes mounts a Secret: the name leads through ``..data``."""
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "token").write_text("t")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "token").symlink_to("..data/token")
    assert read_regular(tmp_path / "token") == b"t"


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "/dev/null", "folder", "large", "grows"])
def test_what_is_no_file_of_that_size_is_refused_at_once(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(b"12345")
    (tmp_path / "grows").symlink_to("/proc/self/maps")  # the size of such a file is not known before it is read
    with pytest.raises(OSError, match=r"not a regular file|Is a directory|more than 4 bytes"):
        read_regular(tmp_path / name, 4)


def test_a_pipe_of_the_shell_is_read_to_a_limit(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_limited(Path("/dev/zero"), 4)
    reading, writing = os.pipe()
    os.write(writing, b"1234")
    os.close(writing)
    assert read_limited(Path(f"/dev/fd/{reading}"), 4) == b"1234"
    os.close(reading)
