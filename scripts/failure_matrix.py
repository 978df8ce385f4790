"""Makes docs/failure-matrix.md: every row of the failure matrix, run with each Rucio that is named.

python -m scripts.failure_matrix [--new] [--cache FOLDER] [VERSION ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from secretsync.rucio.prove import Verdict, rucio_environment
from tests import corpus
from tests.corpus import Recorded
from tests.rucio.prove.matrix.rows import Row, rows
from tests.rucio.prove.matrix.run import Outcome, run, static

PAGE = Path(__file__).parent.parent / "docs" / "failure-matrix.md"
AT_ONCE = 3
HEAD = """# What Rucio does with a package that is not sound

Made by `python -m scripts.failure_matrix`, which runs each row: the static rules read the package, the proof loads it
in the real Rucio, and a program that knows nothing of the proof imports Rucio with it. *Static* names the rules that
find an error, in brackets those that warn. Where the static rules say otherwise than Rucio, the last column says why
they must.
"""


def main() -> None:
    """Run the rows, record what Rucio did (tests/corpus), and write the page from that."""
    options = _options()
    for version in options.versions:
        known = corpus.recorded().get(version, {}) if options.new else {}
        corpus.record(version, _run(version, corpus.unrecorded(version, known), options.cache))
    PAGE.write_text(page(list(corpus.recorded())), encoding="utf-8")


def page(versions: Sequence[str]) -> str:
    """The page, from what is recorded and from what the static rules say today."""
    recorded = corpus.recorded()
    sections = [_section(version, recorded[version]) for version in versions]
    return "\n".join([HEAD, corpus.confusion_table(recorded), *sections])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "versions", nargs="*", default=["36.5.0", "37.7.1", "38.5.5", "40.0.0", "41.5.1"], metavar="VERSION"
    )
    parser.add_argument("--new", action="store_true", help="run the rows alone that nobody ran")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "secretsync-tests")
    return parser.parse_args()


def _run(version: str, chosen: Sequence[Row], cache: Path) -> list[Outcome]:
    rucio = rucio_environment(version, cache)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(partial(run, rucio=rucio), chosen))


def _section(version: str, recorded: Mapping[str, Recorded]) -> str:
    lines = ["| the package | Rucio by itself | proof | static | |", "|---|---|---|---|---|"]
    lines += [_line(version, row, recorded[row.row]) for row in rows() if row.row in recorded]
    return f"## Rucio {version}\n\n" + "\n".join(lines) + "\n"


def _line(version: str, row: Row, seen: Recorded) -> str:
    name = row.row.replace("|", "\\|").replace("__init__", "`__init__`")
    errors, warned = static(row, version)
    said = ", ".join([*errors, *(f"({rule})" for rule in warned)]) or "–"
    agrees = bool(errors) == (seen.direct != Verdict.LOADS)
    why = "" if agrees else row.beyond or ("a warning: the source does not tell" if warned else "NOT EXPLAINED")
    proof = seen.proof if seen.proof == seen.direct else f"{seen.proof} (DIFFERS)"
    return f"| {name} | {seen.direct}: {seen.seen} | {proof} | {said} | {why} |"


if __name__ == "__main__":
    main()
