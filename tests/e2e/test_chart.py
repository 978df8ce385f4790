"""The chart, installed by Helm on a real control plane; its pods run secretsync as its service account."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import helms
from tests.e2e.long_running import SECRET
from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import ROOT, Site, until
from tests.on_demand import ALL
from tests.servers.control_plane import ControlPlane
from tests.servers.http import answered, free_port

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

HELMS = helms()
COMMAND = (sys.executable, "-m", "secretsync")
SECOND = {**PACKAGE, "rules.py": b"ALL = 'second'\n"}
THIRD = {**PACKAGE, "rules.py": b"ALL = 'third'\n"}


@pytest.fixture(params=(HELMS if ALL else HELMS[-1:]) or [None], ids=lambda path: Path(path).name if path else "none")
def helm(request: pytest.FixtureRequest) -> str:
    if request.param is None:
        pytest.skip("no Helm: set HELM to one or more programs, or run .ci/helm")
    return str(request.param)


class Release:
    """The chart, by default in the site's own namespace. There are no images: a command stands for the entrypoint."""

    def __init__(
        self,
        helm: str,
        site: Site,
        folder: Path,
        *,
        namespace: str = "",
        command: Sequence[str] = COMMAND,
        source: Path = ROOT / "chart",
    ) -> None:
        self._helm, self._site, self._chart = helm, site, folder / "chart"
        self._namespace = namespace or site.namespace
        shutil.copytree(source, self._chart)
        helpers = self._chart / "templates" / "_helpers.tpl"
        stands = json.dumps(list(command))
        helpers.write_text(helpers.read_text().replace("      args: {{", f"      command: {stands}\n      args: {{{{"))

    def do(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        command = [self._helm, *arguments, "--namespace", self._namespace]
        command += ["--kubeconfig", str(self._site.plane.kubeconfig)]
        command += ["--values", "-"] if values else []
        text = yaml.safe_dump(values) if values else None
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def put(self, verb: str, values: Mapping[str, Any]) -> None:
        self.do(verb, "policy", str(self._chart), "--wait", "--timeout", "120s", values=values)


def values(site: Site, webhook: int, **more: Any) -> dict[str, Any]:
    return {
        "config": {
            "packages": [{"moduleName": MODULE, "requirement": site.requirement}],
            "targets": [
                {
                    "cluster": {"inCluster": True},
                    "namespace": site.namespace,
                    "secretName": site.secret,
                    "rollout": {"settle": 1, "timeout": 120},
                }
            ],
            "interval": 3600,
            "health": {"port": free_port()},
            "webhook": {"port": webhook, "secret": {"file": "/webhook/token"}},
        },
        # not as credentials: the node of a test cluster may know no fsGroup, by which the pod's user reads those
        "extraVolumes": [{"name": "webhook", "secret": {"secretName": "webhook", "defaultMode": 0o444}}],
        "extraVolumeMounts": [{"name": "webhook", "mountPath": "/webhook", "readOnly": True}],
        "networkPolicy": {"enabled": True},
        "extraEnv": [{"name": "PYTHONPATH", "value": str(ROOT)}],
        **more,
    }


def secret(site: Site) -> dict[str, Any]:
    metadata = {"name": "webhook", "namespace": site.namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"token": SECRET}}


def job_of_the_cronjob(site: Site) -> dict[str, Any]:
    """What ``kubectl create job --from`` makes."""
    spec = site.plane.get("CronJob", site.namespace, "policy-secretsync")["spec"]["jobTemplate"]["spec"]
    metadata = {"name": "now", "namespace": site.namespace}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def test_a_push_goes_live_in_both_modes_and_no_call_is_forbidden(
    helm: str, small: tuple[Site, Repository], control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    site, repository = small
    control_plane.put(secret(site))
    release, webhook, mark = Release(helm, site, tmp_path), free_port(), control_plane.audit_mark()

    release.put("install", values(site, webhook, mode="deployment"))
    # the Deployment is available, so its pod is ready, so its first pass is over
    assert site.live_files() == PACKAGE
    repository.push(SECOND)
    asking = urllib.request.Request(f"http://127.0.0.1:{webhook}/sync", b"{}", {"X-Gitlab-Token": SECRET})
    assert answered(asking)[0] == 202
    until(lambda: site.every_pod_runs(SECOND), "the push is live")

    repository.push(THIRD)
    release.put("upgrade", values(site, webhook, mode="cronjob", cronjob={"suspend": True}))
    assert site.names("Deployment") == {"rucio-server"}
    control_plane.put(job_of_the_cronjob(site))
    until(lambda: site.every_pod_runs(THIRD), "the CronJob's run makes it live", seconds=120)
    release.do("test", "policy")
    calls = control_plane.calls_since(mark, namespace)
    release.do("uninstall", "policy")

    assert calls
    assert [call for call in calls if call.status in (401, 403)] == []
    assert site.live_files() == THIRD
