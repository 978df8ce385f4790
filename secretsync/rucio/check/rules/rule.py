"""What a rule is: a name, the Rucio behaviour behind it, and a way to find what offends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import Rucio
from secretsync.rucio.check.situation import Situation


@dataclass(frozen=True)
class Setting:
    """The situation with one of its versions of Rucio picked: rules speak of one at a time.

    *live* is the package that is deployed now, parsed; None where nothing is, or nothing is known.
    """

    situation: Situation
    rucio: Rucio
    live: Package | None = None

    @property
    def vo(self) -> str:
        """The VO whose package it is; empty without VOs."""
        return self.situation.vo

    @property
    def images(self) -> tuple[str, ...]:
        """The images of the workloads that mount it."""
        return self.situation.images


@dataclass(frozen=True)
class Rule:
    """*behaviour* says what Rucio does, with the versions where it differs; *guard* rules compare with what is live.

    *severity* is the usual one; a finding may weigh less where the fault cannot do all its harm.
    """

    name: str
    severity: Severity
    title: str
    behaviour: str
    find: Callable[[Rule, Package, Setting], Iterator[Finding]]
    guard: bool = False

    def finding(
        self, path: str, line: int, effect: str, remedy: str, *, about: str = "", severity: Severity | None = None
    ) -> Finding:
        """A finding of this rule, of its own *severity* unless another is given; *about* is what it is about."""
        return Finding(self.name, severity or self.severity, path, line, effect, remedy, about)
