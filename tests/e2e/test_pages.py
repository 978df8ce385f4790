"""The tutorial and the page on installing, walked command by command on a control plane.

What cannot be had in a test stands beside: the cluster's context, the chart of a registry, and the image that it runs.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests import ROOT
from tests.e2e.site import until
from tests.e2e.test_chart import helm
from tests.servers.control_plane import ControlPlane

__all__ = ["helm"]
pytestmark = [pytest.mark.control_plane, pytest.mark.network, pytest.mark.slow]

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
INSTALL = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
STEPS = dict(re.findall(r"^## \d+\. (.*?)\n(.*?)(?=^## )", TUTORIAL, re.MULTILINE | re.DOTALL))
PARTS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", INSTALL, re.MULTILINE | re.DOTALL))
SOON = "rollout: {canary: off, settle: 1}"
"""The stand-ins have no Rucio to prove a package in, and no readiness probe: without this each restart takes 30 s."""
INDEX = ("PIP_INDEX_URL", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
"""What a machine may need to reach the package index; pods need the same."""
_numbers = itertools.count()


def blocks(text: str, language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for written, block in fenced if written == language]


def shell(text: str) -> list[str]:
    return blocks(text, "")


def commands(block: str) -> list[tuple[str, int]]:
    """Each command of a block with the exit code that its comment tells; a here-document is one command."""
    if "<<'EOF'" in block:
        return [(block, 0)]
    lines = [line for line in block.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    codes = [re.search(r"#.*exit code (\d)", line) for line in lines]
    return [(line.partition("  #")[0], int(code[1]) if code else 0) for line, code in zip(lines, codes, strict=True)]


@dataclass
class Walk:
    """A reader's shell, in a folder. *instead* are regular expressions of a page, and what stands for them here."""

    folder: Path
    environment: Mapping[str, str]
    instead: Mapping[str, str]
    shown: list[str] = field(default_factory=list)

    def here(self, text: str) -> str:
        for pattern, replacement in self.instead.items():
            text = re.sub(pattern, replacement, text)
        return text

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(self.here(text))

    def give(self, block: str) -> str:
        """What the commands of a block print; each ends with the exit code that the page tells."""
        printed = [self._run(self.here(command), code) for command, code in commands(block)]
        return "\n".join(printed)

    def _run(self, command: str, code: int) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        self.shown.append(f"$ {command}\n{done.stdout}{done.stderr}")
        assert done.returncode == code, "\n".join(self.shown)
        return done.stdout + done.stderr


@pytest.fixture
def walk(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Walk]:
    """The commands that the pages use are on PATH; the namespaces have names of their own, and are made by the page."""
    kubectl = shutil.which("kubectl", path=f"{control_plane.kubeconfig.parent / 'bin'}:{os.environ['PATH']}")
    if kubectl is None:
        pytest.skip("no kubectl on PATH")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kubectl").symlink_to(kubectl)
    (programs / "secretsync").write_text(f'#!/bin/sh\nexec {sys.executable} -m secretsync "$@"\n')
    (programs / "secretsync").chmod(0o755)
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "KUBECONFIG": str(control_plane.kubeconfig),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    name = f"pages-{os.getpid()}-{next(_numbers)}"
    instead = {
        r"(namespace:? )rucio\b": rf"\1{name}",
        r"(namespace )secretsync\b": rf"\1{name}-ops",
        r"\*/5 \* \* \* \*": "0 0 1 1 *",  # no run of its own in the middle of the walk
        "--timeout=10m": "--timeout=60s",
        r"context: [\w-]+": f"context: {control_plane.context}",
        r"rollout: \{canary: off\}": SOON,
        r"(secretName: atlas-rucio-policy)\n(?!    rollout)(?=\Z|EOF)": rf"\1\n      {SOON}\n",
    }
    yield Walk(tmp_path, environment, instead)
    subprocess.run([kubectl, "delete", "namespace", name, f"{name}-ops", "--wait=false"], env=environment, check=False)


def test_the_tutorial_does_what_it_says(walk: Walk) -> None:
    waiting, configuration, first, looking, another, bad = STEPS.values()
    walk.give(shell(waiting)[0])
    (page,) = blocks(configuration, "yaml")
    walk.write("secretsync.yaml", page)
    assert "unchanged" in walk.give(shell(first)[0])
    assert "atlas-rucio-policy" in walk.give(shell(looking)[0])

    walk.write("secretsync.yaml", page.replace("0.8.6", "0.8.5"))
    assert "pending" in walk.give("secretsync plan --diff  # exit code 3")
    assert "0.8.6" in walk.give(shell(another)[0])

    make, refused, rejected = shell(bad)
    walk.give(make)
    walk.write("secretsync.yaml", page.replace("atlas-rucio-policy-package==0.8.6", "./bad"))
    assert "permission.py:1" in walk.give(refused)
    (packages,) = blocks(bad, "yaml")
    walk.write("secretsync.yaml", packages + page[page.index("targets:") :])
    assert "SyntaxError" in walk.give(rejected)


@pytest.fixture
def chart(walk: Walk, helm: str) -> Walk:
    """A chart that stands for the registry's: a command stands for the entrypoint of its image."""
    (walk.folder / "bin" / "helm").symlink_to(Path(helm).resolve())
    shutil.copytree(ROOT / "chart", walk.folder / "chart")
    helpers = walk.folder / "chart" / "templates" / "_helpers.tpl"
    entrypoint = json.dumps([sys.executable, "-m", "secretsync"])
    helpers.write_text(helpers.read_text().replace("      args: {{", f"      command: {entrypoint}\n      args: {{{{"))
    environment = {"PYTHONPATH": str(ROOT)} | {name: os.environ[name] for name in INDEX if name in os.environ}
    beside = {"extraEnv": [{"name": name, "value": value} for name, value in environment.items()]}
    (walk.folder / "beside.yaml").write_text(yaml.safe_dump(beside))
    walk.instead = {**walk.instead, r"oci://\S+/secretsync": "./chart --values beside.yaml"}
    return walk


def test_the_page_on_installing_does_what_it_says(chart: Walk, control_plane: ControlPlane) -> None:
    walk = chart
    walk.give(shell(STEPS["Something that wants the package"])[0])
    walk.give(re.sub(r"^pip.*\n", "", shell(PARTS["The command line"])[0], flags=re.MULTILINE))
    values, cronjob, deployment = shell(PARTS["The chart"])
    walk.give(values)
    walk.give(cronjob)

    configuration = yaml.safe_dump(yaml.safe_load((walk.folder / "values.yaml").read_text())["config"])
    (walk.folder / "secretsync.yaml").write_text(configuration)
    walk.give(shell(PARTS["Rights"])[0])
    (walk.folder / "token").write_text("a token")
    walk.give(shell(PARTS["Credentials"])[0])

    look, once = shell(PARTS["A first check"])
    outside = configuration.replace("inCluster: true", f"context: {control_plane.context}")
    (walk.folder / "secretsync.yaml").write_text(outside)
    walk.give(look)
    assert "current" in walk.give(once)

    walk.give(re.sub(r"^pip.*\n", "", shell(PARTS["Upgrade"])[0], flags=re.MULTILINE))
    walk.give(shell(PARTS["Uninstall"])[0])
    walk.give(deployment)
    until(lambda: "1/1" in walk.give("kubectl get deployment secretsync --namespace secretsync"), "its first pass")
    walk.give(shell(PARTS["Uninstall"])[0])
    assert "atlas-rucio-policy" in walk.give("kubectl get secrets --namespace rucio")
