"""The probe runs on Python 3.9 and later, and no package gets it off its way."""

from __future__ import annotations

import ast
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync.rucio.prove import Proof, RucioEnvironment, Verdict, prove
from secretsync.rucio.prove.archive import MODULES, probe_archive
from secretsync.rucio.prove.probe.gateway import questions_in
from tests.rucio.check.build import PERMISSION, policy

network = pytest.mark.network
LARGE_ENOUGH = 2 * 1024**3


def proof(
    rucio: RucioEnvironment, changes: dict[str, str], *, timeout: float = 120, layout: str = "directories"
) -> Proof:
    return prove(policy(changes), rucio=rucio, timeout=timeout, layout=layout, memory=LARGE_ENOUGH)


SOURCES = [pytest.param(path.read_text(), id=path.name) for path in sorted(MODULES.glob("*.py"))]


@pytest.mark.parametrize("source", SOURCES)
def test_python_3_9_can_compile_it(source: str) -> None:
    ast.parse(source, feature_version=(3, 9))


@pytest.mark.parametrize("source", SOURCES)
def test_it_needs_the_standard_library_and_rucio_alone(source: str) -> None:
    tree = ast.parse(source)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    tops = {name.partition(".")[0] for name in imported}
    assert tops - sys.stdlib_module_names <= {"rucio", "sqlalchemy"}


def test_it_is_one_file_that_python_runs(tmp_path: Path) -> None:
    probe = tmp_path / "probe.zip"
    probe.write_bytes(probe_archive())
    shown = subprocess.run([sys.executable, "-I", str(probe), "--help"], capture_output=True, text=True, check=True)
    assert "REPORT" in shown.stdout.upper()


def test_it_has_the_same_bytes_in_every_call() -> None:
    assert probe_archive() == probe_archive()


def test_a_question_has_the_arguments_of_its_own_line() -> None:
    source = """
def add(scope, new):
    kwargs = {"scope": scope}
    if not has_permission(action="add_did", kwargs=kwargs):
        raise AccessDenied
    kwargs["dids"] = new
    return has_permission(action="add_dids", kwargs=kwargs) and has_permission(action="export", kwargs={"issuer": 1})
"""
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert questions_in(function) == [("add_did", ("scope",)), ("add_dids", ("scope", "dids")), ("export", ("issuer",))]


@network
@pytest.mark.parametrize("layout", ["directories", "zip"])
def test_a_sound_package_loads_in_either_layout(rucio: RucioEnvironment, layout: str) -> None:
    found = proof(rucio, {}, layout=layout)
    assert found.verdict is Verdict.LOADS
    assert found.report["in_force"]["permission"]["module"] == "pol.permission"
    assert set(found.report["files"]) == {"__init__.py", "permission.py", "schema.py"}


@network
def test_root_and_an_account_without_attributes_are_asked(rucio: RucioEnvironment) -> None:
    answers = proof(rucio, {}).report["answers"]
    said = {(one["account"], one["action"]): one["rucio"] for one in answers}
    assert said["root", "add_rse"] is True
    assert said["nobody", "add_rse"] is False


@network
def test_every_action_is_asked_as_the_gateway_does_and_rucios_own_permissions_answer(rucio: RucioEnvironment) -> None:
    own = "from rucio.core.permission.generic import has_permission\n"
    report = proof(rucio, {"permission.py": own}).report
    assert report["unmade"] == {}
    asked = [one for one in report["answers"] if one["asked"]]
    assert {one["account"] for one in asked} == {"root", "nobody"}
    assert len({one["action"] for one in asked}) > 90
    # these three lack an argument that Rucio's own permissions read: a fault of Rucio
    assert {one["action"] for one in report["answers"] if not isinstance(one["package"], bool)} == {
        "remove_did_from_followed",
        "remove_dids_from_followed",
        "set_global_account_limit",
    }


@network
@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("import sys; sys.exit(0)", Verdict.EXITS),
        ("import os; os._exit(0)", Verdict.EXITS),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Verdict.CRASHES),
        ("def f(): f()\nf()", Verdict.DIES),
        ("x = bytearray(10**11)", Verdict.CRASHES),
    ],
    ids=["sys.exit", "os._exit", "killed", "recursion", "memory"],
)
def test_a_package_that_does_not_survive_its_import_is_a_finding(
    rucio: RucioEnvironment, code: str, verdict: Verdict
) -> None:
    found = proof(rucio, {"permission.py": code})
    assert found.verdict is verdict
    assert len(found.findings) == 1


def test_a_package_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    # stands for Rucio's Python, and is at once where it imports the package
    python, seconds = tmp_path / "python", f"600.{os.getpid()}"
    report = '{"step": "load", "done": false, "python": "started"}'
    python.write_text(f"#!/bin/sh\nsleep {seconds} &\necho '{report}' > \"$2\"\nwait\n")
    python.chmod(0o755)
    found = proof(RucioEnvironment("41.5.1", python), {}, timeout=3)
    assert (found.verdict, found.python) == (Verdict.HANGS, "started")
    assert not _runs(f"sleep\0{seconds}\0")


def _runs(command: str) -> bool:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if place.read_text(errors="replace") == command:
                return True
    return False


@network
def test_what_a_package_prints_or_leaves_running_decides_nothing(rucio: RucioEnvironment) -> None:
    code = """
import atexit, os, sys, threading, time
print('{"done": true, "step": "files"}')
os.write(2, b"\\x00\\xff" * 1000)
sys.stdout.close()
os.chdir("/")
threading.Thread(target=time.sleep, args=(600,)).start()
atexit.register(time.sleep, 600)
"""
    assert proof(rucio, {"permission.py": code + PERMISSION}).verdict is Verdict.LOADS


@network
def test_the_package_sees_nothing_of_the_callers_environment(
    rucio: RucioEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_TOKEN", "hunter2")
    code = "import os\nif 'REGISTRY_TOKEN' in os.environ: raise ValueError('a token')\n"
    assert proof(rucio, {"permission.py": code + PERMISSION}).verdict is Verdict.LOADS
