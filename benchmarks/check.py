"""``python -m benchmarks.check [ROUNDS]``: what a check of one published package costs, its fetch included.

The package is the largest that the public index has, checked for four versions of Rucio. The first run fills the cache
and is not counted; the index is asked by each run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measure import cost, median
from benchmarks.table import budget, row, title

ROUNDS = 9
REQUIREMENT = "atlas-rucio-policy-package==0.8.6"
VERSIONS = ("36.5.0", "37.7.1", "38.5.5", "41.5.1")
SECONDS = 1.2
"""Of CPU, in user and system mode."""


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    options = [text for version in VERSIONS for text in ("--rucio", version)]
    command = [sys.executable, "-m", "secretsync", "check", *options, REQUIREMENT]
    with tempfile.TemporaryDirectory() as name:
        _, *counted = [cost(command, cwd=Path(name)) for _ in range(rounds + 1)]
    title(f"A check of {REQUIREMENT} for {len(VERSIONS)} versions; {rounds} rounds")
    cpu = median(counted, lambda one: one.cpu)
    row("CPU, median", cpu, median(counted, lambda one: one.mebibytes))
    row("CPU, most", max(one.cpu for one in counted))
    budget("seconds of CPU", cpu, SECONDS)


if __name__ == "__main__":
    main()
