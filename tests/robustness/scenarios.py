"""What people do with secretsync, each from a state that is made anew for each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.robustness.site import Files, version

OLD, NEW, BAD, NOTHING = version(1), version(2), version(3, bad=True), dict[str, bytes]()


@dataclass(frozen=True)
class Scenario:
    """*deployed* one after the other, then the package is *wanted* and *command* runs through the faults.

    *target* are keys of the target, and *changed* those that it has when the command runs. *found* is in Secrets that
    were made by hand. *prepared* runs right before the command. What is live in the end is one of *goals*: the first
    one where the command says that it was done. *lasts*: 'resume' ends what the command does.
    """

    name: str
    command: Sequence[str]
    deployed: Sequence[Files]
    wanted: Files
    goals: Sequence[Files]
    codes: frozenset[int] = frozenset({0, 1, 4})
    target: Mapping[str, Any] = field(default_factory=dict)
    changed: Mapping[str, Any] = field(default_factory=dict)
    found: Files = field(default_factory=dict)
    prepared: Sequence[Sequence[str]] = ()
    lasts: bool = False

    @property
    def wire(self) -> bool:
        return bool(self.target.get("wire"))


_WIRE, _NOT = {"wire": True}, {"wire": False}
_ENDS = frozenset({0, 1})

SCENARIOS = [
    Scenario("create", ("apply",), (), OLD, (OLD,)),
    Scenario("change", ("apply",), (OLD,), NEW, (NEW,)),
    Scenario("adopt", ("apply",), (), NEW, (NEW,), target={"adopt": True}, found=OLD),
    Scenario("wired", ("apply",), (OLD,), NEW, (NEW,), target=_WIRE),
    Scenario("wire", ("apply",), (), OLD, (OLD,), target=_WIRE),
    Scenario("unwire", ("apply",), (OLD,), OLD, (NOTHING,), target=_WIRE, changed=_NOT, lasts=True),
    Scenario("undo", ("apply",), (OLD,), BAD, (OLD,)),
    Scenario("idle", ("apply",), (OLD,), OLD, (OLD,)),
    Scenario("plan", ("plan",), (OLD,), NEW, (NEW,), frozenset({1, 3})),
    Scenario("status", ("status",), (OLD,), OLD, (OLD,), _ENDS),
    Scenario("history", ("history",), (OLD, NEW), NEW, (NEW,), _ENDS),
    Scenario("rollback", ("rollback",), (OLD,), NEW, (OLD, NEW), prepared=[("apply",)], lasts=True),
    Scenario("suspend", ("suspend",), (OLD,), NEW, (OLD, NEW), _ENDS, lasts=True),
    Scenario("resume", ("resume",), (OLD,), NEW, (NEW, OLD), _ENDS, prepared=[("suspend",)], lasts=True),
]
