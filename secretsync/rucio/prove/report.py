"""The probe's report: written beside the package's code, which may write anything in its place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secretsync.core.errors import ProofError
from secretsync.core.foreign import read_json, reading

_LARGEST = 4 * 1024 * 1024


@dataclass(eq=False)
class UnusableReport(ProofError):
    """What should be the proof's report is something else; *reason* says what."""

    code = "unusable_report"

    reason: str

    def __str__(self) -> str:
        return (
            f"the proof's report cannot be used: {self.reason}; the package's code changed it, or the image's Rucio is "
            "one that the probe does not know: look for code that writes files when the package is imported"
        )


def read_report(path: Path) -> dict[str, Any]:
    """The report at *path*; empty where the probe did not come to write one. Raises UnusableReport."""
    with judging():
        report = _content(path)
        read = read_json(report, UnusableReport, most_bytes=_LARGEST) if report else {}
    if not isinstance(read, dict):
        raise UnusableReport("it is no object of JSON")
    return read


@contextmanager
def judging() -> Iterator[None]:
    """A report is taken at its word in here. Raises UnusableReport where it has another form."""
    with reading(UnusableReport):
        yield


def _content(path: Path) -> bytes:
    """Of a regular file alone: a pipe would never end, and a symlink could lead to a file of ours."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise UnusableReport(f"it is not a file that can be read ({error.strerror})") from None
    with open(handle, "rb") as file:  # noqa: PTH123 - it is open already
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UnusableReport("it is no regular file")
        return file.read(_LARGEST + 1)
