"""The main job on a real control plane: a server and 28 daemons import a policy package from mounted Secrets.

The tests go on with one site, in this order; each leaves every workload current.
"""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from subprocess import Popen

import pytest

from tests.e2e.repository import MODULE, PACKAGE, Repository, raising
from tests.e2e.site import Site, ended, until
from tests.servers import api_proxy as faults
from tests.servers.api_proxy import Fault, Proxy
from tests.servers.http import Request

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

CHANGED = {
    **{name: data for name, data in PACKAGE.items() if name != "quota.py"},
    "rules.py": b"ALL = False\n",
    "algorithms/lfn2pfn.py": b"def lfn2pfn():\n    return None\n",
}


def test_1_the_first_run_makes_the_secrets_and_all_pods_come_up_with_them(site: Site) -> None:
    run = site.run()
    assert run.code == 0, run
    assert site.live_files() == PACKAGE
    until(lambda: len(site.pods()) == 29, "29 pods")
    until(lambda: site.every_pod_runs(PACKAGE), "every pod runs the package")


def test_2_the_second_run_reads_each_secret_once_lists_each_kind_once_and_writes_nothing(site: Site) -> None:
    mark = site.plane.audit_mark()
    run = site.run()
    assert run.code == 0, run
    calls = Counter((call.verb, call.resource, call.name) for call in site.plane.calls_since(mark, site.namespace))
    assert calls == {
        ("get", "secrets", "secretsync-state"): 1,
        ("get", "secrets", "site-policy"): 1,
        ("get", "secrets", "site-policy-algorithms"): 1,
        ("list", "deployments", ""): 1,
        ("list", "statefulsets", ""): 1,
        ("list", "daemonsets", ""): 1,
    }


def test_3_a_dry_run_shows_what_the_run_then_does_and_every_pod_serves_the_new_bytes(
    site: Site, repository: Repository
) -> None:
    repository.push(CHANGED)
    mark, before = site.plane.audit_mark(), site.generations()

    shown = site.run("--dry-run")
    assert shown.code == 3, shown
    assert not [call for call in site.plane.calls_since(mark, site.namespace) if call.writes]
    for line in ("~ rules.py", "- quota.py", "+ algorithms/lfn2pfn.py"):
        assert line in shown.out

    run = site.run()
    assert run.code == 0, run
    assert site.live_files() == CHANGED
    assert [line for line in run.out.splitlines() if line[6:8] in ("~ ", "- ", "+ ")] == [
        line for line in shown.out.splitlines() if line[6:8] in ("~ ", "- ", "+ ")
    ]
    assert site.every_pod_runs(CHANGED)
    assert site.generations() == {name: generation + 1 for name, generation in before.items()}


def test_4_killed_between_the_secrets_and_the_restarts_the_next_run_restarts_each_workload_once(
    site: Site, repository: Repository, proxy: Proxy, through_proxy: Path
) -> None:
    repository.push(PACKAGE)
    before = site.generations()

    killed = site.start("--once", kubeconfig=through_proxy)
    proxy.spoils = kill_at_the_first_restart(killed)
    assert ended(killed).code == -signal.SIGKILL
    assert site.live_files() == PACKAGE
    assert site.generations() == before

    run = site.run()
    assert run.code == 0, run
    assert site.every_pod_runs(PACKAGE)
    assert site.generations() == {name: generation + 1 for name, generation in before.items()}


def kill_at_the_first_restart(process: Popen[str]) -> faults.Spoils:
    def spoils(request: Request) -> Fault | None:
        return faults.before(process.kill) if request.method == "PATCH" else None

    return spoils


def test_5_a_commit_without_the_modules_directory_is_refused_and_told_once_and_what_is_live_is_not_touched(
    site: Site, repository: Repository
) -> None:
    repository.push({}, module=MODULE)
    mark = site.plane.audit_mark()
    run = site.run()
    assert run.code == 1, run
    assert MODULE in run.log
    assert not [call for call in site.plane.calls_since(mark, site.namespace) if call.touches]
    assert site.live_files() == PACKAGE
    events = site.plane.all("Event", site.namespace)
    (told,) = [event["message"] for event in events if event.get("reason") == "SourceUnavailable"]
    assert MODULE in told

    mark = site.plane.audit_mark()
    assert site.run().code == 1
    assert not [call for call in site.plane.calls_since(mark, site.namespace) if call.writes]


def test_6_a_module_that_pods_cannot_import_fails_fast_with_their_words_and_the_next_commit_heals_it(
    site: Site, repository: Repository
) -> None:
    repository.push({**PACKAGE, "rules.py": raising("no rules today")})
    run = site.run()
    assert run.code == 4, run
    assert run.seconds < 60
    assert "RuntimeError: no rules today" in run.out + run.log

    repository.push(CHANGED)
    healed = site.run()
    assert healed.code == 0, healed
    until(lambda: site.every_pod_runs(CHANGED), "every pod runs the healed package")


def test_7_of_two_runs_at_once_nobodys_update_is_lost(site: Site, repository: Repository) -> None:
    repository.push(PACKAGE)
    before = site.generations()
    both = [site.start("--once"), site.start("--once")]
    runs = [ended(process) for process in both]
    assert 0 in {run.code for run in runs}, runs
    assert {run.code for run in runs} <= {0, 1}, runs

    last = site.run()
    assert last.code == 0, last
    assert site.live_files() == PACKAGE
    assert site.every_pod_runs(PACKAGE)
    assert site.generations() == {name: generation + 1 for name, generation in before.items()}


def test_somebody_elses_label_that_comes_in_between_is_kept(
    site: Site, repository: Repository, proxy: Proxy, through_proxy: Path
) -> None:
    repository.push(CHANGED)

    def spoils(request: Request) -> Fault | None:
        """Somebody labels the Secret between our reading and our writing."""
        path = request.path
        if request.method != "PUT" or "/secrets/site-policy?" not in path or "dryRun" in path:
            return None
        proxy.spoils = lambda request: None
        return lambda forward: (label(site), forward())[1]

    proxy.spoils = spoils
    run = site.run(kubeconfig=through_proxy)
    assert run.code == 0, run
    live = site.live()
    assert live is not None
    assert live.labels["team"] == "ddm"
    assert site.live_files() == CHANGED
    assert site.every_pod_runs(CHANGED)


def label(site: Site) -> None:
    manifest = site.plane.get("Secret", site.namespace, "site-policy")
    manifest["metadata"]["labels"]["team"] = "ddm"
    site.plane.put(manifest)
