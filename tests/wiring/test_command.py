"""``secretsync values`` on a configuration whose package is a directory; no cluster is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from secretsync.cli import main
from tests.check.build import policy


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    for file in policy({"algorithms/__init__.py": ""}).files:
        path = tmp_path / "src" / "pol" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    targets = [
        {"cluster": {"context": "there-is-no-such-context"}, "namespace": name, "secretName": f"{name}-policy"}
        for name in ("prod", "int")
    ]
    path = tmp_path / "secretsync.yaml"
    path.write_text(yaml.safe_dump({"packages": [{"moduleName": "pol", "requirement": "./src"}], "targets": targets}))
    return path


def test_the_values_are_those_of_the_secrets_in_the_namespace_that_was_chosen(
    configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-c", str(configuration), "values", "daemons", "-n", "int"]) == 0
    read = yaml.safe_load(capsys.readouterr().out)
    assert [entry["secretFullName"] for entry in read["secretMounts"]] == ["int-policy", "int-policy-algorithms"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "2 targets fit; choose one with --namespace"),
        (["-n", "int", "--package", "other"], "no package 'other'"),
        (["-n", "int", "--patch", "--kustomize"], "exclude each other"),
        (["-n", "int", "--patch", "--via", "config"], "does not reach the configuration"),
        (["-n", "int", "--container", "api"], "goes with --patch"),
        (["-n", "int", "--style", "existing"], "--root"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_with_its_reason(
    configuration: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    assert main(["-c", str(configuration), "values", *arguments]) == 2
    told = capsys.readouterr()
    assert why in told.err + told.out


def test_a_patch_names_the_container_that_was_asked_for(
    configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-c", str(configuration), "values", "-n", "int", "--patch", "--container", "api"]) == 0
    pod = yaml.safe_load(capsys.readouterr().out)["spec"]["template"]["spec"]
    assert [container["name"] for container in pod["containers"]] == ["api"]
