"""The command line as an operator meets it, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from secretsync.cli.main import main
from secretsync.core.errors import USAGE
from tests import ROOT
from tests.servers.http import answered, free_port

pytestmark = pytest.mark.slow


GOOD = {
    "__init__.py": "",
    "permission.py": "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n",
    "schema.py": "SCHEMAS = {}\n\n\ndef validate_schema(name, obj):\n    return None\n",
}
CONFIGURATION = """
packages: [{moduleName: pol, requirement: ./source}]
targets: [{cluster: {directory: ./cluster}, namespace: rucio}]
cache: ./cache
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source" / "pol").mkdir(parents=True)
    for name, text in GOOD.items():
        (tmp_path / "source" / "pol" / name).write_text(text)
    (tmp_path / "secretsync.yaml").write_text(CONFIGURATION)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "secretsync", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=60
    )


def test_pending_changes_exit_3_and_nothing_is_written(folder: Path) -> None:
    done = run(folder, "--once", "--dry-run")
    assert done.returncode == 3
    assert "pending: 1 Secret" in done.stdout
    assert not (folder / "cluster").exists()


def test_a_run_exits_0_and_the_next_says_up_to_date(folder: Path) -> None:
    assert run(folder, "--once").returncode == 0
    again = run(folder, "--once")
    assert (again.returncode, again.stderr) == (0, "")
    assert "up to date: 1 Secret" in again.stdout


def test_content_is_shown_only_when_it_is_asked_for(folder: Path) -> None:
    (folder / "source/pol/schema.py").write_text(GOOD["schema.py"] + "CONTENT = 'of a file'\n")
    plain = run(folder, "-v", "--once", "--dry-run")
    assert "of a file" not in plain.stdout + plain.stderr
    assert "+CONTENT = 'of a file'" in run(folder, "--once", "--dry-run", "--diff").stdout


def test_what_the_check_refuses_exits_1_with_the_finding(folder: Path) -> None:
    (folder / "source/pol/permission.py").write_text("import nothing_like_it\n" + GOOD["permission.py"])
    done = run(folder, "--once")
    assert done.returncode == 1
    assert "[permission-import]" in done.stdout
    assert "REFUSED" in done.stdout


def test_a_wrong_configuration_exits_2_without_a_traceback(folder: Path) -> None:
    (folder / "secretsync.yaml").write_text(CONFIGURATION.replace("namespace", "namspace"))
    done = run(folder, "--once")
    assert done.returncode == 2
    assert "did you mean 'namespace'?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["--dry-run"], ["--once", "--sideways"], ["fly"]])
@pytest.mark.slow
def test_wrong_usage_exits_2(folder: Path, arguments: list[str]) -> None:
    assert run(folder, *arguments).returncode == 2


@pytest.mark.parametrize(("requirement", "exit_code"), [("git+http://localhost:1/nowhere.git", 1), ("./nowhere", 2)])
def test_a_source_that_fails_exits_1_and_one_that_the_configuration_names_wrongly_2(
    folder: Path, requirement: str, exit_code: int
) -> None:
    (folder / "secretsync.yaml").write_text(CONFIGURATION.replace("./source", requirement))
    done = run(folder, "--once")
    assert done.returncode == exit_code
    assert "nowhere" in done.stderr


def test_of_two_packages_the_one_that_can_be_read_is_written_and_the_other_named(folder: Path) -> None:
    both = CONFIGURATION.replace("packages: [", "packages: [{moduleName: lost, requirement: ./nowhere}, ")
    (folder / "secretsync.yaml").write_text(both)
    done = run(folder, "--once")
    assert done.returncode == 1
    assert "degraded: lost is not deployed: there is no directory /" in " ".join(done.stdout.split())
    assert "nowhere" in done.stderr
    assert (folder / "cluster/rucio/secret-pol.yaml").exists()
    # a path is one word, however long
    assert all(len(line) <= 80 for line in done.stdout.splitlines() if str(folder) not in line)
    assert run(folder, "--once", "--dry-run").returncode == 1


def test_reports_and_logs_are_json_where_a_program_reads(folder: Path) -> None:
    done = run(folder, "--once", "--output", "json", "--log-format", "json")
    assert json.loads(done.stdout)["targets"][0]["packages"][0]["module"] == "pol"
    assert {json.loads(line)["event"] for line in done.stderr.splitlines()} == {"created", "pass ended"}


