"""What a rule has to say: the fault, what Rucio makes of it, and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: an error stops a run, a warning is printed, a notice is for the curious."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"

    @property
    def weight(self) -> int:
        """How much worse it is than the others: 3 for an error."""
        return {"error": 3, "warning": 2, "notice": 1}[self.value]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a policy package.

    *path* is relative to the package's directory and *line* starts at 1; both are empty (``""``, 0) where the fault is
    something that is absent. *effect* is one sentence on what Rucio does, *remedy* one on the way out. *about* names
    the thing itself (``NAME_LENGTH``), so that it can be accepted by name. *rucio* lists the versions for which it
    holds, and is empty if it holds for all that were asked about.
    """

    rule: str
    severity: Severity
    path: str
    line: int
    effect: str
    remedy: str
    about: str = ""
    rucio: tuple[str, ...] = ()
