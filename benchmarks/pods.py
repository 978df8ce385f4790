"""``python -m benchmarks.pods [ROUNDS]``: secretsync beside the shell cron job over 29 Deployments whose pods run.

Both get the same package, from the same server, and each a namespace of its own with a server and 28 daemons on the
same control plane; they take turns, so that whatever else the machine does falls on both. Only ratios mean something.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import IMPORTS, Cost, cost, median
from benchmarks.shell import Shell, kubeconfig_for, kubectl_of
from benchmarks.table import budget, row, title
from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import ROOT, Site
from tests.servers import git_http
from tests.servers.control_plane import AuditedCall, ControlPlane, control_plane

SECRET = "site-policy"
PASSES = 8


@dataclass
class Bench:
    plane: ControlPlane
    repository: Repository
    url: str
    site: Site
    other: Site
    shell: Shell
    rounds: int

    def secretsync(self, *arguments: str) -> Cost:
        return cost(self.site.command("--once", *arguments), cwd=ROOT)

    def by_shell(self, *, restart: bool) -> Cost:
        return cost(self.shell.command(), cwd=self.site.folder, environment=self.shell.environment(restart=restart))

    def commit(self, number: int) -> None:
        self.repository.push({**PACKAGE, "rules.py": f"ALL = {number}\n".encode()})


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with prepared(rounds) as bench:
        print(f"Medians of {rounds} rounds; {os.cpu_count()} processors; times in seconds, memory in MiB.")
        cold_no_op(bench)
        loop_no_op(bench)
        change(bench)


@contextlib.contextmanager
def prepared(rounds: int) -> Iterator[Bench]:
    """Two sites with the package deployed, one by secretsync and one by the shell."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        plane = stack.enter_context(control_plane(folder / "control-plane"))
        repository = Repository(_made(folder / "repository"))
        repository.push(PACKAGE)
        url = f"{stack.enter_context(git_http.serve(repository.bare.parent))}/{repository.bare.name}"
        sites = [stack.enter_context(_site(plane, name, folder, f"git+{url}")) for name in ("bench", "bench-shell")]
        kubeconfig = kubeconfig_for(plane, sites[1].namespace, folder)
        shell = Shell(url, kubectl_of(plane), kubeconfig, folder / "work", MODULE, SECRET)
        bench = Bench(plane, repository, url, sites[0], sites[1], shell, rounds)
        bench.secretsync()
        bench.by_shell(restart=True)
        yield bench


def cold_no_op(bench: Bench) -> None:
    """A process that starts, finds nothing to do and ends."""
    imports, ours, theirs = [], [], []
    mark = bench.plane.audit_mark()
    for _ in range(bench.rounds):
        imports.append(cost([sys.executable, "-c", IMPORTS], cwd=ROOT))
        ours.append(bench.secretsync())
        theirs.append(bench.by_shell(restart=False))
    calls = bench.plane.calls_since(mark, bench.site.namespace)
    base, seconds, memory = median(imports, _seconds), median(ours, _seconds), median(ours, _memory)
    title("Cold, nothing to do")
    row("importing what an idle pass imports of others", base, median(imports, _memory))
    row("secretsync --once", seconds, memory)
    row("shell: clone and apply, no restart", median(theirs, _seconds), median(theirs, _memory))
    budget("times the imports' time", seconds / base, 1.4)
    budget("times the imports' memory", memory / median(imports, _memory), 1.25)
    print(f"  calls a run: {_by_verb(calls, bench.rounds)}")
    budget("writes", sum(call.writes for call in calls), 0)


