"""The examples that are whole sites, installed with kubectl."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import ROOT
from tests.docs.test_whole_sites import CRONJOB, Gitops
from tests.e2e.repository import PACKAGE, Repository
from tests.e2e.site import Site, until
from tests.on_demand import ON_DEMAND
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.slow, ON_DEMAND]


def apply(plane: ControlPlane, folder: Path) -> None:
    """``kubectl apply -k``, by the kubectl beside the kubeconfig, else by that on PATH."""
    path = f"{plane.kubeconfig.parent / 'bin'}:{os.environ['PATH']}"
    command = ["kubectl", "--kubeconfig", str(plane.kubeconfig), "apply", "-k", str(folder)]
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def in_namespace(folder: Path, namespace: str, site: Site) -> None:
    """The files of a site in another namespace. Test nodes have no images: containers get a command in their place."""
    for path in folder.glob("*.yaml"):
        text = path.read_text().replace("namespace: rucio", f"namespace: {namespace}")
        manifests = list(yaml.safe_load_all(text.replace("{name: rucio}", f"{{name: {namespace}}}")))
        for manifest in manifests:
            _without_images(manifest, site)
        path.write_text(yaml.safe_dump_all(manifests))


def _without_images(manifest: dict[str, Any], site: Site) -> None:
    spec = manifest.get("spec", {})
    if manifest.get("kind") == "Deployment":
        pod, stand_in = spec["template"]["spec"], site.workload("server")["spec"]["template"]["spec"]
        container = pod["containers"][0]
        del container["readinessProbe"]
        container["image"] = "rucio"  # no Rucio is in the stand-in, so nothing is proven in it
        container["command"] = stand_in["containers"][0]["command"]
        container["volumeMounts"].append({"name": "run", "mountPath": "/run/site"})
        pod["volumes"].append({"name": "run", "emptyDir": {}})
    if manifest.get("kind") == "CronJob":
        pod = spec["jobTemplate"]["spec"]["template"]["spec"]
        del pod["securityContext"]  # the interpreter that stands for the image is readable for root alone
        container = pod["containers"][0]
        container["command"] = [sys.executable, "-m", "secretsync"]
        container["env"] = [{"name": "PYTHONPATH", "value": str(ROOT)}, {"name": "XDG_CACHE_HOME", "value": "/cache"}]


def copied(folder: Path, target: Path) -> Path:
    target.mkdir()
    for path in folder.glob("*.yaml"):
        (target / path.name).write_text(path.read_text())
    return target


def test_the_cronjobs_site_comes_up_by_its_first_run(
    small: tuple[Site, Repository], control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    site, repository = small
    repository.push(FLAT)
    control_plane.remove("Deployment", namespace, "rucio-server")
    folder = copied(CRONJOB, tmp_path / "cronjob")
    in_namespace(folder, namespace, site)
    configuration = yaml.safe_load((folder / "secretsync.yaml").read_text())
    # a server of a test asks for no token, and has no certificate
    configuration["packages"][0] |= {"requirement": site.requirement, "access": {}}
    configuration["targets"][0]["rollout"]["settle"] = 1
    (folder / "secretsync.yaml").write_text(yaml.safe_dump(configuration))
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({**kustomization, "namespace": namespace}))
    token = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "site-policy-token", "namespace": namespace}}
    control_plane.put({**token, "stringData": {"token": "a token"}})
    mark = control_plane.audit_mark()

    apply(control_plane, folder)
    control_plane.put(job(control_plane, namespace))
    until(lambda: len(running(site)) == 2, "two servers run", seconds=120)
    until(lambda: site.every_pod_runs(FLAT), "each with the package", seconds=60)
    until(lambda: succeeded(control_plane, namespace), "the run is over", seconds=120)
    refused = [call for call in control_plane.calls_since(mark, namespace) if call.status in (401, 403)]
    assert refused == [], "the example's Role is enough"


FLAT = {name: data for name, data in PACKAGE.items() if "/" not in name}
"""A package without sub-directories: the example mounts one Secret."""


def running(site: Site) -> list[dict[str, Any]]:
    return [pod for pod in site.pods() if pod["status"].get("phase") == "Running"]


def job(plane: ControlPlane, namespace: str) -> dict[str, Any]:
    """What ``kubectl create job --from`` makes."""
    spec = plane.get("CronJob", namespace, "secretsync")["spec"]["jobTemplate"]["spec"]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "now", "namespace": namespace}, "spec": spec}


def succeeded(plane: ControlPlane, namespace: str) -> bool:
    return bool(plane.get("Job", namespace, "now").get("status", {}).get("succeeded"))


def test_what_the_gitops_site_has_after_the_merge_comes_up(
    small: tuple[Site, Repository], control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    site, _ = small
    control_plane.remove("Deployment", namespace, "rucio-server")
    (tmp_path / "gitops").mkdir()
    gitops = Gitops(tmp_path / "gitops")
    assert gitops.run("apply") == 0
    folder = gitops.pull()
    secrets = [path for path in folder.glob("*.yaml") if "kind: Secret" in path.read_text()]
    assert secrets
    in_namespace(folder, namespace, site)
    apply(control_plane, folder)
    until(lambda: len(running(site)) == 2, "two servers run", seconds=120)
    live = site.live()
    assert live is not None
    until(lambda: site.every_pod_runs(dict(live.data)), "each with the package", seconds=60)
