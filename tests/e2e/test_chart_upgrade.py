"""A release of an earlier chart, upgraded in place by Helm: what is live and what is remembered stay."""

from __future__ import annotations

import tarfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync.core.model import Secret
from tests.e2e.long_running import SECRET
from tests.e2e.repository import PACKAGE, Repository
from tests.e2e.site import ROOT, Site, ended, until
from tests.e2e.test_chart import SECOND, THIRD, Release, helm, job_of_the_cronjob, secret, values
from tests.on_demand import ON_DEMAND
from tests.releases import earlier
from tests.servers.control_plane import ControlPlane
from tests.servers.http import answered, free_port

pytestmark = [pytest.mark.control_plane, pytest.mark.slow, ON_DEMAND]

__all__ = ["helm"]
EARLIER: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "chart" / "earlier" / "first.yaml").read_text())


def test_the_first_charts_cronjob_becomes_a_deployment_that_goes_on_where_it_was(
    helm: str, small: tuple[Site, Repository], control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    site, repository = small
    for named in (secret(site), credential(site), trust(site)):
        control_plane.put(named)
    release, webhook = Release(helm, site, tmp_path), free_port()

    cronjob = {**EARLIER["cronjob"], "suspend": True}
    its_own = {**EARLIER, **values(site, webhook), "mode": "cronjob", "cronjob": cronjob}
    release.put("install", its_own)
    control_plane.put(job_of_the_cronjob(site))
    until(lambda: bool(site.pods()) and site.every_pod_runs(PACKAGE), "the CronJob's run", seconds=120)
    until(lambda: job_is_over(site), "the run is recorded", seconds=120)
    live, restarts = written(site), site.generations()["rucio-server"]

    release.put("upgrade", {**its_own, "mode": "deployment"})
    assert site.names("CronJob") == set()
    assert written(site) == live, "nothing is written anew"
    assert site.generations()["rucio-server"] == restarts, "nothing is restarted anew"

    push(site, repository, webhook, SECOND)
    release.do("test", "policy")
    notes = release.do("get", "notes", "policy")
    assert "get secret/policy-token configmap/site-ca\n" in notes, "what a pod may wait for"
    assert "`helm uninstall` leaves the policy Secrets" in notes
    release.do("uninstall", "policy")

    assert site.live_files() == SECOND
    assert control_plane.cluster.secret(namespace, "secretsync-state"), "a new installation goes on where this one was"


@pytest.mark.parametrize("version", earlier.VERSIONS)
def test_an_earlier_release_that_has_deployed_twice_is_upgraded_without_a_write_or_a_restart(
    helm: str, version: str, small: tuple[Site, Repository], control_plane: ControlPlane, tmp_path: Path
) -> None:
    site, repository = small
    control_plane.put(secret(site))
    old = earlier.unpacked(version, tmp_path / "wheel")
    with tarfile.open(old.chart) as archive:
        archive.extractall(tmp_path / "archive", filter="data")
    before = Release(helm, site, tmp_path / "before", source=tmp_path / "archive" / "secretsync")
    its_code = {"extraEnv": [{"name": "PYTHONPATH", "value": str(old.code)}]}
    webhook = free_port()
    before.put("install", values(site, webhook, mode="deployment", **its_code))
    until(lambda: site.every_pod_runs(PACKAGE), "the earlier release's first pass", seconds=120)
    push(site, repository, webhook, SECOND)
    live, generation = written(site), site.generations()["rucio-server"]

    webhook = free_port()
    after, mark = Release(helm, site, tmp_path / "after"), control_plane.audit_mark()
    after.put("upgrade", values(site, webhook, mode="deployment"))
    # its pod is ready, so its first pass is over
    calls = control_plane.calls_since(mark, site.namespace)
    assert calls, "today's release has looked"
    assert [call for call in calls if call.status in (401, 403)] == []
    assert [call for call in calls if call.touches] == []
    assert (written(site), site.generations()["rucio-server"]) == (live, generation)

    push(site, repository, webhook, THIRD)
    assert site.generations()["rucio-server"] == generation + 1
    for revision, files in ("2", SECOND), ("1", PACKAGE):
        back = ended(site.start("rollback", revision))
        assert back.code == 0, back
        assert site.live_files() == files, "what the earlier release has kept"
    after.do("uninstall", "policy")


def push(site: Site, repository: Repository, webhook: int, files: dict[str, bytes]) -> None:
    repository.push(files)
    asking = urllib.request.Request(f"http://127.0.0.1:{webhook}/sync", b"{}", {"X-Gitlab-Token": SECRET})
    assert answered(asking)[0] == 202
    until(lambda: site.every_pod_runs(files), "the push is live", seconds=120)


def credential(site: Site) -> dict[str, Any]:
    metadata = {"name": "policy-token", "namespace": site.namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"token": "a token"}}


def trust(site: Site) -> dict[str, Any]:
    metadata = {"name": "site-ca", "namespace": site.namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": ""}}


def job_is_over(site: Site) -> bool:
    return bool(site.plane.get("Job", site.namespace, "now").get("status", {}).get("succeeded"))


def written(site: Site) -> list[Secret | None]:
    """The policy's Secrets, write ids included."""
    return [site.live(directory) for directory in site.directories]