def loop_no_op(bench: Bench) -> None:
    """A pass inside the loop that finds nothing to do; the time between two passes less the period is a pass."""
    remote = [cost(["git", "ls-remote", bench.url], cwd=ROOT).seconds for _ in range(2 * bench.rounds)]
    bench.site.beside = {"interval": 1, "jitter": 0}
    mark = bench.plane.audit_mark()
    process = bench.site.start()
    assert process.stderr is not None
    ends = [time.monotonic() for _ in _first(process.stderr, PASSES, "the next pass comes")]
    process.terminate()
    process.communicate()
    bench.site.beside = {}
    passes = [after - before - 1 for before, after in itertools.pairwise(ends)]
    calls = bench.plane.calls_since(mark, bench.site.namespace)
    title("A pass of the loop, nothing to do")
    row("git ls-remote", statistics.median(remote))
    row("secretsync, a pass", statistics.median(passes))
    budget("times git ls-remote", statistics.median(passes) / statistics.median(remote), 3)
    budget("writes", sum(call.writes for call in calls), 0)


def change(bench: Bench) -> None:
    """From a new commit to the Secret, and to all 29 Deployments current; without settling, as the shell does."""
    ours: list[tuple[Cost, float]] = []
    theirs: list[tuple[Cost, float]] = []
    calls: Counter[str] = Counter()
    shell_calls: Counter[str] = Counter()
    for number in range(bench.rounds):
        bench.commit(number)
        mark = bench.plane.audit_mark()
        run = bench.secretsync()
        ours.append((run, _until_secret(bench, bench.site, mark, run, "secretsync/")))
        calls += Counter(_verbs(bench.plane.calls_since(mark, bench.site.namespace)))
        mark = bench.plane.audit_mark()
        run = bench.by_shell(restart=True)
        theirs.append((run, _until_secret(bench, bench.other, mark, run, "kubectl/")))
        shell_calls += Counter(_verbs(bench.plane.calls_since(mark, bench.other.namespace, "kubectl/")))
    to_secret, to_secret_shell = (statistics.median(time for _, time in runs) for runs in (ours, theirs))
    current, current_shell = (median([run for run, _ in runs], _seconds) for runs in (ours, theirs))
    title("A change")
    row("secretsync: commit to Secret", to_secret)
    row("shell: commit to Secret", to_secret_shell)
    row("secretsync: commit to all current", current, median([run for run, _ in ours], _memory))
    row("shell: commit to all current", current_shell, median([run for run, _ in theirs], _memory))
    budget("times the shell, to all current", current / current_shell, 1.2)
    print(f"  calls a run: secretsync {_share(calls, bench.rounds)}; shell {_share(shell_calls, bench.rounds)}")


def _until_secret(bench: Bench, site: Site, mark: int, run: Cost, user_agent: str) -> float:
    written = [
        call.answered
        for call in bench.plane.calls_since(mark, site.namespace, user_agent)
        if call.writes and call.resource == "secrets" and call.name == SECRET
    ]
    return (written[0] - run.began).total_seconds()


@contextlib.contextmanager
def _site(plane: ControlPlane, name: str, folder: Path, requirement: str) -> Iterator[Site]:
    namespace = f"{name}-{os.getpid()}"
    plane.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    site = Site(plane, namespace, _made(folder / name), MODULE, requirement, SECRET, imports=(MODULE,), settle=0)
    site.add_server_and_daemons()
    yield site
    plane.remove("Namespace", "", namespace)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _first(lines: Iterable[str], count: int, word: str) -> Iterator[str]:
    for line in lines:
        if word in line:
            yield line
            count -= 1
        if not count:
            return


def _seconds(measured: Cost) -> float:
    return measured.seconds


def _memory(measured: Cost) -> float:
    return measured.mebibytes


def _verbs(calls: Sequence[AuditedCall]) -> list[str]:
    return [call.verb for call in calls]


def _by_verb(calls: Sequence[AuditedCall], rounds: int) -> str:
    return _share(Counter(_verbs(calls)), rounds)


def _share(verbs: Counter[str], rounds: int) -> str:
    return ", ".join(f"{verb} {count / rounds:g}" for verb, count in sorted(verbs.items())) or "none"


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.output}")
