"""What a policy's own CI includes (a GitHub action, a GitLab component, a pre-commit hook), run without the forge."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import ROOT
from tests.rucio.check.build import GOOD

pytestmark = pytest.mark.slow  # each case starts the scripts of pipelines

BROKEN = {**GOOD, "__init__.py": "SUPPORTED_VERSION = '41'\n"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A policy's repository with a package that has a fault, in src/."""
    folder = tmp_path / "lab-policy"
    (folder / "src" / "lab").mkdir(parents=True)
    (folder / ".git").mkdir()
    for name, content in BROKEN.items():
        (folder / "src" / "lab" / name).write_text(content)
    return folder


def run(
    script: str, repository: Path, variables: Mapping[str, str], shell: str = "bash"
) -> subprocess.CompletedProcess[str]:
    """The script as a runner starts it, where ``secretsync`` is this one and ``python -m pip`` does nothing."""
    tools = repository.parent / "bin"
    tools.mkdir(exist_ok=True)
    (tools / "secretsync").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m secretsync "$@"\n')
    (tools / "python").write_text('#!/bin/sh\necho "$@" >> "$0.log"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(repository.parent), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [shell, "-e", "-c", script], cwd=repository, env={**environment, **variables}, capture_output=True, text=True
    )


def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return loaded


def component() -> tuple[dict[str, Any], dict[str, Any]]:
    spec, jobs = yaml.safe_load_all((ROOT / "templates" / "check.yml").read_text())
    return spec["spec"]["inputs"], jobs["secretsync-check"]


def filled(text: str, inputs: Mapping[str, Any], given: Mapping[str, str]) -> str:
    """With the inputs in the place of ``${{ inputs.x }}`` and ``$[[ inputs.x ]]``, as the forge puts them."""
    values = {name: given.get(name, str(one["default"])) for name, one in inputs.items()}
    return re.sub(r"\$(?:\{\{|\[\[) inputs\.(\w+) (?:\}\}|\]\])", lambda found: values[found[1]], text)


def run_action(repository: Path, **given: str) -> subprocess.CompletedProcess[str]:
    *_, check = action()["runs"]["steps"]
    variables = {name: filled(text, action()["inputs"], given) for name, text in check["env"].items()}
    summary = repository.parent / "summary.md"
    return run(check["run"], repository, {**variables, "GITHUB_STEP_SUMMARY": str(summary)})


def run_component(repository: Path, **given: str) -> subprocess.CompletedProcess[str]:
    inputs, job = component()
    variables = {name: filled(text, inputs, given) for name, text in job["variables"].items()}
    return run("\n".join(job["script"]), repository, variables, shell="sh")


def test_the_github_action_annotates_the_line_and_fails_the_job(repository: Path) -> None:
    done = run_action(repository, rucio="38.5.5 41.5.1")
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=src/lab/__init__.py,line=1,title=supported-version (Rucio 38.5.5%2C ")
    summary = (repository.parent / "summary.md").read_text()
    assert summary.startswith("### lab for Rucio 38.5.5, 41.5.1")
    assert "| action | decided by |" in summary


def test_an_input_is_data_and_no_code(repository: Path) -> None:
    nasty = '"; touch owned; "'
    for done in (run_action(repository, module=nasty), run_component(repository, module=nasty, requirement="./$(id)")):
        assert done.returncode != 0
    assert not (repository / "owned").exists()
    steps = [step.get("run", "") for step in action()["runs"]["steps"]]
    assert not any("${{" in script for script in steps)


def test_the_github_action_passes_a_job_that_shall_never_fail(repository: Path) -> None:
    assert run_action(repository, fail="never", module="lab").returncode == 0


def test_the_gitlab_component_leaves_a_code_quality_and_a_test_report(repository: Path) -> None:
    done = run_component(repository, rucio="41.5.1")
    assert done.returncode == 1
    reports = component()[1]["artifacts"]["reports"]
    (issue,) = json.loads((repository / reports["codequality"]).read_text())
    assert issue["location"]["path"] == "src/lab/__init__.py"
    assert 'name="supported-version"' in (repository / reports["junit"]).read_text()
    installed = (repository.parent / "bin" / "python.log").read_text()
    assert "pip install --quiet --disable-pip-version-check rucio-secretsync" in installed


def test_every_input_is_used_and_every_name_is_an_input() -> None:
    inputs, job = component()
    used = set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", yaml.safe_dump(job)))
    assert used == set(inputs)
    assert set(re.findall(r"\$\{\{ inputs\.(\w+) \}\}", yaml.safe_dump(action()["runs"]))) == set(action()["inputs"])


def test_the_pre_commit_hook_runs_the_command_in_the_repository(repository: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)
    done = run(shlex.join([*shlex.split(hook["entry"]), *hook["args"]]), repository, {})
    assert done.returncode == 1
    assert "error __init__.py:1 [supported-version]" in done.stdout
    assert re.search(hook["files"], "src/lab/permission.py")
