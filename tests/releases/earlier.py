"""The earlier releases in tests/data/releases: a wheel, a chart and the example configuration of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import ROOT

RELEASES = ROOT / "tests" / "data" / "releases"
VERSIONS = ("0.1.0",)

_OPTIONS = """
import json, click
from secretsync.cli import cli
def options(command):
    return [name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts]
context = click.Context(cli)
commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
print(json.dumps({"": options(cli), **{name: options(command) for name, command in commands.items()}}))
"""


@dataclass(frozen=True)
class Release:
    """*code* is what its wheel holds; today's dependencies stand for its own."""

    version: str
    code: Path

    def run(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Its ``secretsync``."""
        return self._python("-m", "secretsync", *arguments, folder=folder)

    def options(self) -> dict[str, list[str]]:
        """The options of each command, ``""`` for those before any."""
        found: dict[str, list[str]] = json.loads(self._python("-c", _OPTIONS, folder=self.code).stdout)
        return found

    @property
    def chart(self) -> Path:
        return RELEASES / f"secretsync-{self.version}.tgz"

    @property
    def example(self) -> Path:
        return RELEASES / f"config-{self.version}.yaml"

    def _python(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(self.code)}
        return subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )


def unpacked(version: str, folder: Path) -> Release:
    (wheel,) = RELEASES.glob(f"*secretsync-{version}-*.whl")
    zipfile.ZipFile(wheel).extractall(folder)
    return Release(version, folder)
