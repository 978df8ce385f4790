"""Makes docs/robustness.md: what went wrong around secretsync on purpose, how often, and what held.

python -m scripts.robustness [PART ...] [--points N] [--kills N] [--inputs N] [--sites N]

Each part leaves what it counted in tests/robustness/recorded, also where it is ended early; the page is made of all
that is there. Without a PART all are run. The parts "api" and "api-kills" need a control plane, as the tests of it do.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import structlog

from scripts.robustness_page import page
from tests import ROOT
from tests.robustness.kills import MOMENTS, kill_at_call, kill_at_random
from tests.robustness.real_site import real_site
from tests.robustness.scenarios import SCENARIOS, Scenario
from tests.robustness.site import stub_site
from tests.robustness.sweep import Point, RealSweep, StubSweep, Sweep, merged, points
from tests.servers.control_plane import control_plane

PAGE, RESULTS = ROOT / "docs" / "robustness.md", ROOT / "tests" / "robustness" / "recorded"
EVERY = {scenario.name: scenario for scenario in SCENARIOS}
KILLED = ("change",)
SUITES = {
    "damaged and planted caches": ("tests/sources/test_cache.py",),
    "state objects that somebody edited": ("tests/plan/test_state.py",),
    "Leases": ("tests/reconcile/test_lock.py", "tests/cluster/test_lease.py"),
    "ports: slow, silent and malformed clients": ("tests/service/test_http_server.py", "tests/service/test_webhook.py"),
    "foreign programs, confined": ("tests/core/test_sandbox.py",),
}
Record = dict[str, Any]
OpenSweep = Callable[[Scenario], contextlib.AbstractContextManager[Sweep]]


def main() -> None:
    """Run the parts, write the page, and fail where something did not hold."""
    options = _options()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # of the sites' own calls
    RESULTS.mkdir(parents=True, exist_ok=True)
    for part in options.parts or PARTS:
        PARTS[part](options)
    counted = {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}
    PAGE.write_text(page(counted), encoding="utf-8")
    if failures := [sentence for record in counted.values() for sentence in record["failures"]]:
        sys.exit("\n".join(failures))


def sweep_stub(options: argparse.Namespace) -> None:
    for name in options.scenarios or EVERY:
        _sweep("stub", EVERY[name], options, _on_stub)


def sweep_api(options: argparse.Namespace) -> None:
    with _on_real_api() as open_sweep:
        for name in options.scenarios or EVERY:
            _sweep("api", EVERY[name], options, open_sweep)


def kill_on_stub(options: argparse.Namespace) -> None:
    _kill("kills", options.scenarios or KILLED, options.kills, _on_stub)


def kill_on_api(options: argparse.Namespace) -> None:
    with _on_real_api() as open_sweep:
        _kill("api-kills", options.scenarios or KILLED, options.kills, open_sweep)


def mutate(options: argparse.Namespace) -> None:
    cases = _tests(("tests/robustness/test_mutated.py",), SECRETSYNC_TEST_INPUTS=str(options.inputs))
    _keep("parsers", cases, _failed(cases))


def explode() -> None:
    cases = _tests(("tests/sources/test_bombs.py",), SECRETSYNC_TEST_ALL="1")
    _keep("bombs", cases, _failed(cases))


def run_suites() -> None:
    suites = {name: _tests(files) for name, files in SUITES.items()}
    counts = {name: [len(cases), len(cases) - len(_failed(cases))] for name, cases in suites.items()}
    _keep("suites", counts, [name for cases in suites.values() for name in _failed(cases)])


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "stub": sweep_stub,
    "kills": kill_on_stub,
    "parsers": mutate,
    "bombs": lambda _: explode(),
    "suites": lambda _: run_suites(),
    "api-kills": kill_on_api,
    "api": sweep_api,
}


@contextlib.contextmanager
def _on_stub(scenario: Scenario) -> Iterator[Sweep]:
    with tempfile.TemporaryDirectory() as folder, stub_site(Path(folder), wire=scenario.wire) as site:
        yield StubSweep(site, scenario)


@contextlib.contextmanager
def _on_real_api() -> Iterator[OpenSweep]:
    with tempfile.TemporaryDirectory() as made, control_plane(Path(made) / "plane") as plane:

        @contextlib.contextmanager
        def open_sweep(scenario: Scenario) -> Iterator[Sweep]:
            folder = Path(tempfile.mkdtemp(dir=made))
            with real_site(plane, folder, wire=scenario.wire) as site:
                yield RealSweep(site, scenario)

        yield open_sweep


def _sweep(part: str, scenario: Scenario, options: argparse.Namespace, open_sweep: OpenSweep) -> None:
    """Spoil so many of the scenario's calls, on several sites at once."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(options.sites) as pool:
        free = SimpleQueue[Sweep]()
        sweeps = [stack.enter_context(open_sweep(scenario)) for _ in range(options.sites)]
        for sweep in sweeps:
            free.put(sweep)

        def visit(point: Point) -> None:
            sweep = free.get()
            sweep.visit(*point)
            free.put(sweep)

        calls = sweeps[0].calls()
        for _ in pool.map(visit, points(calls, options.points, random.Random(scenario.name))):
            tally = merged(scenario.name, calls, [sweep.tally for sweep in sweeps])
            _keep(f"{part}.{scenario.name}", asdict(tally), tally.faults)


