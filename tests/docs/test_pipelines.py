"""The project's own pipelines, and the name under which people install it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
_SOMEBODY_ELSES = re.compile(r"pip3? (?:install|download)\b[^\n`;&|]*?(?<![\w./-])secretsync(?![\w./-])")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_page_example_or_pipeline_installs_somebody_elses_distribution() -> None:
    suffixes = {".md", ".yaml", ".yml", ".sh", ".toml", ".txt", "", ".py"}
    pages = [path for path in tracked() if path.suffix in suffixes and path != Path(__file__)]
    wrong = [path for path in pages if _SOMEBODY_ELSES.search(path.read_text(encoding="utf-8", errors="replace"))]
    assert len(pages) > 100
    assert wrong == []


@pytest.mark.parametrize(
    "line", ["pip install secretsync", "pip install --upgrade secretsync==0.1", "pip3 install -q secretsync"]
)
def test_a_line_that_would_is_found(line: str) -> None:
    assert _SOMEBODY_ELSES.search(line)


@pytest.mark.parametrize(
    "line", ["pip install rucio-secretsync", "pip install ./secretsync-0.1.0.whl", "pip install ."]
)
def test_a_line_that_would_not_is_left(line: str) -> None:
    assert not _SOMEBODY_ELSES.search(line)


def workflow(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    return content


def commands(job: dict[str, Any]) -> str:
    return "\n".join(str(step.get("run", step.get("uses"))) for step in job["steps"])


def needs_of(job: dict[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else needs


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_job_has_the_least_rights_and_a_machine_of_a_fixed_name(path: Path) -> None:
    content = workflow(path.name)
    assert content["permissions"] == {"contents": "read"}
    assert {job["runs-on"] for job in content["jobs"].values()} == {"ubuntu-24.04"}
    for name, job in content["jobs"].items():
        assert set(needs_of(job)) <= content["jobs"].keys(), name


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "action.yml"], ids=lambda path: path.stem)
def test_each_action_is_pinned_by_its_commit_with_its_version_beside_it(path: Path) -> None:
    actions = re.findall(r"(?m)uses: *(.+)$", path.read_text())
    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action)] == []


def test_what_is_published_is_what_was_built_twice_checked_and_signed() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert "scripts.release check" in commands(jobs["build"])
    assert "make release" in commands(jobs["build"])
    for name in ("index", "chart", "page"):
        assert "actions/download-artifact" in commands(jobs[name]), f"{name} builds nothing of its own"
    for name in ("image", "chart", "page"):
        assert "cosign sign" in commands(jobs[name])
        assert jobs[name]["permissions"]["id-token"] == "write"
    assert "attest-build-provenance" in commands(jobs["build"])


def test_a_push_runs_the_release_dry_on_both_forges() -> None:
    assert "make release" in commands(workflow("ci.yml")["jobs"]["release-dry-run"])
    gitlab = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
    assert "make release" in "\n".join(gitlab["release"]["script"])
    assert "rules" not in gitlab["release"]


def test_every_make_target_and_script_of_a_pipeline_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for path in [*WORKFLOWS, ROOT / ".gitlab-ci.yml"]:
        text = path.read_text()
        for target in re.findall(r"\bmake ([a-z-]+)", text):
            assert re.search(rf"(?m)^{target}:", makefile), f"{path.name}: make {target}"
        for script in re.findall(r"(?<![\w/])\.ci/\w+", text):
            assert (ROOT / script).is_file(), f"{path.name}: {script}"


def test_a_release_is_pushed_under_a_name_that_a_registry_takes_and_a_failed_push_is_not_hidden() -> None:
    release = workflow("release.yml")
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    assert "ghcr.io/${{ github.repository" not in text, "an owner's name may have capitals"
    assert "GITHUB_REPOSITORY,," in text
    # with bash named, GitHub sets pipefail: `helm push | tee` fails where the push does
    assert release["defaults"]["run"]["shell"] == "bash"
