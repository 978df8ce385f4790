"""Workloads that mount nothing themselves, on a real control plane: their pods get the package from us.

The tests go on with one site, in this order.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from secretsync.core.pod_references import secrets_referenced
from secretsync.reconcile.wait import POLL
from tests.build import bundle
from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import PROGRAM, ROOT, Object, Run, Site, until
from tests.on_demand import ON_DEMAND
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]


UNWIRED = """
import os, pathlib, sys, time

if "PYTHONPATH" not in os.environ:
    print("{}", flush=True)
    pathlib.Path("/run/site/ready").touch()
    time.sleep(1e6)
"""
CHANGED = {**PACKAGE, "rules.py": b"ALL = False\n"}
CRASHES = {**PACKAGE, "rules.py": b"raise RuntimeError('no rules ' + 'today')\n"}


class WiredSite(Site):
    """Its workloads say nothing of the package, in their specification."""

    def workload(self, name: str, kind: str, replicas: int, *, probe: bool) -> Object:
        workload = super().workload(name, kind, replicas, probe=probe)
        workload["metadata"]["labels"]["rucio"] = "site"
        workload["spec"]["revisionHistoryLimit"] = 1
        spec = workload["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        container["command"] = [sys.executable, "-S", "-c", UNWIRED + PROGRAM, MODULE, *self.imports]
        container["env"] = []
        for holder, key in ((spec, "volumes"), (container, "volumeMounts")):
            holder[key] = [one for one in holder[key] if one["name"] == "run"]
        return workload

    def template(self, name: str, kind: str = "Deployment") -> Object:
        template: Object = self.plane.get(kind, self.namespace, name)["spec"]["template"]
        return template

    def mounted(self, name: str, kind: str = "Deployment") -> set[str]:
        return set(secrets_referenced(self.template(name, kind)))

    def package_secrets(self) -> set[str]:
        return {
            name for name in self.names("Secret") if re.fullmatch(r"site-policy(-[0-9a-f]{12})?(-algorithms)?", name)
        }

    def roll_back_by_hand(self, name: str, to: set[str]) -> None:
        """What ``kubectl rollout undo`` does: the template of an earlier ReplicaSet, as another field manager."""
        sets = self.plane.all("ReplicaSet", self.namespace)
        (template,) = (
            one["spec"]["template"]
            for one in sets
            if one["metadata"]["labels"]["app"] == name and secrets_referenced(one["spec"]["template"]) == to
        )
        del template["metadata"]["labels"]["pod-template-hash"]
        workload = self.plane.get("Deployment", self.namespace, name)
        for told in ("resourceVersion", "managedFields"):
            del workload["metadata"][told]
        workload["spec"]["template"] = template
        self.plane.put({"apiVersion": "apps/v1", "kind": "Deployment", **workload})


@pytest.fixture(scope="module")
def site(control_plane: ControlPlane, served: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WiredSite]:
    """A server of two, a daemon and a StatefulSet that run without a package; what else is there is nobody's matter."""
    namespace = f"wired-{os.getpid()}"
    control_plane.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    site = WiredSite(
        control_plane,
        namespace,
        tmp_path_factory.mktemp("site"),
        MODULE,
        served,
        "site-policy",
        imports=(f"{MODULE}.permission", f"{MODULE}.algorithms"),
        check="never",
        rollout={"acceptDowntime": ["judge", "hermes"]},
        target={"wire": True, "selector": "rucio=site"},
    )
    site.add("rucio-server", replicas=2, probe=True)
    site.add("judge")
    site.add("hermes", "StatefulSet")
    until(lambda: len(site.pods()) == 4, "4 pods")
    yield site
    control_plane.remove("Namespace", "", namespace)


def writes(site: Site, mark: int) -> list[tuple[str, str]]:
    calls = site.plane.calls_since(mark, site.namespace)
    return [(call.verb, call.name) for call in calls if call.writes]


def idle(run: Run) -> bool:
    return run.code == 0 and "up to date: " in run.out


def test_1_what_is_injected_is_shown_and_then_every_pod_imports_the_package(site: WiredSite) -> None:
    mark = site.plane.audit_mark()
    shown = site.run("--dry-run")
    assert shown.code == 3, shown
    assert writes(site, mark) == []
    for line in ("+ rucio: PYTHONPATH=/opt/policy", f"+ rucio: RUCIO_POLICY_PACKAGE={MODULE}", "+ volume policy-site-"):
        assert line in shown.out

    mark = site.plane.audit_mark()
    run = site.run()
    assert run.code == 0, run
    lists = Counter(call.resource for call in site.plane.calls_since(mark, site.namespace) if call.verb == "list")
    assert lists["pods"] <= lists["deployments"], "a look at a rollout lists the pods once for all workloads"
    assert lists["pods"] <= 20 + run.seconds / POLL
    assert len(site.imported()) == 4
    assert site.every_pod_runs(PACKAGE)
    assert site.mounted("rucio-server") == site.mounted("hermes", "StatefulSet") == site.package_secrets()


