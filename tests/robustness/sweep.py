"""Every call of a run spoilt by every fault: what each run leaves behind, and what one clean run makes of it."""

from __future__ import annotations

import copy
import math
import random
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.robustness.faults import FAULTS
from tests.robustness.real_site import RealSite
from tests.robustness.site import Site, StubSite, expected, version
from tests.robustness.zygote import Ended
from tests.servers.api_proxy import Fault

OLD, NEW, BAD = version(1), version(2), version(3, bad=True)
_BUG = re.compile(r"Traceback|this is a bug in secretsync")


@dataclass(frozen=True)
class Scenario:
    """*deployed* one after the other, then the package is *wanted* and *command* runs through the faults.

    *codes* are the exit codes that it may have; *goals* what may be live in the end.
    """

    name: str
    command: Sequence[str]
    deployed: Sequence[Mapping[str, bytes]]
    wanted: Mapping[str, bytes]
    goals: Sequence[Mapping[str, bytes]]
    codes: frozenset[int] = frozenset({0, 1, 4})
    wire: bool = False


SCENARIOS = [
    Scenario("create", ("apply",), (), OLD, (OLD,)),
    Scenario("change", ("apply",), (OLD,), NEW, (NEW,)),
    Scenario("wired", ("apply",), (OLD,), NEW, (NEW,), wire=True),
    Scenario("wire", ("apply",), (), OLD, (OLD,), wire=True),
    Scenario("undo", ("apply",), (OLD,), BAD, (OLD,)),
    Scenario("idle", ("apply",), (OLD,), OLD, (OLD,)),
    Scenario("plan", ("plan",), (OLD,), NEW, (NEW,), frozenset({1, 3})),
    Scenario("status", ("status",), (OLD,), OLD, (OLD,), frozenset({0, 1})),
    Scenario("history", ("history",), (OLD, NEW), NEW, (NEW,), frozenset({0, 1})),
    Scenario("rollback", ("rollback",), (OLD, NEW), NEW, (OLD, NEW)),
]


@dataclass
class Tally:
    """How many runs there were, how they ended, and what did not hold: a sentence each."""

    what: str
    runs: int = 0
    calls: int = 0
    codes: dict[int, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class Sweep:
    """The runs of one scenario on one site, each followed by a clean one."""

    def __init__(self, site: Site, scenario: Scenario) -> None:
        self.site, self._scenario = site, scenario
        self.tally = Tally(scenario.name)
        for files in scenario.deployed:
            site.write(files)
            first = site.run("apply")
            assert first.code == 0, first
        site.write(scenario.wanted)
        self._others = site.of_others()
        self._goals = list(map(expected, scenario.goals))
        self._whole = [expected({}), *map(expected, (OLD, NEW, BAD))]

    def calls(self) -> int:
        """How many calls the run makes when nothing is wrong."""
        self.start_anew()
        clean = self.site.run(*self._scenario.command)
        self.tally.calls = len(self.site.proxy.calls)
        assert not _BUG.search(clean.err), clean
        return self.tally.calls

    def visit(self, call: int, name: str, fault: Fault) -> None:
        """One run whose *call* is spoilt, and the clean one after it."""
        self.start_anew()
        self.site.proxy.faults = {call: fault}
        self.start()
        self.note_ended(f"call {call}, {name}")

    def start_anew(self) -> None:
        """What a run starts from, and no fault."""
        self.site.proxy.faults = {}
        self.site.proxy.calls.clear()

    def start(self) -> int:
        """The pid of a run."""
        return self.site.start(*self._scenario.command)

    def note_ended(self, what: str) -> None:
        """Judge the run that was started, to which *what* happened, and the clean one after it."""
        spoilt, where = self.site.zygote.ended(), f"{self._scenario.name}, {what}"
        self.tally.runs += 1
        self.tally.codes[spoilt.code] = self.tally.codes.get(spoilt.code, 0) + 1
        self.judge(where, spoilt, self._scenario.codes | {-signal.SIGKILL})
        self.heal(where, spoilt)

    def judge(self, where: str, run: Ended, codes: frozenset[int]) -> None:
        """Note what a run must not do, whatever it met."""
        where = f"{where} ({run.code})"
        if _BUG.search(run.err):
            self._note(f"{where}: a traceback: {run.err.strip().splitlines()[-1]}")
        if run.code not in codes:
            self._note(f"{where}: exit code {run.code}")
        if not self._is_whole():
            self._note(f"{where}: a Secret is partial")
        if self.site.of_others() != self._others:
            self._note(f"{where}: something of others was changed")

    def heal(self, where: str, spoilt: Ended) -> None:
        """Note what one clean run does not put right."""
        site = self.site
        site.proxy.faults = {}
        healing = site.run("apply")
        where = f"{where} ({spoilt.code}, then {healing.code})"
        self.judge(where, healing, frozenset({0, 4} if self._scenario.wanted is BAD else {0}))
        if site.mounted() not in self._goals:
            self._note(f"{where}: what is live is not what it should be")
        after = site.run("plan")
        if after.code != 0:
            self._note(f"{where}: afterwards something is left to do: {after.out.strip()[-200:]}")

    def _is_whole(self) -> bool:
        return all(any(held == whole[place] for whole in self._whole) for place, held in self.site.mounted().items())

    def _note(self, sentence: str) -> None:
        self.tally.faults.append(sentence)


class StubSweep(Sweep):
    """Each run starts from the same state."""

    def __init__(self, site: StubSite, scenario: Scenario) -> None:
        super().__init__(site, scenario)
        self._api, self._before = site.api, copy.deepcopy(site.api.objects)

    def start_anew(self) -> None:
        super().start_anew()
        self._api.objects = copy.deepcopy(self._before)


class RealSweep(Sweep):
    """Each run starts from what the one before left, as nobody can put a real API back: a change is a newer version."""

    def __init__(self, site: RealSite, scenario: Scenario) -> None:
        super().__init__(site, scenario)
        self._real, self._number = site, 2

    def calls(self) -> int:
        calls = super().calls()
        assert self.site.run("apply").code == 0  # the command may have changed nothing
        return calls

    def start_anew(self) -> None:
        super().start_anew()
        if not self._scenario.deployed:
            self._real.forget_package()
        elif self._scenario.wanted != self._scenario.deployed[-1]:
            self._number += 1
            files = version(self._number)
            self._whole = [*self._goals, expected(files)]
            self._goals = [expected(files)]
            self.site.write(files)


def points(calls: int, count: int, chance: random.Random) -> Iterator[tuple[int, str, Fault]]:
    """*count* pairs, none twice; every call has its turn before one comes again, and so has every fault."""
    numbers, names = chance.sample(range(1, calls + 1), calls), chance.sample(sorted(FAULTS), len(FAULTS))
    round_trip = math.lcm(calls, len(names))  # from here on the same pairs would come again
    for turn in range(min(count, calls * len(names))):
        name = names[(turn + turn // round_trip) % len(names)]
        yield numbers[turn % calls], name, FAULTS[name]