def test_one_broken_target_does_not_stop_the_other(folder: Path) -> None:
    (folder / "elsewhere").write_text("a file where a directory should be")
    both = CONFIGURATION.replace("targets: [", "targets: [{cluster: {directory: ./elsewhere}, namespace: testbed}, ")
    (folder / "secretsync.yaml").write_text(both)
    done = run(folder, "--once")
    assert done.returncode == 1
    assert "applied: 1 Secret" in done.stdout


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The long-running form, which does not outlive this."""
    with subprocess.Popen(
        command(), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def long_running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The long-running form, after its first pass."""
    with started(folder) as process:
        until((folder / "cluster/rucio/secret-pol.yaml").exists, "the first pass writes the Secret")
        yield process


def test_the_long_running_form_stops_politely(long_running: subprocess.Popen[str]) -> None:
    long_running.send_signal(signal.SIGTERM)
    _, told = long_running.communicate(timeout=30)
    assert long_running.returncode == 0
    assert "stopped by SIGTERM" in told


@pytest.mark.slow
def test_a_signal_starts_a_pass_at_once(folder: Path, long_running: subprocess.Popen[str]) -> None:
    (folder / "source/pol/schema.py").write_text(GOOD["schema.py"] + "NEWER = True\n")
    live = folder / "cluster/rucio/secret-pol.yaml"
    before = live.read_text()
    long_running.send_signal(signal.SIGUSR1)
    until(lambda: live.read_text() != before, "the new file is live")


@pytest.mark.slow
def test_a_changed_configuration_starts_a_pass_at_once(folder: Path, long_running: subprocess.Popen[str]) -> None:
    (folder / "secretsync.yaml").write_text(
        CONFIGURATION.replace("moduleName: pol", "moduleName: pol, secretName: new")
    )
    until((folder / "cluster/rucio/secret-new.yaml").exists, "the Secret of the new name is there")


def answer_of(port: int, path: str) -> tuple[int, str]:
    """The answer of the process's port; status 0 while nobody listens there."""
    return answered(f"http://127.0.0.1:{port}{path}")


@pytest.mark.slow
def test_the_long_running_form_tells_how_it_is(folder: Path) -> None:
    port = free_port()
    (folder / "secretsync.yaml").write_text(CONFIGURATION + f"health: {{port: {port}}}\n")
    with started(folder):
        until(lambda: answer_of(port, "/readyz")[0] == 200, "it is ready after its first pass")
        assert answer_of(port, "/healthz")[0] == 200
        metrics = answer_of(port, "/metrics")[1]
    assert 'secretsync_in_sync{package="pol",target="directory cluster, namespace rucio"} 1.0' in metrics
    assert 'secretsync_stage_duration_seconds_count{package="pol",stage="fetch",target=""} 1.0' in metrics


@pytest.mark.slow
def test_a_cluster_that_cannot_be_opened_is_a_failure_of_its_target_and_no_reason_to_start_anew(folder: Path) -> None:
    port = free_port()
    unknown = CONFIGURATION.replace("{directory: ./cluster}", "{context: nowhere, kubeconfig: ./none}")
    (folder / "secretsync.yaml").write_text(unknown + f"health: {{port: {port}}}\n")
    failure = 'secretsync_failures_total{reason="configuration",target="context nowhere, namespace rucio"} 1.0'
    with started(folder):
        until(lambda: failure in answer_of(port, "/metrics")[1], "the failure is counted once")
        assert answer_of(port, "/healthz")[0] == 200
        until(lambda: answer_of(port, "/readyz")[0] == 200, "a pass came to its end")


def test_a_port_that_is_taken_ends_the_start_with_its_number(folder: Path) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        (folder / "secretsync.yaml").write_text(CONFIGURATION + f"health: {{port: {port}}}\n")
        done = run(folder)
    assert done.returncode == 2
    assert f"port {port} cannot be listened on" in done.stderr


def post(port: int, token: str) -> int:
    """The status of the answer to a forged or a true request; 0 while nobody listens there."""
    return answered(urllib.request.Request(f"http://127.0.0.1:{port}/sync", b"", {"X-Gitlab-Token": token}))[0]


