"""``python -m benchmarks.repository [ROUNDS]``: what an idle pass over a target in git costs beside ``git ls-remote``.

The repository is served over HTTP by git's own backend; the package is a directory. A pass asks for the branches once:
with what is merged, and with a request that is open. All are run in turns, so that only the ratios mean something.
"""

from __future__ import annotations

import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

import structlog

from benchmarks.table import budget, row, title
from secretsync.reconcile import factory, repository_factory
from secretsync.reconcile.reconciler import sync
from tests.cluster.repository.site import Site
from tests.servers import forge as forges
from tests.servers import git_http
from tests.servers.forge import FakeForge

ROUNDS = 15
OTHER_FILES = 300
"""Manifests beside ours, in the directory of another namespace."""


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    found = measured(rounds)
    title(f"An idle pass over a target in git; medians of {rounds} rounds")
    for name, seconds in found.items():
        row(name, seconds)
    for name in ("merged", "request open"):
        budget(f"times git ls-remote, {name}", found[name] / found["git ls-remote"], 3.0)


def measured(rounds: int = ROUNDS) -> dict[str, float]:
    """The median seconds of ``git ls-remote``, and of a pass whose change is merged, or whose request is open."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    forge = FakeForge("gitlab")
    with tempfile.TemporaryDirectory() as name, forges.serve(forge) as host:
        folder = Path(name)
        for part in ("pushed", "proposed"):
            (folder / part).mkdir()
        with (
            git_http.serve(folder / "pushed" / "served") as pushed,
            git_http.serve(folder / "proposed" / "served") as proposed,
            mock.patch.object(repository_factory, "open_forge", _forge_at(host)),
        ):
            merged = Site(folder / "pushed", f"{pushed}/site/flux.git")
            waiting = Site(folder / "proposed", f"{proposed}/site/flux.git", propose="merge-request", forge="gitlab")
            return _measured(
                {
                    "git ls-remote": lambda: _ls_remote(f"{pushed}/site/flux.git"),
                    "merged": _pass(merged),
                    "request open": _pass(waiting),
                },
                rounds,
            )


def _pass(site: Site) -> Callable[[], object]:
    others = {f"clusters/production/other/config-{number}.yaml": _manifest(number) for number in range(OTHER_FILES)}
    site.commit(others)
    site.sync()

    def idle() -> object:
        (destination,) = factory.destinations(site.configuration, site.folder)
        report = sync(replace(destination, describe=lambda _: ""))
        assert report.proposal
        assert report.proposal.state in ("nothing", "unchanged")
        return report

    return idle


def _manifest(number: int) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-{number}\n  namespace: other\ndata: {{a: b}}\n"


def _ls_remote(url: str) -> None:
    subprocess.run(["git", "ls-remote", "--quiet", url, "refs/heads/main"], check=True, stdout=subprocess.DEVNULL)


def _forge_at(host: str) -> Callable[..., object]:
    opened = repository_factory.open_forge
    return lambda settings, _, base: opened(settings, f"http://{host}/site/flux.git", base)


def _measured(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each, run in turns; the first round warms caches and is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            began = time.monotonic()
            run()
            seconds[name].append(time.monotonic() - began)
    return {name: statistics.median(found[1:]) for name, found in seconds.items()}


if __name__ == "__main__":
    main()
