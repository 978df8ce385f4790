"""The doctor on a real control plane: a healthy site, a daemon that is not, and what an account may do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from secretsync.cluster.api import in_context
from secretsync.cluster.rbac import Access
from secretsync.operations.permissions import required_rules, secret_names_with_history
from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import Run, Site, ended
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

VARIABLES = [{"name": "PYTHONPATH", "value": "/opt/site"}, {"name": "RUCIO_POLICY_PACKAGE", "value": MODULE}]


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Site:
    """Three workloads that are told what to load, deployed."""
    repository = Repository(tmp_path)
    repository.push(PACKAGE)
    requirement = f"git+file://{repository.bare}"
    site = Site(control_plane, namespace, tmp_path, MODULE, requirement, "site-policy", imports=(MODULE,), settle=0)
    for name in ("rucio-server", "judge", "reaper"):
        manifest = site.add(name, probe=True)
        manifest["spec"]["template"]["spec"]["containers"][0]["env"] += VARIABLES[1:]
        control_plane.put(manifest)
    first = site.run()
    assert first.code == 0, first
    return site


def doctor(site: Site, *arguments: str) -> Run:
    return ended(site.start(*arguments, "doctor"))


def test_a_healthy_site_is_one_line_and_a_sick_daemon_is_named_with_its_remedy(site: Site) -> None:
    mark = site.plane.audit_mark()
    well = doctor(site)
    assert well.code == 0, well
    assert "all three conditions hold in 3 containers" in well.out
    assert not [call for call in site.plane.calls_since(mark, site.namespace) if call.writes]

    sick = site.plane.get("Deployment", site.namespace, "judge")
    container = sick["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [one for one in container["env"] if one["name"] != "RUCIO_POLICY_PACKAGE"]
    site.plane.put(sick)
    told = doctor(site)
    assert told.code == 1, told
    assert "Deployment judge  ✓     ✓     ✗" in told.out
    assert f"To fix it: RUCIO_POLICY_PACKAGE: {MODULE}" in " ".join(told.out.split())


def test_an_account_learns_what_it_lacks_and_what_it_may_beyond_need(site: Site, tmp_path: Path) -> None:
    names = secret_names_with_history(["site-policy", "site-policy-algorithms"], ["site-policy"], count=5)
    rules = [need.rule() for need in required_rules("secretsync", names, wired=False, proves=True)]
    assert footing(site, tmp_path, rules) == []
    (lacking,) = footing(site, tmp_path, rules[1:])
    assert lacking["failure"]
    assert {"resource": "secrets", "verbs": ["create"], "names": []} in lacking["missing_rights"]
    (more,) = footing(site, tmp_path, [*rules, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}])
    assert not more["failure"]
    assert "list secrets" in more["text"]


def footing(site: Site, folder: Path, rules: list[dict[str, object]]) -> list[dict[str, object]]:
    token = site.plane.token(site.namespace, "doctor", rules)
    there = folder / "as-doctor"
    there.mkdir(exist_ok=True)
    kubeconfig = site.plane.kubeconfig_for(there / "kubeconfig", token=token)
    told = ended(site.start("--output", "json", "doctor", kubeconfig=kubeconfig))
    found: list[dict[str, object]] = json.loads(told.out)["targets"][0]["notes"]
    return found


def test_a_source_that_does_not_answer_is_told_and_the_rest_is_judged_all_the_same(site: Site) -> None:
    told = doctor(replace(site, requirement="git+http://127.0.0.1:9/policy.git"))
    assert told.code == 1
    assert f"the source of {MODULE} cannot be read" in " ".join(told.out.split())
    assert "all three conditions hold" in told.out


def test_each_thing_may_be_asked_by_itself(site: Site, tmp_path: Path) -> None:
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["atlas"]}]
    token = site.plane.token(site.namespace, "asker", rules)
    cluster = in_context(site.plane.context, site.plane.kubeconfig_for(tmp_path / "asker", token=token))
    assert cluster.allows(site.namespace, Access("get", "", "secrets", "atlas"))
    assert not cluster.allows(site.namespace, Access("get", "", "secrets", "other"))
    assert not cluster.allows(site.namespace, Access("get", "", "pods/log"))
