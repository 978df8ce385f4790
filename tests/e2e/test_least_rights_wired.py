"""The Role that `secretsync rbac` prints is enough for a wired target too: its proofs, its rollback and its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync.rucio.prove import RucioEnvironment
from tests.e2e.site import Object, Run, run_in
from tests.e2e.test_canary import daemon
from tests.rucio.check.build import policy
from tests.rucio.prove.conftest import rucio  # noqa: F401 - a fixture
from tests.servers.control_plane import AuditedCall, ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.network, pytest.mark.slow]

WALK = (
    ("plan",),
    ("apply",),
    ("doctor", "--deep"),
    "a second revision",
    ("apply",),
    ("rollback",),
    ("status",),
    ("resume",),
    "no wiring any more",
    "the Role for that",
    ("apply",),
    ("status",),
)
"""From a site without a package to a wired one, back by a revision, and to the end of the wiring."""
ENDS = {0, 1, 3}
FOR_WHAT_THIS_SITE_HAS_NOT = {
    ("get", "pods/log"): "the last words of a container that died",
    ("delete", "secrets"): "Secrets of revisions that no ReplicaSet refers to any more",
    ("delete", "pods"): "a proof that is taken back while its pod runs, and a StatefulSet's pod that hangs",
    ("patch", "statefulsets"): "workloads of that kind",
    ("patch", "daemonsets"): "as above",
    ("list", "rollouts"): "as above, where the API has them",
    ("patch", "rollouts"): "as above",
}
"""What is granted and not used here, and when it is."""


@dataclass
class WiredSite:
    """One daemon in a namespace, which mounts nothing itself; commands are run as an account with the least Role."""

    plane: ControlPlane
    namespace: str
    folder: Path
    environment: RucioEnvironment
    wire: bool = True
    kubeconfig: Path = field(default_factory=Path)

    def deploy(self) -> None:
        configuration = self.folder / "rucio.cfg"
        configuration.write_text("[database]\ndefault = sqlite://\n[policy]\npermission = generic\n")
        workload = daemon(self.namespace, self.environment.python.parent, configuration)
        spec = workload["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        wired = ("PYTHONPATH", "RUCIO_POLICY_PACKAGE")
        container["env"] = [variable for variable in container["env"] if variable["name"] not in wired]
        del container["volumeMounts"], spec["volumes"]
        self.plane.put(workload)

    def publish(self, text: str) -> None:
        package = self.folder / "source" / "pol"
        package.mkdir(parents=True, exist_ok=True)
        for file in policy({"notes.py": text}).files:
            (package / file.path).write_bytes(file.data)

    def use_least_role(self) -> list[Object]:
        """The rules of the Role that `rbac` prints for the configuration of now, which the account has from here on."""
        self.kubeconfig = self.plane.kubeconfig
        printed = self.run("rbac")
        assert printed.code == 0, printed
        (role,) = (manifest for manifest in yaml.safe_load_all(printed.out) if manifest["kind"] == "Role")
        token = self.plane.token(self.namespace, "least", role["rules"])
        self.kubeconfig = self.plane.kubeconfig_for(self.folder / "kubeconfig", token=token)
        return list(role["rules"])

    def run(self, *arguments: str) -> Run:
        (self.folder / "secretsync.yaml").write_text(yaml.safe_dump(self._settings()))
        return run_in(self.folder, *arguments)

    def _settings(self) -> dict[str, Any]:
        target = {
            "cluster": {"context": self.plane.context, "kubeconfig": str(self.kubeconfig)},
            "namespace": self.namespace,
            "selector": "app-group=rucio-daemons",
            "wire": self.wire,
            "rollout": {"settle": 1, "timeout": 120},
        }
        package = {"moduleName": "pol", "requirement": "./source", "check": {"fail": "never"}}
        return {"packages": [package], "targets": [target]}


@pytest.fixture
def site(
    control_plane: ControlPlane,
    namespace: str,
    tmp_path: Path,
    rucio: RucioEnvironment,  # noqa: F811 - the fixture
) -> WiredSite:
    site = WiredSite(control_plane, namespace, tmp_path, rucio)
    site.deploy()
    site.publish("first")
    return site


def test_no_step_of_a_wired_targets_life_is_forbidden_by_its_least_role(site: WiredSite) -> None:
    rules = site.use_least_role()
    mark = site.plane.audit_mark()
    refused: dict[str, list[AuditedCall]] = {}
    proven = 0
    for number, step in enumerate(WALK):
        if step == "a second revision":
            site.publish("second")
        elif step == "no wiring any more":
            site.wire = False
        elif step == "the Role for that":
            rules += site.use_least_role()
        else:
            here = site.plane.audit_mark()
            ended = site.run(*step)
            assert ended.code in ENDS, (step, ended)
            proven += "proving" in ended.log
            calls = site.plane.calls_since(here, site.namespace)
            refused[f"{number} {' '.join(step)}"] = [call for call in calls if call.status in (401, 403)]
    assert {step: calls for step, calls in refused.items() if calls} == {}
    assert proven >= 2, "both revisions were proven in a pod before they were mounted"
    calls = site.plane.calls_since(mark, site.namespace)
    granted = {(verb, resource) for rule in rules for verb in rule["verbs"] for resource in rule["resources"]}
    assert granted - {(call.verb, call.resource) for call in calls} <= set(FOR_WHAT_THIS_SITE_HAS_NOT)
