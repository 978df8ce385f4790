"""Every call of a run spoilt by every fault: what each run leaves behind, and what one clean run makes of it."""

from __future__ import annotations

import copy
import math
import random
import re
import signal
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field

from tests.robustness.faults import FAULTS
from tests.robustness.real_site import RealSite
from tests.robustness.scenarios import BAD, NEW, OLD, Scenario
from tests.robustness.site import Site, StubSite, expected, version
from tests.robustness.zygote import Ended
from tests.servers.api_proxy import Fault

Point = tuple[int, str, Fault]
"""A call of a run, and the fault that spoils it: its name, and what it does."""

_GONE = "404 of the API"
"""Of the state object it says that nothing is remembered, and nobody can know better: 'resume' has nothing to end."""

_BUG = re.compile(r"Traceback|this is a bug in secretsync")


@dataclass
class Tally:
    """How many runs there were, how they ended, and what did not hold: a sentence each."""

    what: str
    runs: int = 0
    calls: int = 0
    codes: dict[int, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def merged(what: str, calls: int, tallies: Sequence[Tally]) -> Tally:
    """One tally of sweeps of the same scenario on several sites."""
    codes: Counter[int] = Counter()
    for tally in tallies:
        codes.update(tally.codes)
    faults = [sentence for tally in tallies for sentence in tally.faults]
    return Tally(what, sum(codes.values()), calls, dict(codes), faults)


class Sweep:
    """The runs of one scenario on one site, each followed by a clean one."""

    def __init__(self, site: Site, scenario: Scenario) -> None:
        self.site, self._scenario = site, scenario
        self.tally = Tally(scenario.name)
        site.configure(**scenario.target)
        site.put_by_hand(scenario.found)
        for files in scenario.deployed:
            site.write(files)
            self.run_clean("apply")
        site.write(scenario.wanted)
        self._others = site.of_others()
        self._goals = list(map(expected, scenario.goals))
        self._whole = [expected({}), *map(expected, (OLD, NEW, BAD))]

    def run_clean(self, *arguments: str, codes: Container[int] = (0,)) -> None:
        """A run that nothing happens to."""
        ended = self.site.run(*arguments)
        assert ended.code in codes, ended

    def prepare(self) -> None:
        """What comes right before the command."""
        for command in self._scenario.prepared:
            self.run_clean(*command)
        self.site.configure(**{**self._scenario.target, **self._scenario.changed})

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
        promised = self._goals[:1] if spoilt.code == 0 and _GONE not in where else self._goals
        if site.mounted() not in promised:
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
        self.prepare()
        self._api, self._before = site.api, copy.deepcopy(site.api.objects)

    def start_anew(self) -> None:
        super().start_anew()
        self._api.objects = copy.deepcopy(self._before)


class RealSweep(Sweep):
    """Each run starts from what the one before left, as nobody can put a real API back: a change is a newer version."""

    def __init__(self, site: RealSite, scenario: Scenario) -> None:
        super().__init__(site, scenario)
        self._real, self._number = site, 3

    def calls(self) -> int:
        calls = super().calls()
        self.run_clean("apply", codes=(0, 4))  # the command may have changed nothing
        return calls

    def start_anew(self) -> None:
        if not self._scenario.deployed:
            self._real.forget_package(self._scenario.found)
        elif self._scenario.lasts:
            self._end_what_lasts()
        if self._scenario.deployed and self._scenario.wanted != self._scenario.deployed[-1]:
            self._want_newer()
        self.prepare()
        super().start_anew()

    def _end_what_lasts(self) -> None:
        self.site.configure(**self._scenario.target)
        self.run_clean("resume", codes=(0, 1))
        self.run_clean("apply")

    def _want_newer(self) -> None:
        """The package is newer than ever before; what is live now is the old one."""
        self._number += 1
        live, bad = self.site.mounted(), self._scenario.wanted is BAD
        files = version(self._number, bad=bad)
        self._goals = [live if goal is OLD else expected(files) for goal in self._scenario.goals]
        self._whole = [expected({}), live, expected(files)]
        self.site.write(files)


def points(calls: int, count: int, chance: random.Random) -> Iterator[Point]:
    """*count* pairs, none twice; every call has its turn before one comes again, and so has every fault."""
    numbers, names = chance.sample(range(1, calls + 1), calls), chance.sample(sorted(FAULTS), len(FAULTS))
    round_trip = math.lcm(calls, len(names))  # from here on the same pairs would come again
    for turn in range(min(count, calls * len(names))):
        name = names[(turn + turn // round_trip) % len(names)]
        yield numbers[turn % calls], name, FAULTS[name]