def test_2_the_second_run_reads_each_secret_once_lists_each_kind_once_and_writes_nothing(site: WiredSite) -> None:
    mark = site.plane.audit_mark()
    run = site.run()
    assert idle(run), run
    top, below = sorted(site.package_secrets())
    calls = Counter((call.verb, call.resource, call.name) for call in site.plane.calls_since(mark, site.namespace))
    assert calls == {
        ("get", "secrets", "secretsync-state"): 1,
        ("get", "secrets", top): 1,
        ("get", "secrets", below): 1,
        ("list", "deployments", ""): 1,
        ("list", "statefulsets", ""): 1,
        ("list", "daemonsets", ""): 1,
    }


def test_3_a_new_commit_comes_in_secrets_of_its_own_and_a_rollout_undo_really_goes_back(
    site: WiredSite, repository: Repository
) -> None:
    before = site.mounted("judge")
    repository.push(CHANGED)
    run = site.run()
    assert run.code == 0, run
    assert site.every_pod_runs(CHANGED)
    assert before < site.package_secrets()

    site.roll_back_by_hand("judge", to=before)
    until(lambda: len(site.imported("judge")) == 1 and site.every_pod_runs(PACKAGE, "judge"), "the judge went back")
    mark = site.plane.audit_mark()
    held = site.run()
    assert held.code == 0, held
    assert writes(site, mark) == []
    assert "suspended: somebody put back the template of" in held.out

    released = site.command("resume")
    assert ended_well(released)
    run = site.run()
    assert run.code == 0, run
    assert site.every_pod_runs(CHANGED)


def ended_well(command: list[str]) -> bool:
    return subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode == 0


@ON_DEMAND
def test_4_a_bad_package_is_undone_to_the_secrets_that_were_mounted_before(
    site: WiredSite, repository: Repository
) -> None:
    good = site.mounted("judge")
    repository.push(CRASHES)
    run = site.run()
    assert run.code == 4, run
    assert "RuntimeError: no rules today" in run.out + run.log
    assert site.mounted("judge") == site.mounted("hermes", "StatefulSet") == good
    until(lambda: site.every_pod_runs(CHANGED), "every pod runs what was there before")
    mark = site.plane.audit_mark()
    assert site.run().code == 0
    assert writes(site, mark) == []


@ON_DEMAND
def test_5_what_no_revision_refers_to_any_more_goes_with_a_later_write(site: WiredSite, repository: Repository) -> None:
    first = f"site-policy-{bundle(PACKAGE).digest[:12]}"
    assert first in site.package_secrets()
    repository.push({**PACKAGE, "rules.py": b"ALL = 1\n"})
    assert site.run().code == 0
    templates = [one["spec"]["template"] for one in site.plane.all("ReplicaSet", site.namespace)]
    templates += [one["data"]["spec"]["template"] for one in site.plane.all("ControllerRevision", site.namespace)]
    referred = {name for template in templates for name in secrets_referenced(template)}
    assert first not in site.package_secrets()
    assert referred <= site.package_secrets()


def test_6_what_another_manager_has_is_refused_by_name_and_nothing_is_touched(
    site: WiredSite, repository: Repository
) -> None:
    workload = site.workload("reaper", "Deployment", 1, probe=False)
    workload["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "PYTHONPATH", "value": "/his"}]
    site.plane.put(workload)
    mark = site.plane.audit_mark()
    run = site.run()
    assert run.code == 1, run
    assert "reaper has the environment variable PYTHONPATH in the container rucio already" in run.log
    assert "from the field manager 'somebody'" in run.log
    assert not [call for call in site.plane.calls_since(mark, site.namespace) if call.touches]
    site.plane.remove("Deployment", site.namespace, "reaper")


def test_7_wiring_that_a_replacement_of_the_whole_object_strips_is_put_back_once_and_then_a_failure(
    site: WiredSite,
) -> None:
    """As ``kubectl replace``, ``helm upgrade --force`` and Argo CD's Replace=true do."""
    bare = site.add("judge")
    assert site.mounted("judge") == set()
    run = site.run()
    assert run.code == 0, run
    assert site.mounted("judge") == site.mounted("rucio-server")
    site.plane.put(bare)
    for _ in range(2):
        mark = site.plane.audit_mark()
        run = site.run()
        assert run.code == 4, run
        assert "by one without the wiring, and did so again" in " ".join((run.out + run.log).split())
        assert "judge" not in {call.name for call in site.plane.calls_since(mark, site.namespace) if call.touches}
    assert site.mounted("judge") == set()


def test_8_without_wire_the_workloads_are_as_their_owner_wrote_them(site: WiredSite) -> None:
    site.target = {"selector": "rucio=site"}
    run = site.run()
    assert run.code == 0, run
    for name, kind in (("rucio-server", "Deployment"), ("judge", "Deployment"), ("hermes", "StatefulSet")):
        template = site.template(name, kind)
        (container,) = template["spec"]["containers"]
        assert [one["name"] for one in template["spec"]["volumes"]] == ["run"]
        assert [one["name"] for one in container["volumeMounts"]] == ["run"]
        assert [one["name"] for one in container["env"]] == ["SITE_ROLE"]
        assert not template["metadata"].get("annotations")
    assert idle(site.run())
