"""The examples do what they say: each site is walked from its present state to a healthy one, and back."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync import config
from secretsync.cli.main import main
from tests import ROOT
from tests.rucio.charts.rendering import render

pytestmark = pytest.mark.slow


EXAMPLES = ROOT / "examples"
NAMES = ("rubin", "escape")
"""Those that have Secrets made by hand today."""


BAKED = {
    "__init__.py": b"",
    "permission.py": b"def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n",
    "schema.py": b"SCHEMAS = {}\n",
    "algorithms/__init__.py": b"",
}
"""What stands for a package that is in the images alone."""


class Site:
    """An example's manifests as a directory, and a package in its source's place that holds what was copied by hand."""

    def __init__(self, name: str, folder: Path) -> None:
        self._folder = folder
        self._told = yaml.safe_load((EXAMPLES / name / "secretsync.yaml").read_text())
        self._example = EXAMPLES / name
        (self._package,), (self._target,) = self._told["packages"], self._told["targets"]
        self.module, self.secret = self._package["moduleName"], self._package["secretName"]
        self._package |= {"requirement": f"./{self.module}"}
        self._package.pop("version", None)
        self._target |= {"cluster": {"directory": "manifests"}}
        (folder / "manifests").mkdir()
        for number, one in enumerate(yaml.safe_load_all((EXAMPLES / name / "before.yaml").read_text())):
            (folder / "manifests" / f"{number}.yaml").write_text(yaml.safe_dump(one))
        for path, data in (self.files() or BAKED).items():
            self.push(path, data)

    def push(self, path: str, data: bytes) -> None:
        there = self._folder / self.module / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(data)

    def run(self, *arguments: str, adopt: bool = True) -> int:
        self._target["adopt"] = adopt
        path = self._folder / "secretsync.yaml"
        path.write_text(yaml.safe_dump(self._told))
        return main(["--config", str(path), *arguments])

    def values(self, *arguments: str) -> int:
        return self.run("values", *arguments)

    def copy(self, name: str) -> Path:
        """A file of the example, as a site would have it."""
        path = self._folder / name
        path.write_text((self._example / name).read_text())
        return path

    def edit(self, path: Path, *pairs: tuple[str, str]) -> None:
        """What the refusal asks for, done by hand."""
        text = path.read_text()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    def deploys(self, manifests: list[dict[str, Any]]) -> None:
        """The site's owner applies what Helm makes of the values, in place of what was there."""
        folder = self._folder / "manifests"
        for path in list(folder.rglob("*.yaml")):
            one = yaml.safe_load(path.read_text())
            if one["kind"] == "Deployment" or ".config." in one["metadata"]["name"]:
                path.unlink()
        for number, one in enumerate(manifests):
            one["metadata"]["namespace"] = "rucio"
            (folder / f"rendered-{number}.yaml").write_text(yaml.safe_dump(one))

    def files(self) -> dict[str, bytes]:
        """What the live Secrets hold, by its path in the package."""
        found: dict[str, bytes] = {}
        for path in (self._folder / "manifests").rglob("*.yaml"):
            one: dict[str, Any] = yaml.safe_load(path.read_text())
            name = one["metadata"]["name"]
            if one["kind"] == "Secret" and name in (self.secret, f"{self.secret}-algorithms"):
                below = "algorithms/" if name != self.secret else ""
                found |= {below + key: base64.b64decode(value) for key, value in one["data"].items()}
        return found


@pytest.fixture(params=NAMES)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    return Site(request.param, tmp_path)


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("secretsync.yaml")), ids=lambda path: path.parent.name)
def test_a_configuration_of_the_examples_can_be_used(path: Path) -> None:
    assert config.load(path).packages


