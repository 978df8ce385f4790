"""``secretsync values`` on a configuration whose package is a directory; no cluster is asked."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import yaml

from secretsync.cli.main import main
from tests.rucio.check.build import policy


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
        ([], "2 targets fit; choose one with --target"),
        (["-n", "int", "--package", "other"], "no package 'other'"),
        (["-n", "int", "--patch", "--kustomize"], "exclude each other"),
        (["-n", "int", "--patch", "--via", "config"], "does not reach the configuration"),
        (["-n", "int", "--container", "api"], "goes with --patch"),
        (["-n", "int", "--style", "existing"], "--root"),
        (["-n", "int", "--at", "spec.values"], "goes with --merge and --lint"),
        (["-n", "int", "probes"], "the chart rucio-probes cannot"),
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


SITE = "secretMounts: []  # none\r\n"


def test_merge_writes_into_the_file_and_lint_is_silent_then(
    configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tmp_path / "values.yaml"
    values.write_bytes(SITE.encode())
    command = ["-c", str(configuration), "values", "-n", "int", "--root", "/opt/p"]
    assert main([*command, "--lint", str(values)]) == 1
    assert values.read_bytes() == SITE.encode()
    assert "Secret int-policy is not mounted at /opt/p/pol" in " ".join(capsys.readouterr().out.split())
    assert main([*command, "--merge", str(values)]) == 0
    assert "optional_config.pythonpath: /opt/p" in capsys.readouterr().out
    assert values.read_bytes().startswith(b"secretMounts:  # none\r\n  # pol/\r\n  - volumeName: policy-int-policy\r\n")
    assert main([*command, "--lint", str(values)]) == 0
    assert capsys.readouterr().out == ""


def test_a_file_keeps_its_mode_and_what_links_to_it(configuration: Path, tmp_path: Path) -> None:
    values, link = tmp_path / "values.yaml", tmp_path / "link.yaml"
    values.write_text("a: 1\n")
    values.chmod(0o640)
    link.symlink_to(values)
    assert main(["-c", str(configuration), "values", "-n", "int", "--merge", str(link)]) == 0
    assert link.is_symlink()
    assert "secretMounts:" in values.read_text()
    assert stat.S_IMODE(values.stat().st_mode) == 0o640


def test_a_target_that_secretsync_wires_itself_gets_no_values_beside(
    configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = yaml.safe_load(configuration.read_text())
    read["targets"][0] |= {"wire": True, "selector": "app=rucio-server"}
    configuration.write_text(yaml.safe_dump(read))
    assert main(["-c", str(configuration), "values", "-n", "prod"]) == 2
    assert "would mount them twice" in " ".join(capsys.readouterr().err.split())


def test_a_refused_merge_leaves_the_file_alone(
    configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("policyPackages: {enabled: true}\n")
    assert main(["-c", str(configuration), "values", "-n", "int", "--merge", str(values)]) == 1
    assert values.read_text() == "policyPackages: {enabled: true}\n"
    told = capsys.readouterr()
    assert "policyPackages.enabled" in told.out + told.err


def test_a_file_of_json_stays_json_or_is_left_alone(
    configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values, empty = tmp_path / "values.json", tmp_path / "empty.json"
    values.write_text('{"replicaCount": 1}\n')
    empty.write_text("{}\n")
    command = ["-c", str(configuration), "values", "-n", "int", "--merge"]
    assert main([*command, str(values)]) == 0
    assert json.loads(values.read_text())["optional_config"]["rucio_policy_package"] == "pol"
    assert main([*command, str(empty)]) == 2
    assert empty.read_text() == "{}\n"
    assert "write a first key into it" in " ".join(capsys.readouterr().err.split())


def test_several_files_are_judged_together(
    configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common, own = tmp_path / "common.yaml", tmp_path / "own.yaml"
    common.write_text("config: {policy: {package: cms, support: x}}\n")
    own.write_text("config: {policy: {loglevel: x}}\n")
    command = ["-c", str(configuration), "values", "-n", "int"]
    assert main([*command, "--merge", str(own)]) == 0
    assert main([*command, "--lint", str(own)]) == 0
    capsys.readouterr()
    assert main([*command, "--lint", str(common), "--lint", str(own)]) == 1
    assert "config.policy.package" in capsys.readouterr().out


def test_a_path_at_which_nothing_is_is_said_and_not_judged_as_empty_values(
    configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    application = tmp_path / "application.yaml"
    application.write_text("spec: {source: {helm: {valuesObject: {}}}}\n")
    command = ["-c", str(configuration), "values", "-n", "int", "--lint", str(application)]
    assert main([*command, "--at", "spec.sources.0.helm.valuesObject"]) == 2
    assert "there is nothing at spec.sources.0.helm.valuesObject" in capsys.readouterr().err


def test_the_lint_is_json_for_programs(configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("")
    assert main(["-c", str(configuration), "--output", "json", "values", "-n", "int", "--lint", str(values)]) == 1
    (first, *_) = json.loads(capsys.readouterr().out)["problems"]
    assert first == {
        "place": "secretMounts",
        "what": "Secret int-policy is not mounted at /opt/policy/pol",
        "remedy": "--merge adds it",
        "blocks": True,
    }


def test_layers_are_written_where_they_decide_and_a_release_where_its_values_are(
    configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common, daemons, release = (tmp_path / name for name in ("common.yaml", "daemons.yaml", "release.yaml"))
    common.write_text("secretMounts: [{secretName: ca, mountPath: /ca}]\n")
    daemons.write_text("secretMounts: [{secretName: proxy, mountPath: /proxy}]\n")
    arguments = ["-c", str(configuration), "values", "daemons", "-n", "int"]
    assert main([*arguments, "--merge", str(common), "--with", str(daemons)]) == 0
    assert len(yaml.safe_load(common.read_text())["secretMounts"]) == 1
    assert len(yaml.safe_load(daemons.read_text())["secretMounts"]) == 3
    assert f"{daemons}: secretMounts: Secret int-policy" in capsys.readouterr().out
    assert main([*arguments, "--lint", str(common), "--lint", str(daemons)]) == 0
    release.write_text("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {values: {a: b}}\n")
    assert main([*arguments, "--merge", str(release), "--at", "spec.values"]) == 0
    assert len(yaml.safe_load(release.read_text())["spec"]["values"]["secretMounts"]) == 2


def test_the_web_ui_needs_nothing_and_probes_can_be_patched(
    configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["-c", str(configuration), "values", "-n", "int"]
    assert main([*arguments, "webui"]) == 0
    assert "need nothing" in capsys.readouterr().out
    assert main([*arguments, "probes", "--kustomize"]) == 0
    assert "app=rucio-probes" in capsys.readouterr().out
