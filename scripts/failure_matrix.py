"""Makes docs/failure-matrix.md: every row of the failure matrix, run with each Rucio that is named.

python -m scripts.failure_matrix [--cache FOLDER] [VERSION ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from secretsync.rucio.prove import rucio_environment
from tests.rucio.prove.matrix.rows import rows
from tests.rucio.prove.matrix.run import Outcome, run

PAGE = Path(__file__).parent.parent / "docs" / "failure-matrix.md"
AT_ONCE = 3
HEAD = """# What Rucio does with a package that is not sound

Made by `python -m scripts.failure_matrix`, which runs each row: the static rules read the package, the proof loads it
in the real Rucio, and a program that knows nothing of the proof imports Rucio with it. *Static* names the rules that
find an error, in brackets those that warn. Where the static rules say otherwise than Rucio, the last column says why
they must.
"""


def main() -> None:
    options = _options()
    sections = [_section(version, options.cache) for version in options.versions]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join([HEAD, *sections]), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("versions", nargs="*", default=["38.5.5", "40.0.0", "41.5.1"], metavar="VERSION")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "secretsync-tests")
    return parser.parse_args()


def _section(version: str, cache: Path) -> str:
    rucio = rucio_environment(version, cache)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(partial(run, rucio=rucio), rows()))
    return f"## Rucio {version}\n\n{_table(outcomes)}"


def _table(outcomes: Sequence[Outcome]) -> str:
    lines = ["| the package | Rucio by itself | proof | static | |", "|---|---|---|---|---|"]
    return "\n".join(lines + [_line(outcome) for outcome in outcomes]) + "\n"


def _line(outcome: Outcome) -> str:
    row = outcome.row.row.replace("|", "\\|").replace("__init__", "`__init__`")
    static = ", ".join([*outcome.static, *(f"({rule})" for rule in outcome.warned)]) or "–"
    why = "" if outcome.static_agrees else outcome.row.beyond or "NOT EXPLAINED"
    direct = f"{outcome.direct}: {outcome.seen}"
    proof = f"{outcome.proof}" if outcome.proof is outcome.direct else f"{outcome.proof} (DIFFERS)"
    return f"| {row} | {direct} | {proof} | {static} | {why} |"


if __name__ == "__main__":
    main()