def test_nothing_is_taken_over_by_accident(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    before = site.files()
    assert site.run("--once", adopt=False) == 1
    assert "adopt: true" in capsys.readouterr().err
    assert site.files() == before


def test_what_was_made_by_hand_is_taken_over_once_and_given_back(site: Site) -> None:
    before = site.files()
    site.push("added.py", b"NEW = 1\n")
    assert site.run("--once", "--dry-run") == 3
    assert site.files() == before

    assert site.run("--once") == 0
    taken = site.files()
    assert taken == {**before, "added.py": b"NEW = 1\n"}
    assert site.run("--once", "--dry-run", adopt=False) == 0

    assert site.run("rollback") == 0
    assert site.files() == before
    assert site.run("release") == 0
    assert site.run("--once") == 0
    assert site.files() == taken


def test_rubin_walks_from_a_generated_secret_to_one_that_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is mounted is right today, and stays; the values are judged as they are."""
    site = Site("rubin", tmp_path)
    assert site.run("--once") == 0
    assert site.run("doctor") == 0, capsys.readouterr().out
    values = site.copy("values-daemons.yaml")
    existing = ("--style", "existing", "--root", "/opt/rucio/permissions", "--via", "config")
    assert site.values("daemons", *existing, "--lint", str(values)) == 0, capsys.readouterr().out
    last = "  - name: PYTHONPATH\n    value: /opt/rucio/permissions\n\nconfig"
    site.edit(values, (last, "  - name: A\n    value: b\n\nconfig"))
    assert site.values("daemons", *existing, "--lint", str(values)) == 1
    assert "not for minos" in " ".join(capsys.readouterr().out.split())


def test_cms_walks_from_baked_images_and_layers_to_mounted_secrets(
    helm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site("cms", tmp_path)
    assert site.run("--once", adopt=False) == 0
    assert site.run("doctor") == 1
    assert "mounts nothing of Secret cms-policy" in " ".join(capsys.readouterr().out.split())
    layers = common, daemons, production = [site.copy(f"{name}.yaml") for name in ("common", "daemons", "production")]
    merge = ("daemons", "--merge", str(common), "--with", str(daemons), "--with", str(production))
    assert site.values(*merge) == 1
    refusal = " ".join(capsys.readouterr().err.split())
    assert "POLICY_PKG_PATH names /opt/rucio/policy" in refusal
    assert "replicaRecoverer.secretMounts: this daemon does not get" in refusal
    site.edit(common, ("policy_pkg_path: /opt/rucio/policy", "policy_pkg_path: /opt/policy"))
    own = production.read_text().partition("  secretMounts:")
    site.edit(production, ("".join(own[1:]), "  threads: 1\n"))
    assert site.values(*merge) == 0, capsys.readouterr().err
    assert "note: conveyorReceiver.config.policy.permission" in capsys.readouterr().out
    assert len(yaml.safe_load(daemons.read_text())["secretMounts"]) == 4
    texts = [path.read_text() for path in layers]
    site.deploys(render(helm, *texts, chart="daemons", release="daemons", folder=tmp_path))
    assert site.run("--once", adopt=False) == 0
    assert site.run("doctor") == 0, capsys.readouterr().out


def test_escape_walks_from_files_and_an_old_permission_to_a_directory_and_a_package(
    helm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site("escape", tmp_path)
    assert site.run("--once") == 0
    assert site.run("doctor") == 1
    assert "[policy] permission: escape" in " ".join(capsys.readouterr().out.split())
    release = site.copy("release.yaml")
    merge = ("server", "--merge", str(release), "--at", "spec.values")
    assert site.values(*merge) == 1
    refusal = " ".join(capsys.readouterr().err.split())
    assert "which is not where this wiring has it" in refusal
    kept, _, rest = release.read_text().partition("      - volumeName: escape-rucio-policy-package-init")
    release.write_text(f"{kept}    config:{rest.partition('    config:')[2]}")
    assert site.values(*merge) == 0, capsys.readouterr().err
    values = yaml.safe_dump(yaml.safe_load(release.read_text())["spec"]["values"])
    site.deploys(render(helm, values, release="servers", folder=tmp_path))
    assert site.run("--once", adopt=False) == 0
    assert site.run("doctor") == 0, capsys.readouterr().out
