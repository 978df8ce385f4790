"""What an operator reads of the doctor."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml

from secretsync.cli.main import main
from secretsync.cli.output import json as json_format
from secretsync.cli.output.doctor import DoctorReport, DoctorTarget, describe_doctor, render
from secretsync.cluster.errors import Call, Forbidden
from secretsync.cluster.rbac import Access, Review
from secretsync.operations.doctor import Examination, footing
from secretsync.operations.doctor.footing import Remark
from tests.operations.doctor.namespace import Namespace, with_variable, without_mount, without_variable


def text(*targets: DoctorTarget) -> str:
    return render(DoctorReport(targets=targets))


def sick() -> DoctorTarget:
    site = Namespace()
    site.change(without_mount("atlas-algorithms"))
    site.change(with_variable("PYTHONPATH", "/opt"), "rucio-server")
    return describe_doctor("context prod, namespace rucio", site.examination(), [Remark("the clock is off")])


def test_a_healthy_namespace_is_one_line() -> None:
    told = describe_doctor("context prod, namespace rucio", Namespace().examination(), [])
    assert told.well
    assert text(told) == (
        "context prod, namespace rucio\n  atlas_rucio_policy: all three conditions hold in 29 containers\n"
    )


def test_a_sick_one_is_a_table_and_a_sentence_for_each_cross() -> None:
    assert (
        text(sick())
        == """\
context prod, namespace rucio
  atlas_rucio_policy
                             code  path  configured
    Deployment rucio-server  ✓     ✗     ✓
    Deployment rucio-reaper  ✗     ✓     ✓
    the others               ✓     ✓     ✓  (27)
    Deployment rucio-server: PYTHONPATH is '/opt' and has no /opt/policy. To fix
      it: PYTHONPATH: /opt/policy (in Rucio's charts optional_config:
      {pythonpath: /opt/policy})
    Deployment rucio-reaper: its folder algorithms/ is not there:
      algorithms/__init__.py and 1 more. To fix it: mount Secret
      atlas-algorithms at /opt/policy/atlas_rucio_policy/algorithms
  note: the clock is off
"""
    )


def test_a_daemon_that_is_not_wired_yet_is_one_sentence_and_not_told_to_mount_anything_itself() -> None:
    site = Namespace()
    site.placement = replace(site.placement, wired=True)
    for change in (without_mount("atlas"), without_mount("atlas-algorithms"), without_variable("PYTHONPATH")):
        site.change(change)
    told = text(describe_doctor("here", site.examination(), []))
    sentence = "Deployment rucio-reaper: it is not wired yet. To fix it: 'secretsync apply' wires it"
    assert sentence in " ".join(told.split())
    assert told.count("To fix it") == 1


def test_what_is_not_known_is_no_failure_and_says_who_finds_out() -> None:
    site = Namespace()
    site.change(without_variable("RUCIO_POLICY_PACKAGE"))
    site.cluster.review = lambda namespace: Review((), True, None)  # type: ignore[method-assign]
    target = describe_doctor("here", site.examination(), [])
    assert target.well
    told = " ".join(text(target).split())
    assert "?" in told
    assert "That is no failure, and 'secretsync doctor --deep' proves it; where it does not hold: RUCIO_POLICY" in told
    assert "To fix it" not in told


def lacking(*accesses: Access) -> DoctorTarget:
    remarks = footing.permissions(accesses, ())
    return describe_doctor("here", Examination((), (), ()), list(remarks))


def test_missing_rights_are_one_table_with_what_belongs_together_once() -> None:
    names = [f"atlas-history-{number}" for number in range(1, 6)]
    secrets = [Access(verb, "", "secrets", name) for verb in ("get", "update") for name in names]
    leases = [Access("create", "coordination.k8s.io", "leases")]
    assert (
        text(lacking(*secrets, *leases))
        == """\
here
  FAILED: this account lacks rights that secretsync needs: apply the Role that
    'secretsync rbac' prints
    resource                    verbs        names
    secrets                     get, update  atlas-history-1, atlas-history-2,
                                             atlas-history-3 and 2 more
    leases.coordination.k8s.io  create
"""
    )


def test_json_has_all_missing_rights() -> None:
    (note,) = lacking(Access("get", "", "secrets", "a"), Access("get", "", "secrets", "b")).notes
    assert [asdict(right) for right in note.missing_rights] == [
        {"resource": "secrets", "verbs": ("get",), "names": ("a", "b")}
    ]


def test_json_has_every_container_and_every_verdict() -> None:
    told = json.loads(json_format.render(DoctorReport(targets=(sick(),))))["targets"][0]
    assert told["well"] is False
    crosses = [
        (one["workload"]["name"], verdict["condition"])
        for one in told["containers"]
        for verdict in one["conditions"]
        if not verdict["holds"]
    ]
    assert crosses == [("rucio-server", "path"), ("rucio-reaper", "code")]
    assert len(told["containers"]) == 29


def test_a_cause_that_many_share_is_said_once() -> None:
    site = Namespace()
    for number in range(6):
        site.change(with_variable("RUCIO_POLICY_PACKAGE", "other"), f"rucio-daemon-{number:02}")
    shown = text(describe_doctor("here", site.examination(), []))
    assert shown.count("is 'other'") == 1
    assert "and 3 more" in shown


def test_what_keeps_secretsync_from_its_work_is_not_well() -> None:
    told = describe_doctor("here", Namespace().examination(), [Remark("no", failure=True)])
    assert not told.well
    assert "FAILED: no" in text(told)


def test_a_call_that_is_forbidden_is_a_failure_of_its_own_and_the_rest_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(*_: object) -> None:
        raise Forbidden(Call("list", "deployments.apps", "rucio"), 403)

    monkeypatch.setattr("secretsync.operations.doctor.diagnose", forbid)
    path = tmp_path / "secretsync.yaml"
    target = {"cluster": {"directory": "there"}, "namespace": "rucio"}
    path.write_text(yaml.safe_dump({"packages": [{"moduleName": "pol", "requirement": "./src"}], "targets": [target]}))
    assert main(["doctor", "--config", str(path)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "judged, as this account may not list deployments.apps" in said
    assert "FAILED: the source of pol cannot be read" in said


@pytest.mark.parametrize("command", ["doctor", "status"])
def test_a_target_that_cannot_be_reached_does_not_keep_the_others_from_being_told(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "secretsync.yaml"
    (tmp_path / "there").mkdir()
    away = {"name": "away", "cluster": {"context": "nowhere", "kubeconfig": "none"}, "namespace": "rucio"}
    here = {"name": "here", "cluster": {"directory": "there"}, "namespace": "rucio"}
    packages = [{"moduleName": "pol", "requirement": "./src"}]
    path.write_text(yaml.safe_dump({"packages": packages, "targets": [away, here]}))
    assert main(["--config", str(path), command]) == 2
    told = capsys.readouterr()
    assert "here\n" in told.out
    assert "at=away: context 'nowhere'" in told.err
    main(["--config", str(path), command, "--target", "here"])
    assert "away" not in capsys.readouterr().err


@pytest.mark.parametrize("command", ["doctor", "status"])
def test_a_namespace_that_no_target_has_is_a_usage_error(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "secretsync.yaml"
    target = {"cluster": {"directory": "there"}, "namespace": "rucio"}
    path.write_text(yaml.safe_dump({"packages": [{"moduleName": "pol", "requirement": "./src"}], "targets": [target]}))
    assert main(["--config", str(path), command, "--namespace", "elsewhere"]) == 2
    told = capsys.readouterr()
    assert "no target has the name or the namespace 'elsewhere'; the targets are: rucio" in told.out + told.err
