"""The tutorial does what it says: its pod's program ends at a bad package, and secretsync refuses that package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from secretsync.cli.main import cli
from tests import ROOT

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
(DEPLOYMENT,) = re.findall(r"--filename - <<'EOF'\n(.*?)^EOF", PAGE, re.MULTILINE | re.DOTALL)
(BAD,) = re.findall(r"^```\n(mkdir -p bad.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the commands of the page that make the bad package were given."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["sh", "-ec", BAD], check=True)
    return tmp_path


def test_the_pod_ends_at_the_bad_package(folder: Path) -> None:
    (container,) = yaml.safe_load(DEPLOYMENT)["spec"]["template"]["spec"]["containers"]
    _, *arguments = container["command"]
    ended = subprocess.run(
        [sys.executable, *arguments],
        env={"PYTHONPATH": str(folder / "bad")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("SyntaxError")


def test_the_check_refuses_it_with_file_and_line(folder: Path) -> None:
    page = next(block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "targets:" in block)
    configuration = yaml.safe_load(page)
    configuration["packages"][0]["requirement"] = "./bad"
    configuration["targets"][0]["cluster"] = {"directory": "./manifests"}
    (folder / "manifests" / "rucio").mkdir(parents=True)
    (folder / "manifests" / "rucio" / "daemon.yaml").write_text(
        DEPLOYMENT.replace("name: daemon}", "name: daemon, namespace: rucio}", 1)
    )
    (folder / "secretsync.yaml").write_text(yaml.safe_dump(configuration))
    refused = CliRunner().invoke(cli, ["apply"])
    assert refused.exit_code == 1
    assert "permission.py:1" in refused.output


def test_the_part_with_the_check_switched_off_names_the_same_package() -> None:
    parts = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    assert parts[-1]["packages"][0]["requirement"] == "./bad"
    assert parts[-1]["packages"][0]["check"] == {"fail": "never"}
