"""A sample of what docs/robustness.md counts: no run may leave anything that one clean run does not put right."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.robustness.kills import MOMENTS, kill_at_call, kill_at_random
from tests.robustness.scenarios import SCENARIOS, Scenario
from tests.robustness.site import stub_site
from tests.robustness.sweep import StubSweep, points

pytestmark = pytest.mark.slow  # each case is some thirty runs

SAMPLE = 2
"""Runs of each scenario."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_whatever_call_is_spoilt_one_clean_run_heals_it(scenario: Scenario, tmp_path: Path) -> None:
    with stub_site(tmp_path, wire=scenario.wire) as site:
        sweep = StubSweep(site, scenario)
        for point in points(sweep.calls(), SAMPLE, random.Random(scenario.name)):
            sweep.visit(*point)
    assert not sweep.tally.faults
    assert sweep.tally.runs == SAMPLE


def test_whenever_a_run_is_killed_one_clean_run_goes_on(tmp_path: Path) -> None:
    chance = random.Random(13)
    with stub_site(tmp_path) as site:
        sweep = StubSweep(site, next(scenario for scenario in SCENARIOS if scenario.name == "change"))
        for call in chance.sample(range(1, sweep.calls()), 2):
            for name, moment in MOMENTS.items():
                kill_at_call(sweep, call, moment, name)
        for _ in range(3):
            kill_at_random(sweep, chance, seconds=0.3)
    assert not sweep.tally.faults
    assert sweep.tally.codes[-9] >= 4
