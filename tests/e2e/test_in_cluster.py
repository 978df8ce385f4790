"""secretsync as it runs in production: in a pod, as a service account that may do little."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync.operations.permissions import required_rules, secret_names_with_history
from tests.e2e.repository import PACKAGE, Repository
from tests.e2e.site import ROOT, Site, until
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

NEEDS = required_rules(
    "secretsync",
    secret_names_with_history(["site-policy", "site-policy-algorithms"], ["site-policy"], count=5),
    wired=False,
    proves=True,
)
ACCOUNT = "secretsync"


def test_a_job_deploys_the_package_with_its_service_account(
    small: tuple[Site, Repository], control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    site, _ = small
    control_plane.token(namespace, ACCOUNT, [need.rule() for need in NEEDS])
    control_plane.put(job(site, in_cluster(site)))

    until(lambda: ended(site), "the Job ends", seconds=120)

    assert status(site).get("succeeded") == 1, last_words(site)
    assert site.live_files() == PACKAGE
    assert site.every_pod_runs(PACKAGE)


def in_cluster(site: Site) -> Path:
    content = yaml.safe_load(site.configuration().read_text())
    content["targets"][0]["cluster"] = {"inCluster": True}
    path = site.folder / "in-cluster.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def job(site: Site, configuration: Path) -> dict[str, Any]:
    container = {
        "name": "secretsync",
        "image": "secretsync",
        "command": [sys.executable, "-m", "secretsync", "--config", str(configuration), "--once"],
        "workingDir": str(ROOT),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    pod = {"serviceAccountName": ACCOUNT, "restartPolicy": "Never", "containers": [container]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "secretsync", "namespace": site.namespace},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }


def status(site: Site) -> dict[str, Any]:
    told: dict[str, Any] = site.plane.get("Job", site.namespace, "secretsync").get("status", {})
    return told


def last_words(site: Site) -> list[str]:
    """What the containers of the Job's pods said before they ended."""
    pods = site.plane.cluster.pods(site.namespace)
    states = [told["state"] for pod in pods for told in pod["status"].get("containerStatuses", ())]
    return [state["terminated"].get("message", "") for state in states if "terminated" in state]


def ended(site: Site) -> bool:
    return bool(status(site).get("succeeded") or status(site).get("failed"))
