"""What an earlier release has written, today's reads: state, annotations, configuration, commands, values."""

from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from secretsync import config
from secretsync.cli.main import cli, main
from tests import ROOT
from tests.releases.earlier import VERSIONS, Release, unpacked

pytestmark = pytest.mark.slow

PERMISSION = "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n"


@pytest.fixture(scope="module", params=VERSIONS)
def earlier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Release:
    return unpacked(request.param, tmp_path_factory.mktemp("earlier"))


class Site:
    """A package in a directory, a target that is one, and a Deployment that mounts what is made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "secretsync.yaml"
        package = {"moduleName": "site_policy", "requirement": "./policy", "secretName": "site-policy"}
        target = {"cluster": {"directory": "cluster"}, "namespace": "rucio"}
        self.configuration.write_text(yaml.safe_dump({"packages": [package], "targets": [target]}))
        (folder / "cluster").mkdir()
        (folder / "cluster/server.yaml").write_text(yaml.safe_dump(_deployment()))
        self.push("__init__.py", "")
        self.push("permission.py", PERMISSION)

    def push(self, name: str, text: str) -> None:
        path = self.folder / "policy" / "site_policy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def earlier(self, release: Release, *arguments: str) -> None:
        done = release.run("--config", str(self.configuration), *arguments, folder=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr

    def today(self, *arguments: str) -> int:
        return main(["--config", str(self.configuration), *arguments])

    def files(self) -> dict[str, str]:
        """What is live, by its name."""
        data = self.manifest("Secret", "site-policy")["data"]
        return {name: base64.b64decode(value).decode() for name, value in data.items()}

    def stamp(self) -> Any:
        """The annotations of the Deployment's pods: one that changes is a restart."""
        return self.manifest("Deployment", "rucio-server")["spec"]["template"]["metadata"].get("annotations")

    def manifest(self, kind: str, name: str) -> dict[str, Any]:
        manifests = [yaml.safe_load(path.read_text()) for path in (self.folder / "cluster").rglob("*.yaml")]
        (found,) = [one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name)]
        return dict(found)


def _deployment() -> dict[str, Any]:
    mount = {"name": "policy", "mountPath": "/opt/policy/site_policy"}
    container = {"name": "rucio", "image": "rucio", "volumeMounts": [mount]}
    container["env"] = [{"name": "PYTHONPATH", "value": "/opt/policy"}]
    container["env"] += [{"name": "RUCIO_CFG_POLICY_PACKAGE", "value": "site_policy"}]  # type: ignore[operator]
    volume = {"name": "policy", "secret": {"secretName": "site-policy"}}
    labels = {"app": "rucio-server"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": [volume]}}
    metadata = {"name": "rucio-server", "namespace": "rucio"}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


@pytest.fixture
def site(earlier: Release, tmp_path: Path) -> Site:
    """Deployed by the earlier release, twice: there is a bundle before the live one."""
    site = Site(tmp_path)
    site.earlier(earlier, "--once")
    site.push("rules.py", "ALL = True\n")
    site.earlier(earlier, "--once")
    return site


def test_nothing_is_written_or_restarted_because_secretsync_is_newer(site: Site) -> None:
    before, stamp = site.manifest("Secret", "site-policy"), site.stamp()
    assert stamp
    assert site.today("--once", "--dry-run") == 0
    assert site.today("--once") == 0
    assert (site.manifest("Secret", "site-policy"), site.stamp()) == (before, stamp)


def test_a_change_after_the_upgrade_is_deployed_and_a_rollback_goes_back_to_what_the_earlier_release_kept(
    site: Site,
) -> None:
    stamp = site.stamp()
    site.push("rules.py", "ALL = False\n")
    assert site.today("--once") == 0
    assert site.files()["rules.py"] == "ALL = False\n"
    assert site.stamp() != stamp

    assert site.today("rollback") == 0
    assert site.files()["rules.py"] == "ALL = True\n"
    assert site.today("release") == 0


def test_a_rollback_straight_after_the_upgrade_brings_the_earlier_bundle(site: Site) -> None:
    assert site.today("rollback") == 0
    assert "rules.py" not in site.files()


def test_a_hold_that_was_set_before_the_upgrade_is_kept(site: Site, earlier: Release) -> None:
    site.earlier(earlier, "hold")
    site.push("rules.py", "ALL = False\n")
    site.today("--once")
    assert site.files()["rules.py"] == "ALL = True\n"
    assert site.today("release") == 0
    assert site.today("--once") == 0
    assert site.files()["rules.py"] == "ALL = False\n"


def test_the_earlier_releases_example_configuration_can_be_used(
    earlier: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config.load(earlier.example).packages


def test_every_command_and_option_is_still_accepted(earlier: Release) -> None:
    context = click.Context(cli)
    for name, options in earlier.options().items():
        command = cli.get_command(context, name) if name else cli
        assert command, f"secretsync {name} is gone"
        gone = [option for option in options if not _accepts(command, context, option)]
        assert gone == [], f"secretsync {name} does not know them any more"


def _accepts(command: click.Command, context: click.Context, option: str) -> bool:
    known = {name for parameter in command.get_params(context) for name in parameter.opts + parameter.secondary_opts}
    return option in known


@pytest.mark.parametrize("mode", ["cronjob", "deployment", "replicas"])
def test_the_earlier_charts_values_make_objects_that_can_be_upgraded_in_place(
    earlier: Release, helm: str, mode: str, tmp_path: Path
) -> None:
    values = subprocess.run(["tar", "-xzOf", earlier.chart, f"secretsync/ci/{mode}-values.yaml"], capture_output=True)
    (tmp_path / "values.yaml").write_bytes(values.stdout)
    before, after = (rendered(helm, chart, tmp_path / "values.yaml") for chart in (earlier.chart, ROOT / "chart"))
    assert before
    kept = ("Deployment", "CronJob", "ServiceAccount", "Service", "Role", "RoleBinding")
    assert {name for name in before if name[0] in kept} <= after.keys()
    for name in before.keys() & after.keys():
        assert immutable(after[name]) == immutable(before[name]), name


def rendered(helm: str, chart: Path, values: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The objects of a chart, by kind and name."""
    command = [helm, "template", "policy", str(chart), "--namespace", "ops", "--values", str(values)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(done.stdout) if one}


def immutable(manifest: dict[str, Any]) -> Any:
    """What the API refuses to change in an object that is there."""
    if manifest["kind"] == "Deployment":
        return manifest["spec"]["selector"]
    if manifest["kind"] == "RoleBinding":
        return manifest["roleRef"]
    return re.sub(r"/v\d.*", "", manifest["apiVersion"])
