"""Options work where people write them, and a command refuses those that it does not honour."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secretsync.cli.commands import COMMANDS
from secretsync.cli.main import main

CONFIGURATION = """
packages: [{moduleName: pol, requirement: ./source}]
targets:
  - {name: one, cluster: {directory: ./one}, namespace: rucio}
  - {name: two, cluster: {directory: ./two}, namespace: rucio}
cache: ./cache
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "source" / "pol").mkdir(parents=True)
    (tmp_path / "other.yaml").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    push("alice")
    return tmp_path


def push(allowed: str) -> None:
    package = Path("source/pol")
    (package / "__init__.py").write_text("SUPPORTED_VERSION = '>=37'\n")
    (package / "schema.py").write_text("SCHEMAS = {}\n\n\ndef validate_schema(name, obj):\n    return None\n")
    (package / "permission.py").write_text(
        f"def has_permission(issuer, action, kwargs, *, session=None):\n    return issuer.external == '{allowed}'\n"
    )


def written(folder: Path) -> dict[str, bytes]:
    found = [path for name in ("one", "two") for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize(
    "arguments",
    [
        ["-c", "other.yaml", "-o", "json", "--target", "one", "plan"],
        ["plan", "-c", "other.yaml", "-o", "json", "--target", "one"],
        ["-c", "other.yaml", "plan", "--output=json", "-t", "one"],
        ["-c", "other.yaml", "-o", "json", "--once", "--dry-run", "-t", "one"],
    ],
)
def test_options_stand_before_or_after_a_command(
    folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 3
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    assert target["target"] == "one"
    assert written(folder) == {}


@pytest.mark.parametrize("arguments", [["status", "-h"], ["-h", "status"], ["config", "validate", "--help"]])
def test_help_stands_there_too(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: secretsync ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--once", "status"],
        ["--dry-run", "status"],
        ["--once", "--dry-run", "hold"],
        ["--diff", "rollback"],
        ["--target", "one", "config", "validate"],
        ["--target", "one", "run"],
        ["--target", "nowhere", "plan"],
        ["--dry-run"],
    ],
)
def test_a_flag_that_a_command_does_not_honour_is_a_usage_error(folder: Path, arguments: list[str]) -> None:
    assert main(["-c", "other.yaml", *arguments]) == 2
    assert written(folder) == {}


def test_a_command_line_that_says_dry_run_writes_nothing(folder: Path) -> None:
    main(["-c", "other.yaml", "apply"])
    push("bob")
    main(["-c", "other.yaml", "apply"])
    before = written(folder)
    for command in ("rollback", "suspend"):
        assert main(["-c", "other.yaml", "--dry-run", "-t", "one", command]) == 3
        assert main(["-c", "other.yaml", command, "-t", "one", "--dry-run"]) == 3
    assert written(folder) == before


def test_apply_takes_only_the_target_that_is_named(folder: Path) -> None:
    assert main(["-c", "other.yaml", "apply", "-t", "two"]) == 0
    assert {name.partition("/")[0] for name in written(folder)} == {"two"}


@pytest.mark.parametrize(("old", "new"), [("hold", "suspend"), ("release", "resume"), ("fetch", "export")])
def test_names_of_before_are_hidden_aliases(old: str, new: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([old, "--help"]) == 0
    capsys.readouterr()
    main(["--help"])
    listed = capsys.readouterr().out
    assert f"\n  {new} " in listed
    assert f"\n  {old} " not in listed


@pytest.mark.parametrize("command", ["plan", "apply", "status", "doctor", "config", "export", "history", "suspend"])
def test_every_command_prints_one_document(folder: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["-c", "other.yaml", "apply"])
    capsys.readouterr()
    one = ["-t", "one"] if command in ("history", "suspend") else []
    main([command, "-c", "other.yaml", *one, "-o", "json"])
    assert json.loads(capsys.readouterr().out)["version"] == 1


SUBCOMMANDS = (("history", "show"), ("config", "validate"), ("config", "schema"))


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), *SUBCOMMANDS], ids=" ".join)
def test_every_help_fits_80_columns_and_has_an_example_of_the_command(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    examples = lines[lines.index("  Examples:") + 1 :]
    assert any(line.startswith(f"    {' '.join(('secretsync', *command))}") for line in examples)


def test_every_command_takes_output(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        assert main([command, "--help"]) == 0
        assert "--output" in capsys.readouterr().out


def test_status_says_by_its_exit_code_whether_all_is_current(folder: Path) -> None:
    assert main(["status", "-c", "other.yaml"]) == 0
    assert main(["status", "-c", "other.yaml", "--exit-code"]) == 3
    main(["-c", "other.yaml", "apply"])
    assert main(["status", "-c", "other.yaml", "--exit-code"]) == 0


def test_two_revisions_are_compared_file_by_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["-c", "other.yaml", "apply"])
    push("bob")
    main(["-c", "other.yaml", "apply"])
    capsys.readouterr()
    assert main(["diff", "-c", "other.yaml", "-t", "one", "1", "2"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("revision 1 -> 2: 1 file changed\n~ permission.py")
    assert "-    return issuer.external == 'alice'" in shown
    assert main(["-c", "other.yaml", "history", "-t", "one", "show", "1"]) == 0
    assert "permission.py" in capsys.readouterr().out
    assert main(["diff", "-c", "other.yaml", "-t", "one", "1", "7"]) == 1
