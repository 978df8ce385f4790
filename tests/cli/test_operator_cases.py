"""What an operator typed, and what is right; each on a directory of manifests, with the words of that time.

| case | what is right |
|---|---|
| dry-run-rollback-writes | ``--dry-run`` writes nothing, or is a usage error where a command does not have it |
| leak-without-diff | no text of a package without ``--diff``, in no format; names of actions that changed |
| yaml-off | ``canary: off``, ``severity: off``, ``version: 1.10`` mean what they say, whatever YAML reads |
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secretsync.cli.main import main
from secretsync.cli.output import REPORTS

CONFIGURATION = """
packages: [{moduleName: site_policy, requirement: ./pkg}]
targets: [{cluster: {directory: ./m}, namespace: rucio}]
cache: ./cache
"""
PERMISSION = """
def has_permission(issuer, action, kwargs, *, session=None):
    perm = {{'add_rule': perm_add_rule}}
    return perm.get(action, perm_add_rule)(issuer, kwargs, session=session)


def perm_add_rule(issuer, kwargs, *, session=None):
    return issuer.external in ['{allowed}'] or kwargs.get('token') == 's3cr3t-in-the-policy'
"""


def push(allowed: str) -> None:
    package = Path("pkg/site_policy")
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("SUPPORTED_VERSION = '>=37'\n")
    (package / "schema.py").write_text("SCHEMAS = {}\nNAME_LENGTH = 250\n")
    (package / "permission.py").write_text(PERMISSION.format(allowed=allowed))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a package that was deployed for alice, and is to be deployed for bob."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secretsync.yaml").write_text(CONFIGURATION)
    push("alice")
    assert main(["--once"]) == 0
    push("bob")
    return tmp_path


def manifests(site: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (site / "m").rglob("*") if path.is_file()}


def test_dry_run_rollback_writes_nothing(site: Path) -> None:
    assert main(["--once"]) == 0
    before = manifests(site)
    assert main(["--dry-run", "rollback"]) == 3
    assert main(["rollback", "--dry-run"]) == 3
    assert main(["--once", "--dry-run", "--diff", "hold"]) == 2
    assert manifests(site) == before


@pytest.mark.parametrize("form", REPORTS)
def test_leak_without_diff_is_none(site: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["plan", "-o", form]) == 3
    printed = "".join(capsys.readouterr())
    assert "site_policy" in printed or "site-policy" in printed
    assert "s3cr3t-in-the-policy" not in printed
    assert "bob" not in printed


def test_leak_without_diff_names_the_action_that_changed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--once", "--dry-run"]) == 3
    assert "action changed: add_rule" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("package", "target"),
    [
        ("requirement: ./pkg", "rollout: {canary: off}"),
        ("requirement: ./pkg, check: {rules: {schema-missing: {severity: off, reason: generic}}}", "drift: repair"),
        ("requirement: site-policy==1.10, version: 1.10", "drift: repair"),
    ],
    ids=["canary: off", "severity: off", "version: 1.10"],
)
def test_yaml_off_is_what_it_says(
    tmp_path: Path, package: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "off.yaml"
    path.write_text(
        f"packages: [{{moduleName: site_policy, {package}}}]\n"
        f"targets: [{{cluster: {{directory: ./m}}, namespace: rucio, {target}}}]\n"
    )
    assert main(["-c", str(path), "config"]) == 0
    assert "Secret rucio/site-policy" in capsys.readouterr().out


def test_yaml_off_is_off_in_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--schema"]) == 0
    canary = json.loads(capsys.readouterr().out)["$defs"]["Rollout"]["properties"]["canary"]
    assert canary["enum"] == ["auto", "require", "off"]
