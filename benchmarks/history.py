"""``python -m benchmarks.history [ROUNDS]``: what a repository's history costs a fetch that does not want it.

One repository has 5,000 commits, which brought 200 MB to a directory beside the package; the other has nothing but the
first one's tip. Each is fetched with an empty cache, in turns, so that only the ratio means something.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.table import budget, row, title
from secretsync.config import Package
from secretsync.sources.open import open_source
from tests.servers import git_http
from tests.sources.layouts import POLICY, below

COMMITS = 5_000
MEGABYTES = 200
MODULE = "my_policy"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name, git_http.serve(Path(name)) as address:
        folder = Path(name)
        _import(folder / "long", _history(COMMITS))
        _import(folder / "tip", _history(1))
        found = {which: [_fetched(f"{address}/{which}") for _ in range(rounds)] for which in ("long", "tip")}
    seconds, kept = (
        {which: statistics.median(one[place] for one in runs) for which, runs in found.items()} for place in (0, 1)
    )
    title(f"A first fetch; medians of {rounds} rounds")
    row(f"{COMMITS:,} commits, {MEGABYTES} MB elsewhere; keeps {kept['long']:,} bytes", seconds["long"])
    row(f"its tip alone; keeps {kept['tip']:,} bytes", seconds["tip"])
    budget("times the tip's bytes", kept["long"] / kept["tip"], 1.1)
    budget("times the tip's seconds", seconds["long"] / seconds["tip"], 1.5)


def _fetched(url: str) -> tuple[float, int]:
    """The seconds of a fetch with an empty cache, and the bytes of the repository that it leaves."""
    package = Package.model_validate({"moduleName": MODULE, "requirement": f"git+{url}"}, by_alias=True)
    with tempfile.TemporaryDirectory() as name:
        cache, began = Path(name), time.monotonic()
        source = open_source(package, cache=cache, base=cache)
        assert source.fetch(source.resolve()).files
        seconds = time.monotonic() - began
        return seconds, sum(path.stat().st_size for path in cache.glob("git/*.git/objects/**/*") if path.is_file())


def _import(folder: Path, stream: Iterator[bytes]) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", folder], check=True)
    for key in ("allowFilter", "allowAnySHA1InWant"):
        subprocess.run(["git", "config", f"uploadpack.{key}", "true"], cwd=folder, check=True)
    process = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=folder, stdin=subprocess.PIPE)
    assert process.stdin
    for piece in stream:
        process.stdin.write(piece)
    process.stdin.close()
    if process.wait():
        raise SystemExit("git fast-import failed")


def _history(commits: int) -> Iterator[bytes]:
    """The last *commits* of a history, for git fast-import; its tip is the same whatever their number."""
    size = MEGABYTES * 1_000_000 // COMMITS
    for number in range(COMMITS - commits, COMMITS):
        noise = random.Random(number).randbytes(size)
        files = below(MODULE, {**POLICY, "schema.py": f"NUMBER = {number}\n"})
        yield f"commit refs/heads/main\ncommitter a <a@b.c> {number} +0000\ndata 1\n{number % 10}\n".encode()
        for path, text in files.items():
            yield f"M 644 inline {path}\n".encode() + _data(text.encode())
        yield b"M 644 inline elsewhere/data.bin\n" + _data(noise)


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content + b"\n"


if __name__ == "__main__":
    main()
