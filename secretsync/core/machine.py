"""What the machine lacks: room, memory, descriptors, processes. Wherever it is met, it is no bug of secretsync."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from secretsync.core.errors import SecretSyncError

_ROOM = "make room there, or raise the quota"
_RIGHTS = "correct its permissions, or name a folder that can be written to"
_PROCESSES = "raise the limit of processes (of a container: pids)"
_REMEDIES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "raise the limit of a file's size",
    errno.EROFS: _RIGHTS,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EMFILE: "raise the limit of open files",
    errno.ENFILE: "raise the limit of open files",
    errno.EAGAIN: _PROCESSES,
    errno.ENOMEM: "raise the memory limit",
    errno.EIO: "check the disk",
}
_NO_TEMPORARY_FOLDER = "No usable temporary directory"
"""How `tempfile` begins its complaint, which is a FileNotFoundError."""


@dataclass(eq=False)
class MachineFailed(SecretSyncError):
    """The machine refused what every program needs."""

    code = "machine_failed"
    category = "machine"

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"the machine does not allow it: {self.reason}; {self.remedy}"


def expected_failure(error: Exception) -> SecretSyncError | None:
    """*error* itself, or what the machine lacked where *error* says so; None for a bug."""
    return error if isinstance(error, SecretSyncError) else _machine_failure(error)


def _machine_failure(error: Exception) -> MachineFailed | None:
    if isinstance(error, MemoryError):
        return MachineFailed("out of memory", _REMEDIES[errno.ENOMEM])
    if isinstance(error, RuntimeError) and str(error).startswith("can't start new thread"):
        return MachineFailed("no thread can be started", _PROCESSES)
    if not isinstance(error, OSError):
        return None
    reason = error.strerror or str(error)
    if reason.startswith(_NO_TEMPORARY_FOLDER):
        return MachineFailed("no temporary folder can be written", "set TMPDIR to one, or mount an emptyDir at /tmp")
    if remedy := _REMEDIES.get(error.errno or 0):
        return MachineFailed(f"{reason}: {error.filename}" if error.filename else reason, remedy)
    return None
