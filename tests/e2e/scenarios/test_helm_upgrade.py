"""A release's `helm upgrade` leaves our stamp where it is, so that nothing restarts and nothing is to be done."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.repository import Repository
from tests.e2e.scenarios.promises import GOOD
from tests.e2e.site import Object, Site

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]


@pytest.mark.parametrize("way", ["client side", "server side"])
def test_an_upgrade_that_changes_no_template_restarts_nothing(
    empty_site: Site, repository: Repository, tmp_path: Path, helm: str, way: str
) -> None:
    workload = empty_site.add("judge", probe=True)
    empty_site.plane.remove("Deployment", empty_site.namespace, "judge")
    chart(tmp_path / "chart", workload)
    release(helm, empty_site, tmp_path / "chart", way, colour="green")
    assert empty_site.run().code == 0
    repository.push(GOOD)
    assert empty_site.run().code == 0
    before = empty_site.plane.get("Deployment", empty_site.namespace, "judge")

    release(helm, empty_site, tmp_path / "chart", way, colour="blue")
    after = empty_site.plane.get("Deployment", empty_site.namespace, "judge")
    assert after["metadata"]["labels"]["colour"] == "blue"
    assert after["spec"]["template"] == before["spec"]["template"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]

    mark = empty_site.plane.audit_mark()
    assert empty_site.run().code == 0
    assert not [call for call in empty_site.plane.calls_since(mark, empty_site.namespace) if call.writes]


def chart(folder: Path, workload: Object) -> None:
    """A chart with one workload, which has a label from the values."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("{apiVersion: v2, name: rucio, version: 1.0.0}")
    metadata = {**workload["metadata"], "labels": {"app": "judge", "colour": "{{ .Values.colour }}"}}
    (folder / "templates" / "deployment.yaml").write_text(json.dumps({**workload, "metadata": metadata}))


def release(helm: str, site: Site, folder: Path, way: str, *, colour: str) -> None:
    """Install or upgrade. Helm 3 knows the client's side alone; Helm 4 asks for the server's by itself."""
    command = [helm, "upgrade", "--install", "rucio", str(folder), "--namespace", site.namespace]
    command += ["--set", f"colour={colour}", "--kubeconfig", str(site.plane.kubeconfig)]
    if "--server-side" in subprocess.run([helm, "upgrade", "--help"], capture_output=True, text=True).stdout:
        command.append(f"--server-side={str(way == 'server side').lower()}")
    elif way == "server side":
        pytest.skip(f"{Path(helm).name} applies on the client's side alone")
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HELM_DRIVER": "configmap"})
    assert done.returncode == 0, done.stderr
