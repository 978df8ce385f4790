"""A release is made of a commit, and of nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from scripts.release.build import build, built_version, checksums
from tests import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def commit(tmp_path: Path) -> Path:
    """A repository of the files that a release is made of, with one commit."""
    root = tmp_path / "repository"
    root.mkdir()
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "Dockerfile", "requirements.lock"):
        shutil.copy(ROOT / name, root)
    (root / "CHANGELOG.md").write_text("## Unreleased\n\n- New.\n")
    for name in ("secretsync", "chart"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "A release"]):
        subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *command], cwd=root, check=True)
    return root


def test_two_builds_are_the_same_byte_for_byte_and_hold_nothing_of_the_work_tree(
    commit: Path, helm: str, tmp_path: Path
) -> None:
    version = built_version(commit)
    build(commit, helm, tmp_path / "first", version, "Unreleased")
    (commit / "secretsync/left_behind.py").write_text("")
    mask = os.umask(0o077)
    try:
        build(commit, helm, tmp_path / "second", version, "Unreleased")
    finally:
        os.umask(mask)

    assert checksums(tmp_path / "first") == checksums(tmp_path / "second")
    assert {path.name for path in (tmp_path / "first").iterdir()} == {
        "NOTES.md",
        "SHA256SUMS",
        f"rucio-secretsync-{version}.cdx.json",
        f"rucio_secretsync-{version}-py3-none-any.whl",
        f"rucio_secretsync-{version}.tar.gz",
        f"secretsync-{version}.tgz",
    }
    committed = {str(path.relative_to(ROOT)) for path in (ROOT / "secretsync").rglob("*.py")}
    names = zipfile.ZipFile(next((tmp_path / "first").glob("*.whl"))).namelist()
    assert {name for name in names if name.endswith(".py")} == committed
    assert "secretsync/py.typed" in names
    assert (tmp_path / "first/NOTES.md").read_text() == "- New.\n"
