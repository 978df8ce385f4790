"""A wiring as a strategic merge patch, for manifests that no chart of Rucio's made."""

from __future__ import annotations

from typing import Any

import yaml

from secretsync.rucio.charts.values import CHARTS, WITHOUT_MOUNTS, comment, environment
from secretsync.rucio.wiring import Mount, Wiring


def render_patch(wiring: Wiring, container: str) -> str:
    """What ``kubectl patch --patch-file`` takes, for Deployments whose *container* runs Rucio."""
    notes = (
        f"A strategic merge patch: the container {container!r} gets the policy package's Secrets, and is told what to "
        f"import.\n{_on_python_path(wiring)}\n"
        "For each Deployment of Rucio's: kubectl patch deployment NAME --patch-file THIS_FILE"
    )
    return "\n".join([*comment(notes), yaml.safe_dump(_patch(wiring, container), sort_keys=False)])


def render_kustomization(wiring: Wiring, chart: str) -> str:
    """What goes into a ``kustomization.yaml``, one patch for each kind of Deployment of *chart*."""
    patches = [
        {"target": {"kind": "Deployment", "labelSelector": labels}, "patch": _named(wiring, container)}
        for labels, container in {**CHARTS, **WITHOUT_MOUNTS}[chart].containers.items()
    ]
    notes = (
        "For a kustomization.yaml: Deployments are found by the labels of Rucio's charts, and their container gets "
        f"the policy package's Secrets, and is told what to import.\n{_on_python_path(wiring)}"
    )
    return "\n".join([*comment(notes), yaml.dump({"patches": patches}, Dumper=_Dumper, sort_keys=False)])


def _on_python_path(wiring: Wiring) -> str:
    if wiring.python_path:
        return "It replaces a PYTHONPATH that the container has: add the folders that it needs to the value below."
    return f"PYTHONPATH stays as it is: {wiring.found_at} must be where Python looks already."


def _named(wiring: Wiring, container: str) -> str:
    """The patch with the name that kustomize wants of one; the target decides what it is applied to."""
    named = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "rucio"}}
    return yaml.safe_dump({**named, **_patch(wiring, container)}, sort_keys=False)


def _patch(wiring: Wiring, container: str) -> dict[str, Any]:
    changed = {
        "name": container,
        "env": [{"name": name, "value": value} for name, value in environment(wiring).items()],
        "volumeMounts": [_mount(mount) for mount in wiring.mounts],
    }
    volumes = [{"name": mount.volume, "secret": {"secretName": mount.secret}} for mount in wiring.mounts]
    return {"spec": {"template": {"spec": {"containers": [changed], "volumes": volumes}}}}


def _mount(mount: Mount) -> dict[str, str]:
    plain = {"name": mount.volume, "mountPath": mount.path}
    return {**plain, "subPath": mount.key} if mount.key else plain


class _Dumper(yaml.SafeDumper):
    """Writes the patches that lie in a kustomization as blocks, to be read by people."""


def _as_block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _as_block)
