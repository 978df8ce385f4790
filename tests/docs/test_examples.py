"""The examples do what they say: their manifests are taken over, and given back."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync import config
from secretsync.cli.main import main
from tests import ROOT

EXAMPLES = ROOT / "examples"
NAMES = ("cms", "rubin", "escape")
BY_HAND = "notes.txt"


class Site:
    """An example's manifests as a directory, and a package in its source's place that holds what was copied by hand."""

    def __init__(self, name: str, folder: Path) -> None:
        self._folder = folder
        self._told = yaml.safe_load((EXAMPLES / name / "secretsync.yaml").read_text())
        (self._package,), (self._target,) = self._told["packages"], self._told["targets"]
        self.module, self.secret = self._package["moduleName"], self._package["secretName"]
        self._package |= {"requirement": f"./{self.module}"}
        self._package.pop("version", None)
        self._target |= {"cluster": {"directory": "manifests"}}
        (folder / "manifests").mkdir()
        for number, one in enumerate(yaml.safe_load_all((EXAMPLES / name / "before.yaml").read_text())):
            (folder / "manifests" / f"{number}.yaml").write_text(yaml.safe_dump(one))
        for path, data in self.files().items():
            if path != BY_HAND:
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
    assert taken == {**{path: data for path, data in before.items() if path != BY_HAND}, "added.py": b"NEW = 1\n"}
    assert site.run("--once", "--dry-run", adopt=False) == 0

    assert site.run("rollback") == 0
    assert site.files() == before
    assert site.run("release") == 0
    assert site.run("--once") == 0
    assert site.files() == taken
