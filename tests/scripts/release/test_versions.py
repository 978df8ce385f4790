"""One version, wherever it is stated."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

import secretsync
from scripts.release import __main__ as command
from scripts.release.versions import disagreements, of_tag, stated
from tests import ROOT


def test_chart_image_and_distribution_state_one_version() -> None:
    assert disagreements(stated(ROOT), secretsync.__version__) == []
    assert version("rucio-secretsync") == secretsync.__version__


def test_a_place_that_was_forgotten_is_named() -> None:
    assert disagreements({"Dockerfile": "1.0.0", "chart": "1.1.0"}, "1.1.0") == ["Dockerfile says 1.0.0, not 1.1.0"]


def test_a_tag_names_a_version() -> None:
    assert of_tag("v1.2.3") == "1.2.3"
    assert of_tag("v1.2.3rc1") == "1.2.3rc1"


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "latest", "v1.2.3-1"])
def test_a_tag_of_another_form_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="vMAJOR"):
        of_tag(tag)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("secretsync/__init__.py", "chart/Chart.yaml", "Dockerfile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text().replace(secretsync.__version__, "7.8.9"))
    (tmp_path / "CHANGELOG.md").write_text("## 7.8.9 - 2026-11-30\n\n- New.\n")
    monkeypatch.setattr(command, "ROOT", tmp_path)
    return tmp_path


def test_a_tag_is_checked_against_every_place(tree: Path) -> None:
    assert CliRunner().invoke(command.main, ["check", "v7.8.9"]).exit_code == 0
    (tree / "Dockerfile").write_text("ARG VERSION=7.8.8\n")
    refused = CliRunner().invoke(command.main, ["check", "v7.8.9"])
    assert refused.exit_code == 1
    assert "Dockerfile: VERSION says 7.8.8, not 7.8.9" in refused.output


def test_a_tag_without_a_section_of_the_change_log_is_refused(tree: Path) -> None:
    refused = CliRunner().invoke(command.main, ["check", "v7.9.0"])
    assert refused.exit_code == 1
    assert "CHANGELOG.md says nothing of 7.9.0" in refused.output
