"""What a pass says on stdout and on stderr: a terminal shows a failure once, collected logs have its event."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


CONFIGURATION = """\
packages: [{moduleName: atlas_policy, requirement: ./policy, secretName: atlas}]
targets: [{namespace: rucio, name: production, cluster: {directory: manifests}}]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    package = tmp_path / "policy" / "atlas_policy"
    package.mkdir(parents=True)
    (tmp_path / "policy" / "pyproject.toml").write_text("[project]\nname = 'atlas-policy'\nversion = '1'\n")
    for name, text in {"__init__.py": "", "permission.py": "def has_permission(:\n", "schema.py": ""}.items():
        (package / name).write_text(text)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "secretsync.yaml").write_text(CONFIGURATION)
    return tmp_path


def on_a_terminal(site: Path, *arguments: str) -> str:
    """What one terminal shows of both streams."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(command(*arguments), cwd=site, stdout=theirs, stderr=theirs, check=False)
    finally:
        os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 1 << 16):
            shown += piece
    except OSError:  # Linux says so that nobody writes any more
        pass
    finally:
        os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "secretsync", "--color", "never", *arguments]


def test_a_terminal_shows_a_refusal_once_and_its_last_line_is_the_reason(site: Path) -> None:
    shown = on_a_terminal(site, "apply")
    assert shown.count("REFUSED permission.py:1 [syntax]") == 1
    assert shown.splitlines()[-1].startswith("REFUSED permission.py:1 [syntax]")
    assert "error: refused" not in shown


def test_a_terminal_shows_a_failure_once(site: Path) -> None:
    (site / "manifests" / "broken.yaml").write_text("kind: [\n")
    shown = on_a_terminal(site, "apply")
    assert "error: failed" not in shown
    assert shown.splitlines()[-1].startswith("FAILED (")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_log_that_is_collected_has_its_event_beside_the_report(site: Path, log_format: str) -> None:
    ran = subprocess.run(
        command("--log-format", log_format, "apply"), cwd=site, capture_output=True, text=True, check=False
    )
    assert "REFUSED permission.py:1 [syntax]" in ran.stdout.splitlines()[-1]
    events = [line for line in ran.stderr.splitlines() if "REFUSED permission.py:1 [syntax]" in line]
    assert len(events) == 1
    assert len([line for line in ran.stderr.splitlines() if "error" in line]) == 1
    assert ran.returncode == 1


@pytest.mark.parametrize("name", ["apply", "plan", "status"])
def test_a_pipe_of_both_streams_has_a_failure_once_and_whole(site: Path, name: str) -> None:
    """Its last line is not cut, however long it is."""
    (site / "manifests" / "broken.yaml").write_text("kind: [\n")
    ran = subprocess.run(
        command(name), cwd=site, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert ran.stdout.count("broken.yaml") == 1
    assert "error:" not in ran.stdout
    assert "…" not in ran.stdout
    assert ran.returncode != 0
