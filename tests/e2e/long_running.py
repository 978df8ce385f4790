"""The long-running form as a process beside a site on the control plane."""

from __future__ import annotations

import contextlib
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.site import ROOT, Site
from tests.servers.http import answered, free_port

SECRET = "only the forge knows"


@dataclass
class Process:
    """One process of the long-running form, with ports of its own; what it says is in *log*."""

    process: subprocess.Popen[bytes]
    health: int
    webhook: int
    log: Path
    configuration: Path

    def told(self, path: str) -> tuple[int, str]:
        return answered(f"http://127.0.0.1:{self.health}{path}")

    def asked(self, token: str) -> int:
        url = f"http://127.0.0.1:{self.webhook}/sync"
        return answered(urllib.request.Request(url, b"{}", {"X-Gitlab-Token": token}))[0]

    @property
    def leads(self) -> bool:
        return self.metric("secretsync_leader") == 1

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name that have these labels."""
        families = text_string_to_metric_families(self.told("/metrics")[1])
        samples = (sample for family in families for sample in family.samples)
        return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())

    @property
    def ready(self) -> bool:
        return self.told("/readyz")[0] == 200


@contextlib.contextmanager
def started(site: Site, name: str, more: Mapping[str, Any], kubeconfig: Path | None = None) -> Iterator[Process]:
    """A process that goes on with *site*, in a folder of its own, and does not outlive this."""
    folder = site.folder / name
    folder.mkdir()
    (folder / "secret").write_text(SECRET)
    health, webhook = free_port(), free_port()
    ports = {"health": {"port": health}, "webhook": {"port": webhook, "secret": {"file": "secret"}}}
    its_own = replace(site, folder=folder, beside={**ports, **more})
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(its_own.command(kubeconfig=kubeconfig), cwd=ROOT, stdout=log, stderr=log)
        try:
            yield Process(process, health, webhook, folder / "log", its_own.configuration(kubeconfig))
        finally:
            process.kill()
            process.wait()
