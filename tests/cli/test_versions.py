"""What --version says, and what a shell completes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync.cli.commands import COMMANDS
from secretsync.cli.main import main
from tests import ROOT

pytestmark = pytest.mark.slow


def test_the_version_says_what_it_stands_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    told = capsys.readouterr().out
    for name in ("secretsync 0.", "Python 3.", "kubernetes ", "gitpython ", "git: git version"):
        assert name in told


def test_a_program_that_is_missing_is_said_to_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    main(["--version"])
    assert "git: not on PATH" in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert f"_SECRETSYNC_COMPLETE={shell}_complete" in capsys.readouterr().out


def completed(words: str, number: int, folder: Path | None = None) -> list[str]:
    """What bash is offered for the word of that *number*."""
    asked = {"_SECRETSYNC_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(number)}
    done = subprocess.run(
        [sys.executable, "-m", "secretsync"],
        env={**os.environ, **asked, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_commands_options_and_their_values_are_completed() -> None:
    assert completed("secretsync ", 1) == list(COMMANDS)
    assert "--output" in completed("secretsync --o", 1)
    assert completed("secretsync --output ", 2) == ["text", "json"]
    assert "--target" in completed("secretsync status --", 2)


def test_targets_packages_and_revisions_are_completed(tmp_path: Path) -> None:
    (tmp_path / "pol").mkdir()
    (tmp_path / "pol" / "__init__.py").write_text("")
    target = {"name": "production", "cluster": {"directory": "./live"}, "namespace": "rucio"}
    package = {"moduleName": "pol", "requirement": ".", "check": {"fail": "never"}}
    path = tmp_path / "secretsync.yaml"
    path.write_text(json.dumps({"packages": [package], "targets": [target], "cache": "./cache"}))
    assert main(["-c", str(path), "apply"]) == 0
    assert completed("secretsync status --target p", 3, tmp_path) == ["production"]
    assert completed("secretsync rollback --package ", 3, tmp_path) == ["pol"]
    assert completed("secretsync rollback ", 2, tmp_path) == ["1"]
    assert completed("secretsync -c nowhere.yaml rollback ", 4, tmp_path) == [""]
