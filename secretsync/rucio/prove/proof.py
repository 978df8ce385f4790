"""What came into force when the real Rucio loaded a package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from secretsync.core.errors import ProofError
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.prove.environment import RucioEnvironment


class Verdict(StrEnum):
    """What became of the package; the later, the worse."""

    LOADS = "loads"
    ALGORITHMS_LOST = "algorithms lost"
    GENERIC = "silently generic"
    OTHER_CODE = "other code in force"
    DIES_AT_FIRST_USE = "dies at first use"
    DIES = "dies"
    EXITS = "exits"
    CRASHES = "crashes"
    HANGS = "hangs"

    @property
    def weight(self) -> int:
        """How bad it is, from 0 for a package that loads."""
        return list(Verdict).index(self)


@dataclass(frozen=True)
class Fault:
    """One thing that did not come into force, or that stopped Rucio; the fields are those of a Finding."""

    verdict: Verdict
    effect: str
    remedy: str
    path: str = ""
    line: int = 0
    severity: Severity = Severity.ERROR
    about: str = ""

    def __str__(self) -> str:
        """One line with the place in the package, as a traceback names it."""
        location = f"{self.path}:{self.line}: " if self.line else ""
        return f"{location}{self.effect}. {self.remedy}"

    def finding(self, rucio: str) -> Finding:
        """The fault as a finding of *rucio*, in the form of those of the check."""
        about = self.about or self.verdict.value
        return Finding("proof", self.severity, self.path, self.line, self.effect, self.remedy, about, (rucio,))


@dataclass(frozen=True)
class Proof:
    """*report* is the probe's own, as it came; *rucio* and *python* are the versions that it ran on."""

    rucio: str
    python: str
    vo: str
    faults: tuple[Fault, ...]
    report: Mapping[str, Any] = field(repr=False)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of its faults; without one, it loads."""
        return max((fault.verdict for fault in self.faults), key=lambda verdict: verdict.weight, default=Verdict.LOADS)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Its faults in the form of the check's findings."""
        return tuple(fault.finding(self.rucio) for fault in self.faults)

    @property
    def seen(self) -> str:
        """What Rucio loaded, in a sentence: the modules behind permission and schema, and how many algorithms."""
        loaded = self.report.get("in_force") or {}
        parts = [f"{part} from {(loaded.get(part) or {}).get('module')}" for part in ("permission", "schema")]
        returned = (self.report.get("algorithms") or {}).get("returned") or {}
        total = sum(len(named) for named in returned.values())
        return f"Rucio {self.rucio} loaded {', '.join(parts)}, {total} algorithm{'' if total == 1 else 's'}"


@dataclass(eq=False)
class RucioUnusable(ProofError):
    """Nothing can be proven: that Python does not start, or has no Rucio that works."""

    code = "rucio_unusable"

    rucio: RucioEnvironment
    reason: str

    def __str__(self) -> str:
        return f"{self.rucio.python} cannot run Rucio: {self.reason}; name another with --rucio-python"
