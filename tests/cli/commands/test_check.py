"""``secretsync check``, from the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from secretsync.cli.commands import check
from secretsync.cli.main import cli
from secretsync.config import Package
from secretsync.core.model import Bundle
from secretsync.sources.cache import NotOurs
from tests.rucio.check.build import GOOD, INIT

CONFIG = """
packages:
- moduleName: pol
  requirement: {package}
  check: {check}
targets:
- cluster: {{directory: {manifests}}}
  namespace: rucio
"""


def written(folder: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        (folder / "pol").mkdir(exist_ok=True)
        (folder / "pol" / name).write_text(content)
    return folder / "pol"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, standalone_mode=False)


def exit_code(result: Result) -> int:
    return int(result.return_value or result.exit_code)


def test_a_sound_folder_passes(tmp_path: Path) -> None:
    result = run("check", "--rucio", "41.5.1", str(written(tmp_path, GOOD)))
    assert (exit_code(result), result.output) == (0, "pol: passed (Rucio 41.5.1)\n")


def test_an_error_makes_the_exit_code_1(tmp_path: Path) -> None:
    folder = written(tmp_path, {**GOOD, "__init__.py": "SUPPORTED_VERSION = '41'\n"})
    result = run("check", "--rucio", "41.5.1", str(folder))
    assert exit_code(result) == 1
    assert "error __init__.py:1 [supported-version]" in result.output
    assert exit_code(run("check", "--fail", "never", "--rucio", "41.5.1", str(folder))) == 0


def test_a_warning_fails_where_that_is_asked_for(tmp_path: Path) -> None:
    folder = written(tmp_path, {**GOOD, "schema.py": ""})
    assert exit_code(run("check", "--rucio", "41.5.1", str(folder))) == 0
    assert exit_code(run("check", "--fail", "warning", "--rucio", "41.5.1", str(folder))) == 1


def test_no_rucio_is_started_from_a_cache_that_others_can_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "secretsync" / "rucio" / "41.5.1-python3.9" / "bin" / "python"
    planted.parent.mkdir(parents=True)
    planted.write_text("#!/bin/sh\ntouch /planted\n")
    planted.chmod(0o755)
    (tmp_path / "secretsync" / "notes").touch()
    (tmp_path / "secretsync").chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = run("check", "--prove", "--rucio", "41.5.1", str(written(tmp_path, GOOD)))
    assert isinstance(result.exception, NotOurs)
    assert "chmod go-w" in str(result.exception)


def test_a_program_reads_json(tmp_path: Path) -> None:
    result = run("check", "--format", "json", "--against-generic", "--rucio", "41.5.1", str(written(tmp_path, GOOD)))
    (told,) = json.loads(result.output)["packages"]
    assert told["findings"] == []
    assert "del_rule" in told["against_generic"][0]["lacks"]


def test_the_rules_are_listed() -> None:
    assert "permission-import (error)" in run("check", "--list").output


def test_diff_needs_something_live() -> None:
    with pytest.raises(Exception, match="compares with what is live"):
        CliRunner().invoke(cli, ["check", "--diff", "x==1"], standalone_mode=False, catch_exceptions=False)


def configured(folder: Path, check: str = "{}") -> Path:
    path = folder / "secretsync.yaml"
    path.write_text(CONFIG.format(package=folder / "pol", manifests=folder / "manifests", check=check))
    return path


def test_the_configuration_is_compared_with_what_is_live(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    path = configured(tmp_path)
    assert exit_code(run("--config", str(path), "--once")) == 0
    written(tmp_path, {"schema.py": GOOD["schema.py"].replace("250", "500")})
    result = run("--config", str(path), "check", "--diff")
    assert exit_code(result) == 1
    assert "[length-changed]" in result.output
    assert "NAME_LENGTH: 250 -> 500" in result.output


def test_a_change_that_is_accepted_and_a_rule_that_is_off_do_not_fail(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    run("--config", str(configured(tmp_path)), "--once")
    written(tmp_path, {"schema.py": GOOD["schema.py"].replace("250", "500"), "__init__.py": INIT.replace(">=36", "41")})
    off = "supported-version: {severity: off, reason: it is tried}"
    path = configured(tmp_path, "{accept: [NAME_LENGTH], rules: {" + off + "}}")
    result = run("--config", str(path), "check")
    assert exit_code(result) == 0
    assert "notice schema.py" in result.output
    assert "supported-version" not in result.output


@pytest.mark.parametrize(
    "check", ["{rules: {no-such-rule: {severity: error, reason: x}}}", "{rules: {syntax: {severity: error}}}"]
)
def test_a_configuration_with_an_unknown_rule_or_without_a_reason_is_refused(tmp_path: Path, check: str) -> None:
    written(tmp_path, GOOD)
    result = run("--config", str(configured(tmp_path, check)), "check", "--rucio", "41.5.1")
    assert result.exception
    assert "check.rules" in str(result.exception)


def test_annotations_name_files_from_the_repositorys_root(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    folder = written(tmp_path / "src", {**GOOD, "permission.py": "def has_permission(:\n"})
    for requirement in (str(folder), str(tmp_path)):
        result = run("check", "--format", "github", "--rucio", "41.5.1", "--module", "pol", requirement)
        assert result.output.startswith("::error file=src/pol/permission.py,line=1,")


def test_one_package_of_a_repository_is_taken_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "lab-policy" / "src").mkdir(parents=True)
    written(tmp_path / "lab-policy" / "src", GOOD)
    result = run("check", "--rucio", "41.5.1", str(tmp_path / "lab-policy"))
    assert "the package is taken to be pol" in result.stderr
    assert result.stdout == "pol: passed (Rucio 41.5.1)\n"


def test_a_package_inside_a_namespace_is_taken_by_its_last_name_and_its_folder_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "lab-policy" / "src" / "lab" / "policy"
    folder.mkdir(parents=True)
    for file, content in GOOD.items():
        (folder / file).write_text(content)
    result = run("check", "--rucio", "41.5.1", str(tmp_path / "lab-policy"))
    assert "the package is taken to be policy, the folder src/lab/policy;" in result.stderr


def test_tests_beside_the_package_leave_no_doubt(tmp_path: Path) -> None:
    (tmp_path / "lab-policy" / "tests").mkdir(parents=True)
    (tmp_path / "lab-policy" / "tests" / "__init__.py").touch()
    written(tmp_path / "lab-policy", GOOD)
    assert "taken to be pol" in run("check", "--rucio", "41.5.1", str(tmp_path / "lab-policy")).stderr


def test_what_the_source_warns_of_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = "pol-1.0-py3-none-any.whl is used and not the newer release 2.0"
    as_fetched = check._fetched

    def fetched(requirement: str, module: str, vo: str) -> tuple[Package, Bundle]:
        package, bundle = as_fetched(requirement, module, vo)
        return package, replace(bundle, notes=(note,))

    monkeypatch.setattr(check, "_fetched", fetched)
    result = run("check", "--rucio", "41.5.1", str(written(tmp_path, GOOD)))
    assert result.stderr == f"warning: {note}\n"


def test_of_several_packages_the_one_that_differs_in_case_only_is_taken(tmp_path: Path) -> None:
    for name in ("Pol", "other"):
        folder = tmp_path / "pol" / name
        folder.mkdir(parents=True)
        for file, content in GOOD.items():
            (folder / file).write_text(content)
    assert "taken to be Pol" in run("check", "--rucio", "41.5.1", str(tmp_path / "pol")).stderr


def test_the_table_of_actions_is_added_where_it_is_asked_for(tmp_path: Path) -> None:
    result = run("check", "--actions", "--format", "json", "--rucio", "41.5.1", str(written(tmp_path, GOOD)))
    (found,) = json.loads(result.output)["packages"]
    assert {one["action"]: one["decided_by"] for one in found["actions"]}["add_rule"] == "perm_add_rule"
    assert run("check", "--actions", str(written(tmp_path, GOOD))).output.splitlines()[1].startswith("action")


@pytest.mark.parametrize(
    ("given", "python"),
    [
        (("/opt/p",), "/opt/p"),
        (("41.5.1=/opt/a", "/opt/b"), "/opt/a"),
        (("38.5.5=/opt/a", "/opt/b"), "/opt/b"),
        (("38.5.5=/opt/a",), None),
        (("/opt/a=b/python",), "/opt/a=b/python"),
    ],
)
def test_a_python_is_given_for_all_versions_or_for_one(given: tuple[str, ...], python: str | None) -> None:
    from secretsync.cli.commands.check import _python_for

    assert _python_for("41.5.1", given) == python
