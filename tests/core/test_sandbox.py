"""Programs of strangers: nothing of ours is given to them, and nothing of theirs stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from secretsync.core import sandbox

pytestmark = pytest.mark.slow  # each case starts sandboxes

TRIAL = "import ctypes; raise SystemExit(ctypes.CDLL(None).unshare(0x10000000 | 0x20000000 | 0x20000))"
NAMESPACES = pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", TRIAL], check=False).returncode != 0,
    reason="this kernel refuses user namespaces to this user",
)


def run(code: str, folder: Path, *, seconds: float = 60, network: bool = False) -> sandbox.Completed:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return sandbox.run([sys.executable, "-c", code], environment, folder, seconds=seconds, network=network)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("", 0), ("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 11)", -11), ("import os; os.abort()", -6)],
)
def test_a_program_ends_as_it_did(code: str, expected: int, tmp_path: Path) -> None:
    assert run(code, tmp_path).code == expected


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    assert run("import time; time.sleep(100)", tmp_path, seconds=1).code is None


def test_only_the_beginning_of_what_it_says_is_kept(tmp_path: Path) -> None:
    ended = run("import sys\nfor _ in range(300): sys.stderr.write('x' * 1000000)", tmp_path)
    assert (ended.code, len(ended.complaint)) == (0, sandbox.MOST_OUTPUT)


def test_it_has_the_environment_that_was_made_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "canary")
    ended = run("import os, sys; sys.stderr.write(repr(sorted(os.environ)))", tmp_path)
    assert b"TOKEN" not in ended.complaint


ESCAPE = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1.5)
            open({mark!r}, 'w').close()
        os._exit(0)
"""


@pytest.mark.parametrize("in_namespaces", [True, False])
@pytest.mark.parametrize("seconds", [60, 0.5])
def test_what_it_left_behind_is_killed(
    seconds: float, in_namespaces: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_namespaces:
        init = sandbox._INIT.read_text().replace("_libc.unshare(wanted", "(lambda _: 1)(wanted")
        (tmp_path / "init.py").write_text(init)
        monkeypatch.setattr(sandbox, "_INIT", tmp_path / "init.py")
    waits = "" if seconds > 1 else "time.sleep(100)\n"
    ended = run(ESCAPE.format(mark=str(tmp_path / "mark")) + waits, tmp_path, seconds=seconds)
    assert ended.code == (0 if seconds > 1 else None)
    time.sleep(2)
    assert not (tmp_path / "mark").exists()


@NAMESPACES
def test_it_sees_no_process_of_ours(tmp_path: Path) -> None:
    ended = run(f"import os, sys; sys.stderr.write(str(os.path.exists('/proc/{os.getpid()}/environ')))", tmp_path)
    assert ended.complaint == b"False"


@NAMESPACES
@pytest.mark.parametrize(("place", "errors"), [("here", b""), ("elsewhere", b"OSError")])
def test_it_writes_to_its_folder_alone(place: str, errors: bytes, tmp_path: Path) -> None:
    for name in ("here", "elsewhere"):
        (tmp_path / name).mkdir()
    code = f"import sys\ntry: open({str(tmp_path / place / 'x')!r}, 'w')\nexcept OSError: sys.stderr.write('OSError')"
    assert run(code, tmp_path / "here").complaint == errors
    assert (tmp_path / place / "x").exists() is not bool(errors)


@NAMESPACES
@pytest.mark.parametrize(("network", "devices"), [(False, b"1"), (True, None)])
def test_it_has_no_network_unless_it_needs_one(network: bool, devices: bytes | None, tmp_path: Path) -> None:
    import socket

    ended = run("import socket, sys; sys.stderr.write(str(len(socket.if_nameindex())))", tmp_path, network=network)
    assert ended.complaint == (devices or str(len(socket.if_nameindex())).encode())


@NAMESPACES
def test_it_cannot_undo_what_keeps_it_apart(tmp_path: Path) -> None:
    code = (
        "import ctypes, sys\nlibc = ctypes.CDLL(None)\n"
        "sys.stderr.write(str(libc.mount(None, b'/', None, 0x1020, None)))"
    )
    assert run(code, tmp_path).complaint == b"-1"
