"""A commit to the policy becomes a merge request, its merge new pods, and a revert of the merge the pods of before.

secretsync has no right in the cluster here: what git has is applied as Flux would, manifests as they are and a chart by
Helm with the values of the repository.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from secretsync import config
from secretsync.reconcile import repository_factory
from tests.cluster.repository.site import Site as GitSite
from tests.cluster.repository.site import git
from tests.e2e.repository import MODULE, PACKAGE, Repository
from tests.e2e.site import PROGRAM, Site, until
from tests.rucio.charts.rendering import render
from tests.servers import forge as forges
from tests.servers import git_http
from tests.servers.control_plane import ControlPlane
from tests.servers.forge import FakeForge

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

VALUES = "# the daemons of our site\nreaperCount:   1   # one is enough\n"
CHANGED = {**PACKAGE, "rules.py": b"ALL = False\n"}
KUSTOMIZATION = "kind: Kustomization\nresources: []  # secretsync lists its Secrets\n"
DAEMONS = 2
"""The daemons of the fixture chart that are on by default."""
PROPOSED = "secretsync/secretsync/{namespace}"


class Production(GitSite):
    """A site whose manifests and values are in git, and the cluster that a GitOps tool brings to them."""

    def __init__(self, folder: Path, served: str, policy: str, cluster: Site, helm: str) -> None:
        token = {"env": "FORGE_TOKEN"}
        url = f"{served}/site/flux.git"
        super().__init__(folder, url, propose="merge-request", forge="gitlab", forgeToken=token)
        self.commit({"apps/daemons.yaml": VALUES, "clusters/production/kustomization.yaml": KUSTOMIZATION})
        self._policy, self.cluster, self._helm = policy, cluster, helm

    @property
    def configuration(self) -> config.Config:
        content = {
            "cache": "cache",
            "packages": [{"moduleName": MODULE, "requirement": self._policy}],
            "targets": [{"cluster": self._cluster, "namespace": self.cluster.namespace}],
        }
        return config.parse(content, self.folder / "secretsync.yaml")

    @property
    def proposed(self) -> str:
        return PROPOSED.format(namespace=self.cluster.namespace)

    def revert_the_merge(self) -> None:
        git(self.work, "fetch", "--quiet", "origin")
        git(self.work, "checkout", "--quiet", "-B", "main", "origin/main")
        git(self.work, "revert", "--no-edit", "--mainline", "1", "HEAD")
        git(self.work, "push", "--quiet", "origin", "main")

    def apply_what_git_has(self) -> None:
        """The manifests by ``kubectl apply -k``, and the chart with the values of the repository."""
        git(self.work, "fetch", "--quiet", "origin")
        git(self.work, "checkout", "--quiet", "-B", "main", "origin/main")
        plane = self.cluster.plane
        own = plane.kubeconfig.parent / "bin" / "kubectl"
        kubectl = [str(own) if own.exists() else "kubectl", "--kubeconfig", str(plane.kubeconfig)]
        subprocess.run([*kubectl, "apply", "-k", str(self.work / "clusters" / "production")], check=True)
        for manifest in render(self._helm, self.show("apps/daemons.yaml"), chart="daemons", folder=self.folder):
            if manifest["kind"] == "Deployment":
                self.cluster.plane.put(runnable(manifest, self.cluster.namespace))


def runnable(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    """What the chart renders, with the package's mounts alone and a program in place of the image's."""
    manifest["metadata"]["namespace"] = namespace
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    container["command"] = [sys.executable, "-S", "-c", PROGRAM, MODULE, f"{MODULE}.permission"]
    volumes = [volume for volume in pod["volumes"] if volume["secret"]["secretName"].startswith("site-policy")]
    names = {volume["name"] for volume in volumes}
    container["volumeMounts"] = [mount for mount in container["volumeMounts"] if mount["name"] in names]
    container["volumeMounts"].append({"name": "run", "mountPath": "/run/site"})
    pod["volumes"] = [*volumes, {"name": "run", "emptyDir": {}}]
    pod["terminationGracePeriodSeconds"] = 1
    manifest["spec"]["minReadySeconds"] = 0
    return manifest


@pytest.fixture
def production(
    control_plane: ControlPlane, namespace: str, helm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Production, Repository, FakeForge]]:
    (tmp_path / "policy").mkdir()
    (tmp_path / "site").mkdir()
    policy, forge = Repository(tmp_path / "policy"), FakeForge("gitlab")
    policy.push(PACKAGE)
    cluster = Site(control_plane, namespace, tmp_path, MODULE, "", "site-policy")
    with (
        git_http.serve(policy.bare.parent) as policies,
        git_http.serve(tmp_path / "site" / "served") as served,
        forges.serve(forge) as host,
    ):
        monkeypatch.setenv("FORGE_TOKEN", "forge-token")
        # a forge's API is at its repositories' host; this one has a server of its own
        opened = repository_factory.open_forge
        monkeypatch.setattr(
            repository_factory,
            "open_forge",
            lambda settings, repository, base: opened(settings, f"http://{host}/site/flux.git", base),
        )
        requirement = f"git+{policies}/{policy.bare.name}"
        yield Production(tmp_path / "site", served, requirement, cluster, helm), policy, forge


def test_a_merge_brings_new_pods_and_a_revert_of_it_the_pods_of_before(
    production: tuple[Production, Repository, FakeForge],
) -> None:
    site, policy, forge = production

    site.sync()
    site.merge(site.proposed)
    site.apply_what_git_has()
    until(lambda: runs(site, PACKAGE), "the first merge runs")

    policy.push(CHANGED)
    site.sync()
    site.apply_what_git_has()
    assert runs(site, PACKAGE), "what is proposed changes nothing"
    (*_, request) = [one for one in forge.requests if one["state"] == "open"]
    assert "rules.py" in request["body"]
    site.merge(site.proposed)
    site.apply_what_git_has()
    until(lambda: runs(site, CHANGED), "the second merge runs")

    site.revert_the_merge()
    site.apply_what_git_has()
    until(lambda: runs(site, PACKAGE), "the revert runs")


def runs(site: Production, files: dict[str, bytes]) -> bool:
    return len(site.cluster.imported()) == DAEMONS and site.cluster.every_pod_runs(files)
