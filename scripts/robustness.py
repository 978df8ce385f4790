"""Makes docs/robustness.md: what went wrong around secretsync on purpose, how often, and what held.

python -m scripts.robustness [--points N] [--kills N] [--inputs N]
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests import ROOT
from tests.robustness.faults import FAULTS
from tests.robustness.kills import MOMENTS, kill_at_call, kill_at_random
from tests.robustness.site import stub_site
from tests.robustness.sweep import SCENARIOS, Scenario, Sweep, Tally, points

PAGE = ROOT / "docs" / "robustness.md"
HEAD = """# What goes wrong, and what holds

Made by `make robustness`, which makes things go wrong on purpose: only what it ran is counted here. In each run the
stub of the Kubernetes API stands behind a proxy that spoils one call, or the run is killed; one clean run follows.
What is checked is checked when a run has ended, not while it works: no traceback, a documented exit code, each Secret
wholly of one version, nothing of others touched; after the clean run the very files of the package, and nothing left
to do.
A smaller set of faults before a real API server, and kills on it, are in `tests/e2e/walks`.
"""
TESTS = """The tests of the modules that hold each kind, ordinary cases among them; the long ones run on demand.
"""
SUITES = {
    "damaged caches": ("tests/sources/test_cache.py",),
    "state objects that somebody edited": ("tests/plan/test_state.py",),
    "Leases": ("tests/reconcile/test_lock.py", "tests/cluster/test_lease.py"),
    "ports: slow, silent and malformed clients": ("tests/service/test_http_server.py", "tests/service/test_webhook.py"),
    "archives, indexes and trees that are bombs": ("tests/sources/test_bombs.py",),
}


def main() -> None:
    """Run everything, write the page, and fail where something did not hold."""
    options = _options()
    swept = {scenario.name: _swept(scenario, options.points) for scenario in SCENARIOS}
    killed = _killed(options.kills)
    parsers = _tests(("tests/sources/test_mutated.py",), inputs=options.inputs)
    suites = {name: _tests(files) for name, files in SUITES.items()}
    PAGE.write_text(page(swept, killed, options.inputs, parsers, suites), encoding="utf-8")
    failures = [sentence for tally in (*swept.values(), killed) for sentence in tally.faults]
    if failures:
        sys.exit("\n".join(failures))


def page(
    swept: dict[str, Tally], killed: Tally, inputs: int, parsers: tuple[int, int], suites: dict[str, tuple[int, int]]
) -> str:
    """The page, from what was counted."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    made = f"Made on {datetime.now(UTC):%Y-%m-%d} from the commit {commit.stdout.strip()}.\n"
    calls = [_row(name, tally.calls, tally) for name, tally in swept.items()]
    runs, faults = sum(tally.runs for tally in swept.values()), sum(len(tally.faults) for tally in swept.values())
    pairs = sum(tally.calls for tally in swept.values()) * len(FAULTS)
    sections = [
        HEAD,
        made,
        "## One call spoilt\n",
        f"{runs} of the {pairs} pairs of a call and a fault were run, drawn so that calls and faults take turns; "
        f"{faults} left something that did not hold.\n",
        _table("| what ran | its calls | runs | exit codes | did not hold |", calls),
        f"The {len(FAULTS)} faults: {'; '.join(FAULTS)}.\n",
        "## Killed\n",
        f"{killed.runs} runs of a change: SIGKILL before and after a call, and at any moment. "
        f"{killed.codes.get(-9, 0)} were killed before they had ended; {len(killed.faults)} left something that did "
        "not hold.\n",
        "## What strangers send\n",
        f"{inputs} mutated inputs for each of {sum(parsers)} parsers, {inputs * sum(parsers)} in all: for "
        f"{parsers[0]} of them nothing was raised but the errors of secretsync.\n",
        "## Damaged and planted\n",
        TESTS,
        _table(
            "| kind | tests | passed |",
            [f"| {name} | {held + failed} | {held} |" for name, (held, failed) in suites.items()],
        ),
    ]
    return "\n".join(sections)


def _row(name: str, calls: int, tally: Tally) -> str:
    codes = ", ".join(f"{number} × {code}" for code, number in sorted(tally.codes.items()))
    return f"| {name} | {calls} | {tally.runs} | {codes} | {len(tally.faults)} |"


def _table(head: str, rows: Sequence[str]) -> str:
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *rows]) + "\n"


def _swept(scenario: Scenario, count: int) -> Tally:
    with tempfile.TemporaryDirectory() as folder, stub_site(Path(folder), wire=scenario.wire) as site:
        sweep = Sweep(site, scenario)
        calls = sweep.calls()
        for point in points(calls, min(count, calls * len(FAULTS)), random.Random(scenario.name)):
            sweep.visit(*point)
    return sweep.tally


def _killed(count: int) -> Tally:
    chance = random.Random(9)
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == "change")
    with tempfile.TemporaryDirectory() as folder, stub_site(Path(folder)) as site:
        sweep = Sweep(site, scenario)
        calls = [(call, name) for call in range(1, sweep.calls() + 1) for name in MOMENTS]
        for call, name in chance.sample(calls, min(len(calls), count // 2)):
            kill_at_call(sweep, call, MOMENTS[name], name)
        while sweep.tally.runs < count:
            kill_at_random(sweep, chance, seconds=0.4)
    return sweep.tally


def _tests(files: Sequence[str], inputs: int = 0) -> tuple[int, int]:
    """How many tests of *files* held and how many did not."""
    environment = {**os.environ, "SECRETSYNC_TEST_INPUTS": str(inputs)} if inputs else dict(os.environ)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", "not control_plane", *files]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # of pytest: all held, or some did not
        sys.exit(done.stdout + done.stderr)
    last = done.stdout.strip().splitlines()[-1]
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", last)}
    return counts.get("passed", 0), counts.get("failed", 0) + counts.get("error", 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--points", type=int, default=100, help="runs of each scenario, at most (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=200, help="runs that are killed (default: %(default)s)")
    parser.add_argument("--inputs", type=int, default=10_000, help="of each parser (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
