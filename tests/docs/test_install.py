"""The page on installing: each helm command, with the values that the page writes, is what the chart takes."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests import ROOT

PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
CHART = ROOT / "chart"
(VALUES,) = re.findall(r"cat > values\.yaml <<'EOF'\n(.*?)^EOF", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [shlex.split(line) for line in re.findall(r"^helm .*$", PAGE.replace("\\\n", " "), re.MULTILINE)]
CHANGES = [command for command in COMMANDS if command[1] in ("install", "upgrade")]
SET = re.findall(r"`(--set [^`…]+[^`…=])`", PAGE)
"""Options that the text names beside the commands."""


def chart_options(command: list[str]) -> list[str]:
    """The arguments of an install or upgrade that decide what is rendered."""
    return [option for option in command[4:] if option != "--create-namespace"]


@pytest.fixture
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "values.yaml").write_text(VALUES)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("values")
@pytest.mark.parametrize("command", CHANGES, ids=lambda command: f"{command[1]}-{command[-1]}")
def test_a_helm_command_renders_what_it_says(helm: str, command: list[str]) -> None:
    shown = subprocess.run(
        [helm, "template", command[2], str(CHART), *chart_options(command)], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    kinds = {manifest["kind"] for manifest in yaml.safe_load_all(shown.stdout) if manifest}
    assert ("Deployment" if "mode=deployment" in command else "CronJob") in kinds


@pytest.mark.usefixtures("values")
def test_the_values_have_no_fault(helm: str) -> None:
    extra = [word for option in SET for word in shlex.split(option)]
    assert extra
    linted = subprocess.run(
        [helm, "lint", "--strict", str(CHART), "--values", "values.yaml", *extra],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_both_modes_are_installed_in_full() -> None:
    assert [command[1] for command in COMMANDS] == ["install", "install", "test", "upgrade", "uninstall"]
