"""The init container of the examples, on the real control plane."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import PROGRAM, ROOT, Site, until
from tests.servers import git_http
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

EXAMPLE = ROOT / "examples" / "three-ways" / "init-container.yaml"


def test_a_pod_whose_init_container_fetches_the_package_imports_it(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    repository = Repository(tmp_path)
    repository.push(PACKAGE)
    configuration, deployment = yaml.safe_load_all(EXAMPLE.read_text())
    with git_http.serve(repository.bare.parent) as url:
        told = yaml.safe_load(configuration["data"]["secretsync.yaml"])
        told["packages"] = [{"moduleName": MODULE, "requirement": f"git+{url}/{repository.bare.name}"}]
        configuration["data"]["secretsync.yaml"] = yaml.safe_dump(told)
        on_the_test_node(deployment["spec"]["template"]["spec"])
        for manifest in (configuration, deployment):
            manifest["metadata"]["namespace"] = namespace
            control_plane.put(manifest)
        site = Site(control_plane, namespace, tmp_path, MODULE, url, "unused")
        until(lambda: bool(site.pods()) and site.every_pod_runs(PACKAGE), "the pod imports what was fetched")


def on_the_test_node(spec: dict[str, Any]) -> None:
    """Its containers run this machine's programs in place of images."""
    (fetching,), (running,) = spec["initContainers"], spec["containers"]
    fetching["command"] = [sys.executable, "-m", "secretsync"]
    fetching["workingDir"] = str(ROOT)
    fetching["env"] = [{"name": "XDG_CACHE_HOME", "value": "/cache"}]
    running["command"] = [sys.executable, "-S", "-c", PROGRAM, MODULE, MODULE]
    running["volumeMounts"].append({"name": "run", "mountPath": "/run/site"})
    spec["volumes"].append({"name": "run", "emptyDir": {}})
    spec["terminationGracePeriodSeconds"] = 1