@pytest.mark.slow
def test_a_webhook_starts_a_pass_at_once_and_a_forged_one_does_not(folder: Path) -> None:
    port = free_port()
    (folder / "secret").write_text("a secret\n")
    rules = f"webhook: {{port: {port}, secret: {{file: secret}}}}\n"
    (folder / "secretsync.yaml").write_text(CONFIGURATION + rules)
    live = folder / "cluster/rucio/secret-pol.yaml"
    with started(folder):
        until(live.exists, "the first pass writes the Secret")
        before = live.read_text()
        (folder / "source/pol/schema.py").write_text(GOOD["schema.py"] + "NEWER = True\n")
        assert post(port, "a guess") == 401
        assert live.read_text() == before
        assert post(port, "a secret") == 202
        until(lambda: live.read_text() != before, "the new file is live")


def test_help_teaches_by_example(folder: Path) -> None:
    told = run(folder, "--help").stdout
    assert "secretsync plan --diff" in told
    assert all(len(line) <= 80 for line in told.splitlines())


def test_ctrl_c_prints_no_traceback(long_running: subprocess.Popen[str]) -> None:
    long_running.send_signal(signal.SIGINT)
    _, told = long_running.communicate(timeout=30)
    assert "stopped by SIGINT" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_interrupted_says_so_by_its_exit_code(
    number: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: object) -> None:
        os.kill(os.getpid(), number)

    monkeypatch.setattr("secretsync.cli.settings.Settings.configuration", interrupted)
    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    try:
        assert main(["plan"]) == code
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
    assert f"stopped by {number.name}" in capsys.readouterr().err


def test_ctrl_c_before_the_command_is_loaded_prints_no_traceback() -> None:
    code = (
        "import os, signal, sys\n"
        "from secretsync import __main__ as command\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'secretsync.cli.main': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "command.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_a_reader_that_goes_away_is_no_bug(folder: Path) -> None:
    (folder / "source/pol/schema.py").write_text(GOOD["schema.py"] + "X = 1\n" * 50_000)
    done = subprocess.run(
        f"{' '.join(command('plan', '--diff'))} | head -1",
        shell=True,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "bug" not in done.stderr
    assert "BrokenPipeError" not in done.stderr


def test_a_secret_of_another_tool_is_refused_with_how_it_differs_and_the_reason_as_the_last_line(folder: Path) -> None:
    (folder / "cluster").mkdir()
    (folder / "cluster" / "secret.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: pol\n  namespace: rucio\n"
        "  annotations: {meta.helm.sh/release-name: server}\nstringData: {permission.py: private words}\n"
    )
    done = run(folder, "apply")
    assert done.returncode == 1
    assert "~ permission.py" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("FAILED (refused): Secret rucio/pol belongs to the Helm release")
    assert "private words" not in done.stdout + done.stderr
    assert "private words" in run(folder, "plan", "--diff").stdout
    status = run(folder, "status").stdout
    assert "not managed" in status
    assert "drift" not in status


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["statsu"], "Did you mean 'status'?"),
        (["version"], "Use: secretsync --version"),
        (["apply", "--dry-run"], "'secretsync plan'"),
        (["plan", "--kubeconfig", "x"], "cluster: {context: NAME}"),
        (["apply", "--plan-id", "abc"], "sha256: and 64 hex digits"),
        (["apply", "--yes"], "only 'secretsync rollback' asks"),
        (["list"], "Use: secretsync status, or secretsync history"),
        (["history", "3"], "Use: secretsync history show REVISION"),
        (["config", "set"], "'secretsync config --help' lists them"),
        (["suspend", "my_policy"], "goes with its option: --package, --target, --config"),
        (["plan", "my.yaml"], "goes with its option: --target, --config"),
    ],
)
def test_what_other_tools_call_otherwise_is_a_usage_error_that_says_how_it_is_called_here(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == USAGE
    assert hint in " ".join(capsys.readouterr().err.split())


def test_a_command_that_cannot_begin_gives_a_document_where_json_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "-o", "json", "-c", str(tmp_path / "none.yaml")]) == USAGE
    document = json.loads(capsys.readouterr().out)
    assert (document["outcome"], document["exit_code"], document["error"]["code"]) == ("failed", 2, "unusable_config")
