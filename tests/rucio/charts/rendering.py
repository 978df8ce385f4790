"""The fixture chart, rendered by a real Helm."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).with_name("chart")
PUBLISHED: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("published.yaml").read_text())
"""What is recorded of each published minor of the charts."""
DAEMONS = {"reaperCount": 1, "judgeCleanerCount": 1}


def render(
    helm: str, *texts: str, chart: str = "server", release: str = "prod", folder: Path, **values: Any
) -> list[dict[str, Any]]:
    """What *release* of *chart* is made of, with *texts* as values files in this order and *values* before."""
    files = [yaml.safe_dump({"chart": chart, **DAEMONS, **values}), *texts]
    command = [helm, "template", release, str(CHART), *_written(files, folder)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    return [manifest for manifest in yaml.safe_load_all(told.stdout) if manifest]


def as_published(minor: str) -> dict[str, Any]:
    """Values by which the fixture renders as the charts of *minor* do, with all of its daemons."""
    recorded = PUBLISHED[minor]
    features = {
        "policyPackages": recorded["policy_packages"],
        "ephemeralVolume": recorded["ephemeral_volume"],
        "proxyCertificateSecret": recorded["proxy_certificate_secret"],
    }
    return {"features": features, **{f"{component}Count": 1 for component in recorded["components"]}}


def _written(files: Sequence[str], folder: Path) -> list[str]:
    options = []
    for number, text in enumerate(files):
        path = folder / f"values-{number}.yaml"
        path.write_text(text)
        options += ["--values", str(path)]
    return options


def pods(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pods' specifications, by the name of their Deployment."""
    found = {one["metadata"]["name"]: one for one in manifests if one["kind"] == "Deployment"}
    return {name: one["spec"]["template"]["spec"] for name, one in found.items()}


def container(pod: dict[str, Any]) -> dict[str, Any]:
    """The one container that runs Rucio; a server's pod has others beside it."""
    (found,) = [one for one in pod["containers"] if one["name"].startswith("rucio")]
    return dict(found)


def environment(pod: dict[str, Any]) -> list[tuple[str, str]]:
    """The variables of the container with Rucio, in their order."""
    return [(variable["name"], variable["value"]) for variable in container(pod)["env"]]


def mounts(pod: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Which Secret, and which key of it, is at which path of the container with Rucio."""
    secrets = {volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    return {
        mount["mountPath"]: (secrets[mount["name"]], mount.get("subPath") or "")
        for mount in container(pod)["volumeMounts"]
        if mount["name"] in secrets
    }
