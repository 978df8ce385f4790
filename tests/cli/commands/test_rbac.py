"""``secretsync rbac`` from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from secretsync.cli.main import main

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def rbac(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command for a package with a sub-directory; gives the exit code, and all that it says."""
    package = tmp_path / "source" / "pol" / "algorithms"
    package.mkdir(parents=True)
    (package / "paths.py").touch()
    (package.parent / "__init__.py").touch()

    def run(*arguments: str, cluster: object = None, **more: object) -> tuple[int, str]:
        target = {"cluster": cluster or {"inCluster": True}, "namespace": "rucio"}
        content = {"packages": [{"moduleName": "pol", "requirement": "./source"}], "targets": [target], **more}
        (tmp_path / "secretsync.yaml").write_text(yaml.safe_dump(content))
        code = main(["--config", str(tmp_path / "secretsync.yaml"), "rbac", *arguments])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def test_the_role_names_the_secret_of_each_directory(rbac: Run) -> None:
    code, told = rbac()
    assert code == 0
    role, binding = yaml.safe_load_all(told)
    names = {name for rule in role["rules"] for name in rule.get("resourceNames", ())}
    assert {"pol", "pol-algorithms", "secretsync-state", "pol-history-5", "secretsync"} <= names
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "rucio"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "secretsync", "namespace": "rucio"}]


def test_the_account_may_be_elsewhere(rbac: Run) -> None:
    _, told = rbac("--account", "bot", "--account-namespace", "ops")
    _, binding = yaml.safe_load_all(told)
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "bot", "namespace": "ops"}]


def test_a_directory_of_manifests_needs_none(rbac: Run) -> None:
    code, told = rbac(cluster={"directory": "cluster"})
    assert code == 2
    assert "needs no Role" in told


def test_several_processes_may_elect_a_leader(rbac: Run) -> None:
    _, told = rbac(election={"cluster": {"inCluster": True}, "namespace": "ops"})
    _, _, role, binding = yaml.safe_load_all(told)
    assert role["metadata"] == {"name": "secretsync-election", "namespace": "ops"}
    assert role["rules"][-1]["resourceNames"] == ["secretsync-leader"]
    assert binding["roleRef"]["name"] == "secretsync-election"


def test_its_lines_fit_80_columns(rbac: Run) -> None:
    _, told = rbac()
    assert max(map(len, told.splitlines())) <= 80
