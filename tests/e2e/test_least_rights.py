"""The Role that `secretsync rbac` prints is enough: no command makes a call that the API refuses to its account."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
import yaml

from secretsync.cli.main import cli
from tests.e2e.repository import PACKAGE, Repository
from tests.e2e.site import Object, Run, Site, ended, until
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

ACCOUNT = "least"
SECOND = {**PACKAGE, "rules.py": b"ALL = 'second'\n"}
AFTER_THE_FIRST = (
    ("status",),
    ("status", "--accept"),
    ("plan", "--diff"),
    ("apply", "--diff"),
    ("history",),
    ("history", "show", "2"),
    ("diff", "1", "2"),
    ("check", "--diff"),
    ("values", "server"),
    ("doctor",),
    ("doctor", "--deep"),
    ("export", "--to", "EXPORTED"),
    ("config", "validate"),
    ("rollback", "--dry-run"),
    ("rollback",),
    ("status",),
    ("resume", "--dry-run"),
    ("resume",),
    ("suspend", "--reason", "a test"),
    ("resume",),
    ("rbac",),
)
"""Each command that may ask the API, on a site that has two revisions."""
ASK_NO_API = {"schema", "completion"}
ENDS = {0, 1, 3}
"""How a command may end: doctor and check find something in a package that no Rucio loads."""
FOR_WHAT_THIS_SITE_HAS_NOT = {
    ("create", "jobs"): "a proof, where the pods' configuration names the package",
    ("delete", "jobs"): "as above",
    ("delete", "pods"): "as above, and a StatefulSet's pod that hangs",
    ("get", "pods/log"): "the last words of a container that died",
    ("delete", "secrets"): "a directory that has left the package",
    ("patch", "statefulsets"): "workloads of that kind",
    ("patch", "daemonsets"): "as above",
    ("list", "rollouts"): "as above, where the API has them",
    ("patch", "rollouts"): "as above",
}
"""What is granted and not used here, and when it is."""


@pytest.fixture
def rules(small: tuple[Site, Repository]) -> list[Object]:
    """Of the Role that `secretsync rbac` prints."""
    site, _ = small
    printed = ended(site.start("rbac"))
    assert printed.code == 0, printed
    (role,) = (manifest for manifest in yaml.safe_load_all(printed.out) if manifest["kind"] == "Role")
    return list(role["rules"])


@pytest.fixture
def as_the_account(
    small: tuple[Site, Repository], rules: list[Object], control_plane: ControlPlane, tmp_path: Path
) -> Path:
    """A kubeconfig of an account with these rules, and with no others."""
    folder = tmp_path / ACCOUNT
    folder.mkdir()
    token = control_plane.token(small[0].namespace, ACCOUNT, rules)
    return control_plane.kubeconfig_for(folder / "kubeconfig", token=token)


def test_no_command_makes_a_call_that_the_least_role_forbids(
    small: tuple[Site, Repository], rules: list[Object], as_the_account: Path, control_plane: ControlPlane
) -> None:
    site, repository = small
    mark, forbidden = control_plane.audit_mark(), {}

    def run(*arguments: str) -> Run:
        here = control_plane.audit_mark()
        told = ended(site.start(*arguments, kubeconfig=as_the_account))
        calls = control_plane.calls_since(here, site.namespace)
        forbidden[arguments] = [str(call) for call in calls if call.status in (401, 403)]
        return told

    first = run("apply")
    assert first.code == 0, first
    repository.push(SECOND)
    loop = site.start("run", kubeconfig=as_the_account)
    try:
        until(lambda: site.every_pod_runs(SECOND), "the loop takes the second commit", seconds=120)
    finally:
        loop.terminate()
        assert ended(loop).code == 0
    for arguments in AFTER_THE_FIRST:
        placed = [str(site.folder / "exported") if argument == "EXPORTED" else argument for argument in arguments]
        told = run(*placed)
        assert told.code in ENDS, (arguments, told)
        assert "Traceback" not in told.log

    assert {arguments: calls for arguments, calls in forbidden.items() if calls} == {}
    calls = control_plane.calls_since(mark, site.namespace)
    assert calls, "the audit log sees them"
    assert [call for call in calls if call.status in (401, 403)] == [], "nor does the loop"
    granted = {(verb, resource) for rule in rules for verb in rule["verbs"] for resource in rule["resources"]}
    assert granted - {(call.verb, call.resource) for call in calls} <= set(FOR_WHAT_THIS_SITE_HAS_NOT)


def test_every_command_is_in_the_audit() -> None:
    audited = {arguments[0] for arguments in AFTER_THE_FIRST} | {"run"} | ASK_NO_API
    context = click.Context(cli)
    commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    assert {name for name, command in commands.items() if command and not command.hidden} == audited
