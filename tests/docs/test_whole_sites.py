"""The examples that are whole sites can be installed, and what they install fits together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import chart_role
from secretsync import config
from secretsync.cli.main import main
from tests import ROOT
from tests.cluster.repository.site import git

CRONJOB, GITOPS = ROOT / "examples/cronjob", ROOT / "examples/gitops"
PRODUCTION = Path("clusters/production/rucio")
PERMISSION = "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n"


def manifests(folder: Path) -> Iterator[dict[str, Any]]:
    """What the kustomization of *folder* lists."""
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]:
        yield from yaml.safe_load_all((folder / name).read_text())


def add_package(folder: Path) -> None:
    """A policy package in ``policy`` below *folder*."""
    package = folder / "policy" / "site_policy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "permission.py").write_text(PERMISSION)


def found(folder: Path, kind: str) -> dict[str, Any]:
    (one,) = [manifest for manifest in manifests(folder) if manifest["kind"] == kind]
    return dict(one)


def test_the_cronjobs_role_is_what_secretsync_prints_for_its_configuration() -> None:
    assert (CRONJOB / "rbac.yaml").read_text() == chart_role.role_of_example(), "run 'make generated'"


def test_the_cronjob_runs_as_the_account_that_the_role_is_bound_to_and_mounts_what_there_is() -> None:
    pod = found(CRONJOB, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    account = found(CRONJOB, "ServiceAccount")["metadata"]["name"]
    assert pod["serviceAccountName"] == account == found(CRONJOB, "RoleBinding")["subjects"][0]["name"]
    (container,) = pod["containers"]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted.keys() == {volume["name"] for volume in pod["volumes"]}
    (generated,) = yaml.safe_load((CRONJOB / "kustomization.yaml").read_text())["configMapGenerator"]
    assert pod["volumes"][0]["configMap"]["name"] == generated["name"]
    allowed = {name for rule in found(CRONJOB, "Role")["rules"] for name in rule.get("resourceNames", [])}
    assert generated["name"] not in allowed, "kustomize would rename that as well"
    assert container["args"][1] == f"{mounted['config']}/{generated['files'][0]}"
    package = config.load(CRONJOB / "secretsync.yaml").packages[0]
    assert str(package.access.token).find(mounted["credentials"]) >= 0


@pytest.mark.parametrize("folder", [CRONJOB, GITOPS / PRODUCTION], ids=["cronjob", "gitops"])
def test_the_server_fulfils_the_three_conditions(folder: Path) -> None:
    configuration = config.load((CRONJOB if folder == CRONJOB else GITOPS) / "secretsync.yaml")
    pod = found(folder, "Deployment")["spec"]["template"]["spec"]
    (container,), (volume,) = pod["containers"], pod["volumes"]
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    module = configuration.packages[0].module_name
    assert volume["secret"]["secretName"] == configuration.targets[0].secret_name
    assert container["volumeMounts"][0]["mountPath"] == f"{variables['PYTHONPATH']}/{module}"
    assert variables["RUCIO_CFG_POLICY_PACKAGE"] == module


class Gitops:
    """The example's repository at a server, and a policy package beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._bare, self.clone = folder, folder / "production.git", folder / "clone"
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self._bare))
        git(folder, "clone", "--quiet", str(self._bare), str(self.clone))
        for path in (path for path in GITOPS.rglob("*") if path.is_file()):
            copy = self.clone / path.relative_to(GITOPS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text())
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "--quiet", "--message", "The site")
        git(self.clone, "push", "--quiet", "origin", "HEAD:main")
        add_package(folder)

    def run(self, *arguments: str) -> int:
        """``secretsync`` with the example's configuration, which pushes: there is no forge here."""
        told = yaml.safe_load((GITOPS / "secretsync.yaml").read_text())
        told["packages"][0] |= {"requirement": "./policy", "access": {}}
        cluster = told["targets"][0]["cluster"]
        cluster |= {"repository": f"git+{self._bare.as_uri()}@main", "access": {}, "propose": "push"}
        path = self._folder / "secretsync.yaml"
        path.write_text(yaml.safe_dump({**told, "cache": "cache"}))
        return main(["--config", str(path), *arguments])

    def pull(self) -> Path:
        """What the cluster gets, now."""
        git(self.clone, "pull", "--quiet", "origin", "main")
        return self.clone / PRODUCTION


def test_the_gitops_sites_first_commit_holds_the_secret_and_the_second_run_makes_none(tmp_path: Path) -> None:
    site = Gitops(tmp_path)
    assert site.run("plan") == 3
    assert site.run("apply") == 0
    folder = site.pull()
    secret = next(one for one in manifests(folder) if one["metadata"]["name"] == "site-policy")
    assert set(secret["data"]) == {"__init__.py", "permission.py"}
    template = found(folder, "Deployment")["spec"]["template"]
    assert template["metadata"]["annotations"], "the server is restarted"
    assert site.run("plan") == 0