def _kill(part: str, names: Iterable[str], count: int, open_sweep: OpenSweep) -> None:
    for name in names:
        with open_sweep(EVERY[name]) as sweep:
            for _ in _killed(sweep, count, random.Random(name)):
                _keep(f"{part}.{name}", asdict(sweep.tally), sweep.tally.faults)


def _killed(sweep: Sweep, count: int, chance: random.Random) -> Iterator[None]:
    """Kill *count* runs: half of them at a call, before or after it, and the others at any moment."""
    numbers = range(1, sweep.calls() + 1)
    sweep.start_anew()
    began = time.monotonic()
    sweep.start()
    sweep.site.zygote.ended()
    seconds = time.monotonic() - began
    calls = [(call, name) for call in numbers for name in MOMENTS]
    for call, name in chance.sample(calls, min(len(calls), count // 2)):
        kill_at_call(sweep, call, MOMENTS[name], name)
        yield
    while sweep.tally.runs < count:
        kill_at_random(sweep, chance, seconds)
        yield


def _keep(part: str, counted: object, failures: Sequence[str]) -> None:
    """In one step, as another part may be making the page."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    record = {"commit": commit, "date": f"{datetime.now(UTC):%Y-%m-%d}", "counted": counted, "failures": [*failures]}
    half = RESULTS / f".{part}"
    half.write_text(json.dumps(record, indent=1), encoding="utf-8")
    half.replace(RESULTS / f"{part}.json")


def _tests(files: Sequence[str], **variables: str) -> list[Record]:
    """The tests of *files*: their names, whether they held, and what they recorded."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        # ten thousand inputs take longer than a test may else
        limits = ["-n", "2", "--timeout", "7200", "-m", "not control_plane"]
        command = [sys.executable, "-m", "pytest", "-q", *limits, "--junitxml"]
        environment = {**os.environ, **variables}
        done = subprocess.run(
            [*command, report.name, *files], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 1):  # of pytest: all held, or some did not
            sys.exit(done.stdout + done.stderr)
        cases = list(ET.parse(report.name).getroot().iter("testcase"))  # noqa: S314 - pytest wrote it just now
    return [
        {
            "name": case.attrib["name"],
            "held": case.find("failure") is None and case.find("error") is None,
            **{found.attrib["name"]: found.attrib["value"] for found in case.iter("property")},
        }
        for case in cases
        if case.find("skipped") is None
    ]


def _failed(cases: Sequence[Record]) -> list[str]:
    return [case["name"] for case in cases if not case["held"]]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--scenarios", nargs="*", help="of the parts that spoil calls (default: all)")
    parser.add_argument("--points", type=int, default=100, help="runs of each scenario, at most (default: %(default)s)")
    parser.add_argument("--sites", type=int, default=1, help="that are swept at once (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=200, help="runs that are killed (default: %(default)s)")
    parser.add_argument("--inputs", type=int, default=10_000, help="of each parser (default: %(default)s)")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
