"""The same site on a real control plane, whose controllers roll out real pods."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.robustness.site import THEIRS, Files, Object, Site, is_of_package
from tests.robustness.zygote import Zygote
from tests.servers.api_proxy import proxying
from tests.servers.control_plane import ControlPlane

READ_SECONDS = 5.0
"""A loaded machine's API server takes longer to answer than a stub."""


@dataclass
class RealSite(Site):
    plane: ControlPlane

    def __post_init__(self) -> None:
        kubeconfig = self.plane.kubeconfig_for(self.folder / "through-proxy", server=self.proxy.url)
        self.connect(yaml.safe_load(kubeconfig.read_text()))
        for manifest in self.inhabitants():
            self.plane.put(manifest)

    def put(self, manifest: Object) -> None:
        self.plane.put(manifest)

    def pod_spec(self, name: str) -> Object:
        spec: Object = self.plane.get("Deployment", self.namespace, name)["spec"]["template"]["spec"]
        return spec

    def secrets(self) -> dict[str, dict[str, bytes]]:
        return {
            name: {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
            for secret in self.plane.all("Secret", self.namespace)
            if is_of_package(name := secret["metadata"]["name"])
        }

    def of_others(self) -> str:
        """What others wrote of it: controllers change the status, and its revision with it."""
        found = {}
        for kind in ("Secret", "Deployment"):
            for manifest in self.plane.all(kind, self.namespace):
                if (metadata := manifest["metadata"])["name"] in THEIRS:
                    written = {key: metadata.get(key) for key in ("name", "uid", "generation", "labels")}
                    found[f"{kind}/{metadata['name']}"] = [written, manifest.get("spec"), manifest.get("data")]
        return json.dumps(found, sort_keys=True)

    def forget_package(self, found: Files) -> None:
        """As before the first run, but for the pods; *found* is in Secrets that were made by hand."""
        for secret in self.plane.all("Secret", self.namespace):
            if (name := secret["metadata"]["name"]) not in THEIRS:
                self.plane.remove("Secret", self.namespace, name)
        for lease in self.plane.all("Lease", self.namespace):
            self.plane.remove("Lease", self.namespace, lease["metadata"]["name"])
        self.put_by_hand(found)
        if self.wire:
            self._make_workloads_anew()

    def _make_workloads_anew(self) -> None:
        ours = self.workloads()
        names = {manifest["metadata"]["name"] for manifest in ours}
        for name in names:
            self.plane.remove("Deployment", self.namespace, name)
        while names & {live["metadata"]["name"] for live in self.plane.all("Deployment", self.namespace)}:
            time.sleep(0.1)
        for manifest in ours:
            self.plane.put(manifest)


@contextlib.contextmanager
def real_site(plane: ControlPlane, folder: Path, *, wire: bool = False) -> Iterator[RealSite]:
    namespace = f"robust-{time.time_ns() % 10**9}"
    plane.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    zygote = Zygote(folder / "run", seconds=READ_SECONDS)
    proxy = proxying(plane.server, plane.certificate_authority)
    try:
        with proxy as front, contextlib.closing(zygote):
            yield RealSite(front, folder, zygote, namespace, wire, patience=60, plane=plane)
    finally:
        plane.remove("Namespace", "", namespace)
