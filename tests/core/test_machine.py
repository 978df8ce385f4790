from __future__ import annotations

import errno
import os

import pytest

from secretsync.core.errors import SecretSyncError
from secretsync.core.machine import expected_failure


def os_error(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), path) if path else OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            os_error(errno.ENOSPC, "/cache/x"),
            "No space left on device: /cache/x; make room there, or raise the quota",
        ),
        (os_error(errno.EMFILE), "Too many open files; raise the limit of open files"),
        (
            os_error(errno.EROFS, "/work"),
            "Read-only file system: /work; correct its permissions, or name a folder that can be written to",
        ),
        (BlockingIOError(errno.EAGAIN, "fork"), "fork; raise the limit of processes (of a container: pids)"),
        (MemoryError(), "out of memory; raise the memory limit"),
        (
            RuntimeError("can't start new thread"),
            "no thread can be started; raise the limit of processes (of a container: pids)",
        ),
        (
            FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"),
            "no temporary folder can be written; set TMPDIR to one, or mount an emptyDir at /tmp",
        ),
    ],
)
def test_what_the_machine_lacks_is_a_sentence_with_a_remedy(error: Exception, sentence: str) -> None:
    assert str(expected_failure(error)) == f"the machine does not allow it: {sentence}"


@pytest.mark.parametrize("bug", [KeyError("x"), RuntimeError("a bug"), os_error(errno.EBADF), OSError("no number")])
def test_a_bug_is_no_fault_of_the_machine(bug: Exception) -> None:
    assert expected_failure(bug) is None


def test_an_expected_error_is_itself() -> None:
    error = SecretSyncError("no")
    assert expected_failure(error) is error
