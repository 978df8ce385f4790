"""Compares the check and the proof with Rucio over published policy packages, and prints where they differ.

python -m scripts.public_corpus [--rucio VERSION]... [--last N] [SOURCE ...]

A SOURCE is a distribution on the package index, of which every release is taken, or git+URL, of which the last N
commits are. One that cannot be reached is named and left out. Rucio says what is true: a program that knows nothing of
the proof imports it with each state of a package. Nothing is recorded: what a published state shows becomes a small row
of our own in tests/rucio/prove/matrix.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from packaging.version import Version
from pypi_simple import NoSuchProjectError, PyPISimple
from requests import RequestException

from secretsync.cli.commands.check import of_requirement
from secretsync.core import log
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Bundle
from secretsync.rucio.prove import RucioEnvironment, Verdict, rucio_environment
from tests.rucio.prove.matrix.rows import Row
from tests.rucio.prove.matrix.run import Outcome, run

SOURCES = (
    "atlas-rucio-policy-package",
    "eic-rucio-policy-package",
    "escape-rucio-policy-package",
    "pic-rucio-policy-package",
)
"""Distributions with policy packages that the public index has."""

CACHE = Path.home() / ".cache" / "secretsync-tests"
AT_ONCE = 2


class Unreachable(Exception):
    """The source could not be read, and why."""


@dataclass(frozen=True)
class State(Row):
    """A published state of a package, as a row that expects nothing."""

    published: Bundle = field(kw_only=True)

    @property
    def bundle(self) -> Bundle:
        """The package as it was published."""
        return self.published


def main() -> None:
    """Print one line for each difference, and a table for each Rucio."""
    options = _options()
    log.configure("text", verbosity=0)
    with tempfile.TemporaryDirectory(prefix="secretsync-corpus-") as folder:
        states = [state for source in options.sources for state in _states(source, options.last, Path(folder))]
        for version in options.rucio:
            rucio = rucio_environment(version, CACHE)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                outcomes = list(pool.map(partial(run, rucio=rucio), states))
            print("\n".join(_report(rucio, outcomes)), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", default=SOURCES, metavar="SOURCE")
    parser.add_argument("--rucio", action="append", metavar="VERSION", help="default: 38.5.5 and 41.5.1")
    parser.add_argument("--last", type=int, default=50, metavar="N", help="commits of a repository (default: 50)")
    options = parser.parse_args()
    options.rucio = options.rucio or ["38.5.5", "41.5.1"]
    return options


def _states(source: str, last: int, folder: Path) -> Iterator[State]:
    """The states of a package, oldest first; what cannot be read is said on standard error."""
    try:
        requirements = list(_commits(source, last, folder) if source.startswith("git+") else _releases(source))
    except Unreachable as error:
        print(f"left out {source}: {error}", file=sys.stderr)
        return
    for name, requirement in requirements:
        try:
            yield State(name, Verdict.LOADS, published=of_requirement(requirement, None, (), "").bundle)
        except SecretSyncError as error:
            print(f"left out {name}: {error}", file=sys.stderr)


def _releases(distribution: str) -> Iterator[tuple[str, str]]:
    """A name and a requirement of each release. Raises Unreachable."""
    try:
        with PyPISimple() as index:
            files = index.get_project_page(distribution).packages
    except (NoSuchProjectError, RequestException) as error:
        raise Unreachable(str(error)) from None
    for version in sorted({file.version for file in files if file.version}, key=Version):
        yield f"{distribution} {version}", f"{distribution}=={version}"


def _commits(source: str, last: int, folder: Path) -> Iterator[tuple[str, str]]:
    """A name and a requirement of each of the last commits. Raises Unreachable."""
    url, _, fragment = source.removeprefix("git+").partition("#")
    clone = Path(tempfile.mkdtemp(dir=folder))
    done = subprocess.run(["git", "clone", "--quiet", "--bare", url, str(clone)], capture_output=True, text=True)
    if done.returncode:
        raise Unreachable(done.stderr.strip().rpartition("\n")[2])
    listing = ["git", "-C", str(clone), "log", "--reverse", f"--max-count={last}", "--format=%H"]
    for commit in subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split():
        yield f"{url} {commit[:12]}", f"git+file://{clone}@{commit}" + (f"#{fragment}" if fragment else "")


def _truth(outcome: Outcome) -> Verdict:
    """What Rucio did; of algorithms the proof's word, as the program calls only those that a row of our own names."""
    of_algorithms = outcome.proof in (Verdict.ALGORITHMS_LOST, Verdict.DIES_AT_FIRST_USE)
    return outcome.proof if outcome.direct is Verdict.LOADS and of_algorithms else outcome.direct


def _report(rucio: RucioEnvironment, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Every difference from what Rucio did, then the confusion table."""
    works = [one for one in outcomes if _truth(one) is Verdict.LOADS]
    breaks = [one for one in outcomes if _truth(one) is not Verdict.LOADS]
    false = [one for one in works if one.static]
    silent = [one for one in breaks if not one.static and not one.warned]
    differing = [one for one in outcomes if one.proof is not _truth(one)]
    for title, found in (("FALSE ALARM", false), ("SILENT", silent), ("PROOF DIFFERS", differing)):
        for one in found:
            rules = ", ".join((*one.static, *one.warned)) or "nothing"
            yield f"{title} {one.row.row}: Rucio {one.direct}: {one.seen}; check {rules}; proof {one.proof}"
    yield f"Rucio {rucio.version}: {len(outcomes)} states"
    yield f"  {len(works)} work, of these {len(false)} false alarms"
    yield f"  {len(breaks)} do not, of these {len(silent)} silent"
    yield f"  proof right: {len(outcomes) - len(differing)} of {len(outcomes)}"


if __name__ == "__main__":
    main()
